/* multiples.js: a small panel for each optimizer, with a thin line for each problem. A line is {p, y}: the problem and 100·log10 of the
 * gap at the points of the common grid, from the first one on. */
"use strict";
(() => {
  const { suite } = OB.data, esc = OB.esc, $ = (id) => document.getElementById(id);
  const W = 232, H = 138, M = { l: 34, r: 6, t: 6, b: 20 }, MOST = 12, CLEAR = 40, LOWEST = -16, TOP = 1.6, EVERY = 6;
  const gap = (centilog) => (centilog == null ? null : 10 ** (centilog / 100));
  const drawn = new WeakMap(); // line → its path, and the axis that the path was made for: filters change neither
  let all = false;

  /* What all panels share: the axes from 10^low, the pixels of the grid's points and of a 100·log10. */
  function axes(xs, low) {
    const sx = OB.scale({ log: true, domain: [1, xs[xs.length - 1]] }, M.l, W - M.r), sy = OB.scale({ log: true, domain: [10 ** low, TOP] }, H - M.b, M.t);
    const rise = OB.scale({ domain: [100 * low, 100 * Math.log10(TOP)] }, H - M.b, M.t);
    return { low, points: xs.length, across: xs.map((x) => sx(x).toFixed(1)), rise, grid: grid(sx, sy) };
  }

  function grid(sx, sy) {
    const text = (label, anchor, x, y) => `<text x="${x}" y="${y}" text-anchor="${anchor}">${label}</text>`;
    const rows = sy.ticks().filter((_, i, list) => list.length < 5 || i % 2 === 0);
    return rows.map((t) => `<path d="M${M.l} ${sy(t)}H${W - M.r}"/>` + text(sy.format(t), "end", M.l - 4, sy(t) + 4)).join("") +
      sx.ticks().map((t) => `<path d="M${sx(t)} ${M.t}V${H - M.b}"/>` + text(sx.format(t), "middle", sx(t), H - 6)).join("");
  }

  function path(y, { across, rise }) {
    let d = "";
    y.forEach((c, i) => { if (c != null) d += `${d ? "L" : "M"}${across[i]} ${rise(c).toFixed(1)}`; });
    return d;
  }

  function pathOf(line, frame) {
    const known = drawn.get(line);
    if (known?.low === frame.low) return known.d;
    const d = path(line.y, frame);
    drawn.set(line, { low: frame.low, d });
    return d;
  }

  /* The median over problems at each point, each line kept at its last value after its end. */
  const middle = (lines, points) => Array.from({ length: points }, (_, i) => {
    const values = lines.map(({ y }) => y[Math.min(i, y.length - 1)]).filter((v) => v != null);
    return values.length ? OB.median(values) : null;
  });

  function panel({ o, lines }, frame) {
    const name = esc(suite.optimizers[o].label);
    return `<div class="panel" data-o="${o}"><h4>${OB.swatch(o)}<a href="optimizers/${suite.optimizers[o].id}.html">${name}</a></h4>` +
      `<svg viewBox="0 0 ${W} ${H}" role="img" aria-label="${name}: ${lines.length} problems"><g class="grid">${frame.grid}</g>` +
      `<g class="threads ser o${o}" style="--dense: ${Math.min(1, CLEAR / lines.length).toFixed(2)}">${lines.map((line) => `<path d="${pathOf(line, frame)}"/>`).join("")}</g>` +
      `<path class="line solid ser o${o}" d="${path(middle(lines, frame.points), frame)}"/></svg></div>`;
  }

  function chosen(view) {
    const coloured = view.optimizers.filter((o) => !suite.grey.includes(o));
    return all || view.optimizers.length <= MOST ? view.optimizers : coloured.length ? coloured : view.optimizers.slice(0, MOST);
  }

  function lowest(shown) {
    let low = -100;
    for (const { lines } of shown) for (const { y } of lines) for (const c of y) if (c != null && c < low) low = c;
    return Math.max(LOWEST, Math.floor(low / 100));
  }

  const rows = (shown, xs) => [["optimizer", "problem", ...xs], ...shown.flatMap(({ o, lines }) =>
    lines.map(({ p, y }) => [suite.optimizers[o].label, suite.problems[p].label, ...y.map(gap)]))];

  function table(shown, xs) {
    const thin = (list) => list.filter((_, i) => i % EVERY === 0), cell = (c) => `<td class="n">${c == null ? "–" : OB.number(gap(c))}</td>`;
    return `<table><thead><tr><th scope="col">Optimizer, median</th>${thin(xs).map((x) => `<th scope="col" class="n">${OB.number(x)}</th>`).join("")}</tr></thead><tbody>` +
      shown.map(({ o, lines }) => `<tr><th scope="row">${esc(suite.optimizers[o].label)}</th>${thin(middle(lines, xs.length)).map(cell).join("")}</tr>`).join("") + "</tbody></table>";
  }

  OB.part("fig-multiples", async (view) => {
    const host = $("multiples"), state = OB.state(), kinds = [...new Set(view.problems.map((p) => suite.problems[p].kind))];
    const shards = await Promise.all(kinds.map((kind) => OB.shard(`multi/${suite.kinds.indexOf(kind)}`))).catch((error) => OB.nothing(host, error.message));
    if (!shards || state !== OB.state()) return;
    const wanted = new Set(view.problems), xs = shards[0].x;
    const shown = chosen(view).map((o) => ({ o, lines: shards.flatMap((s) => s.lines[o]).filter((line) => wanted.has(line.p)) })).filter(({ lines }) => lines.length);
    if (!shown.length) { OB.nothing(host, "No curve of these problems can be drawn."); return; }
    const frame = axes(xs, lowest(shown)), rest = view.optimizers.length - shown.length;
    host.className = "plot script panels";
    host.innerHTML = shown.map((one) => panel(one, frame)).join("") + (rest > 0 ? `<button type="button" class="more">Show ${rest} more</button>` : "");
    const more = host.querySelector(".more");
    if (more) more.onclick = () => { all = true; OB.refresh(); };
    host.rows = () => rows(shown, xs);
    host.table = () => table(shown, xs);
    OB.fillTable(host);
  });
})();
