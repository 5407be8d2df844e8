/* multiples.js: a small panel for each optimizer, with a thin line for each problem. */
"use strict";
(() => {
  const { suite } = OB.data, esc = OB.esc, $ = (id) => document.getElementById(id);
  const W = 232, H = 138, M = { l: 34, r: 6, t: 6, b: 20 }, MOST = 12, LOWEST = -16;
  const log = (centilog) => (centilog == null ? null : centilog / 100);
  let all = false;

  function path(ys, xs, sx, sy) {
    let d = "";
    ys.forEach((y, i) => { if (y != null) d += `${d ? "L" : "M"}${sx(xs[i]).toFixed(1)} ${sy(10 ** y).toFixed(1)}`; });
    return d;
  }

  /* The median over problems at each point, each line kept at its last value after its end. */
  const middle = (lines, n) => Array.from({ length: n }, (_, i) => {
    const values = lines.map((y) => (i < y.length ? y[i] : y[y.length - 1])).filter((v) => v != null);
    return values.length ? OB.median(values) : null;
  });

  function panel(o, lines, xs, low) {
    const sx = OB.scale({ log: true, domain: [1, xs[xs.length - 1]] }, M.l, W - M.r), sy = OB.scale({ log: true, domain: [10 ** low, 1.6] }, H - M.b, M.t);
    const name = suite.optimizers[o].label, tick = (v, text, anchor, x, y) => `<text x="${x}" y="${y}" text-anchor="${anchor}">${text}</text>`;
    const grid = [...sy.ticks()].filter((_, i, list) => list.length < 5 || i % 2 === 0).map((t) => `<path d="M${M.l} ${sy(t)}H${W - M.r}"/>` + tick(t, sy.format(t), "end", M.l - 4, sy(t) + 4)).join("") +
      sx.ticks().map((t) => `<path d="M${sx(t)} ${M.t}V${H - M.b}"/>` + tick(t, sx.format(t), "middle", sx(t), H - 6)).join("");
    const middling = path(middle(lines, xs.length), xs, sx, sy);
    return `<div class="panel" data-o="${o}"><h4>${OB.swatch(o)}<a href="optimizers/${suite.optimizers[o].id}.html">${esc(name)}</a></h4>` +
      `<svg viewBox="0 0 ${W} ${H}" role="img" aria-label="${esc(name)}: ${lines.length} problems"><g class="grid">${grid}</g>` +
      `<g class="threads ser o${o}">${lines.map((y) => `<path d="${path(y, xs, sx, sy)}"/>`).join("")}</g><path class="line solid ser o${o}" d="${middling}"/></svg></div>`;
  }

  function chosen(view) {
    const coloured = view.optimizers.filter((o) => !suite.grey.includes(o));
    return all || view.optimizers.length <= MOST ? view.optimizers : coloured.length ? coloured : view.optimizers.slice(0, MOST);
  }

  OB.section("convergence", async (view) => {
    const host = $("multiples"), state = OB.state();
    if (!host) return;
    const kinds = [...new Set(view.problems.map((p) => suite.problems[p].kind))].map((kind) => suite.kinds.indexOf(kind));
    const shards = await Promise.all(kinds.map((k) => OB.shard(`multi/${k}`))).catch((error) => OB.nothing(host, error.message));
    if (!shards || state !== OB.state()) return;
    const kept = new Set(view.problems), xs = shards[0].x, of = (o) => shards.flatMap((s) => s.lines[o]).filter((line) => kept.has(line.p)).map((line) => line.y.map(log));
    const shown = chosen(view).map((o) => [o, of(o)]).filter(([, lines]) => lines.length);
    if (!shown.length) { OB.nothing(host, "No curve of these problems can be drawn."); return; }
    let low = -1;
    for (const [, lines] of shown) for (const y of lines) for (const v of y) if (v != null && v < low) low = v;
    low = Math.max(LOWEST, Math.floor(low));
    const rest = view.optimizers.length - shown.length;
    host.className = "plot script panels";
    host.innerHTML = shown.map(([o, lines]) => panel(o, lines, xs, low)).join("") + (rest > 0 ? `<button type="button" class="more">Show ${rest} more</button>` : "");
    const more = host.querySelector(".more");
    if (more) more.onclick = () => { all = true; OB.refresh(); };
    host.rows = () => [["optimizer", "line", ...xs], ...shown.flatMap(([o, lines]) => lines.map((y, i) => [suite.optimizers[o].label, i, ...y.map((v) => (v == null ? "" : 10 ** v))]))];
    host.table = () => `<table><thead><tr><th scope="col">Optimizer, median</th>${xs.filter((_, i) => i % 6 === 0).map((x) => `<th scope="col" class="n">${OB.number(x)}</th>`).join("")}</tr></thead><tbody>` +
      shown.map(([o, lines]) => `<tr><th scope="row">${esc(suite.optimizers[o].label)}</th>${middle(lines, xs.length).filter((_, i) => i % 6 === 0).map((v) => `<td class="n">${v == null ? "–" : OB.number(10 ** v)}</td>`).join("")}</tr>`).join("") + "</tbody></table>";
    OB.fillTables();
  });
})();
