/* charts.js: SVG line charts with bands, direct labels and an ordered key. Colours come from CSS classes, so themes,
 * highlighting and print need no redraw.
 *
 * OB.lineChart(host, {label, x, y, series, guides, key, height}) draws into `host`; call it again to update.
 *   x, y     {label, log, domain: [low, high], format}
 *   series   [{o, name, x, y, from?, process?, under?, marks?, low?, high?, band?, ends?, step?}]   from: points have markers, hollow from this one on, with crosses at marks; hollow at `doubted`, too; lead: so many steps at the start are dotted;
 *            process: crosses instead of dots; under: another line lies on it, so that it has a halo;
 *            o: class o<number>; y in data units, null = gap; ends: [[x, y]] crosses;
 *            low, high: a band at x, always seen; band: {x, low, high}, seen while its curve is highlighted
 *            threads: [{x, y}] thin lines, such as single seeds; stages: x of marks on the line
 *   guides   [{x, y}]                                        grey reference lines
 *   key      {title, rows: [{o, name, text}]}                ordered key instead of labels at the line ends
 */
"use strict";
(() => {
  const esc = OB.esc, px = (v) => v.toFixed(1), LABEL_GAP = 14, KEY_ROW = 21, LETTER = 7.2, MOST_NAMED = 16;
  /* A long name without its middle: what tells arms apart stands at their ends, "sgd(lr=0.1, …) + batch-norm". */
  const brief = OB.brief = (name, length) => {
    const half = (length - 1) / 2;
    return name.length > length ? name.slice(0, Math.ceil(half)) + "…" + name.slice(name.length - Math.floor(half)) : name;
  };

  function path(xs, ys, sx, sy, step) {
    let d = "", pen = false;
    xs.forEach((x, i) => {
      if (x == null || ys[i] == null) { pen = false; return; }
      const X = px(sx(x)), Y = px(sy(ys[i]));
      d += !pen ? `M${X} ${Y}` : step ? `H${X}V${Y}` : `L${X} ${Y}`;
      pen = true;
    });
    return d;
  }

  /* A line with a marker at each point; from the point `from` on they are hollow and the line is dotted. */
  function marked(s, sx, sy) {
    const part = (begin, end, more) => `<path class="line ser o${s.o}${more}" d="${path(s.x.slice(begin, end), s.y.slice(begin, end), sx, sy)}"/>`;
    const cross = ([x, y], arm) => `<path class="end ser o${s.o}" d="M${px(sx(x) - arm)} ${px(sy(y) - arm)}l${2 * arm} ${2 * arm}m0 ${-2 * arm}l${-2 * arm} ${2 * arm}"/>`;
    const dots = s.x.map((x, i) => s.process ? cross([x, s.y[i]], 4) : `<circle class="dot ser o${s.o}${i < s.from && !(s.doubted || []).includes(x) ? "" : " hollow"}" cx="${px(sx(x))}" cy="${px(sy(s.y[i]))}" r="3.2"/>`);
    const arms = (s.marks || []).map((mark) => cross(mark, 6));
    const halo = s.under ? `<path class="halo ser o${s.o}" d="${path(s.x, s.y, sx, sy)}"/>` : "";
    const lead = s.lead ? part(0, s.lead + 1, " dotted") : "";
    return halo + lead + part(s.lead || 0, s.from, "") + (s.from < s.x.length ? part(Math.max(s.from - 1, 0), s.x.length, " dotted") : "") + arms.join("") + dots.join("");
  }

  function area(s, sx, sy) {
    const rows = s.x.map((x, i) => [x, s.low[i], s.high[i]]).filter((row) => row.every((v) => v != null));
    const up = rows.map(([x, , high]) => `${px(sx(x))} ${px(sy(high))}`), down = rows.map(([x, low]) => `${px(sx(x))} ${px(sy(low))}`);
    return rows.length > 1 ? `M${[...up, ...down.reverse()].join("L")}Z` : "";
  }

  /* Grey lines lie beneath the coloured ones. */
  const isGrey = (s) => OB.data.suite.grey.includes(s.o), ordered = (series) => [...series.filter(isGrey), ...series.filter((s) => !isGrey(s))];

  function heightAt(s, x) {
    const i = s.x.findIndex((other) => other >= x);
    return s.y[i < 0 ? s.y.length - 1 : i] ?? s.y[s.y.length - 1];
  }

  /* Keep the order of the labels, at least LABEL_GAP apart, inside [top, bottom]. */
  function spread(items, top, bottom) {
    items.sort((a, b) => a.y - b.y);
    items.forEach((t, i) => { t.at = Math.max(t.y, i ? items[i - 1].at + LABEL_GAP : top); });
    for (let i = items.length - 1; i >= 0; i--) {
      items[i].at = Math.min(items[i].at, i < items.length - 1 ? items[i + 1].at - LABEL_GAP : bottom);
    }
    return items;
  }

  function axes({ spec, sx, sy, m, W, H }) {
    const rows = sy.ticks().map((t) => `<path d="M${m.l} ${px(sy(t))}H${W - m.r}"/><text x="${m.l - 8}" y="${px(sy(t) + 4)}" text-anchor="end">${sy.format(t)}</text>`);
    const columns = sx.ticks().map((t) => `<path d="M${px(sx(t))} ${m.t}V${H - m.b}"/><text x="${px(sx(t))}" y="${H - m.b + 18}" text-anchor="middle">${sx.format(t)}</text>`);
    return `<g class="grid">${rows.join("")}${columns.join("")}<path class="axis" d="M${m.l} ${H - m.b}H${W - m.r}"/></g>` +
      `<text class="axis-label" x="${(m.l + W - m.r) / 2}" y="${H - m.b + 40}" text-anchor="middle">${esc(spec.x.label)}</text>` +
      `<text class="axis-label" transform="translate(14 ${(H - m.b + m.t) / 2}) rotate(-90)" text-anchor="middle">${esc(spec.y.label)}</text>`;
  }

  function curves({ spec, sx, sy, m, W, H }, id) {
    const guides = (spec.guides || []).map((g) => `<path class="guide" d="${path(g.x, g.y, sx, sy)}"/>`);
    const band = (s, rows, kind) => `<path class="band ${kind} ser o${s.o}" d="${area(rows, sx, sy)}"/>`;
    const bands = spec.series.map((s) => (isGrey(s) ? "" : s.low ? band(s, s, "") : s.band ? band(s, s.band, "quiet") : ""));
    const threads = spec.series.map((s) => (s.threads ? `<g class="threads ser o${s.o}">${s.threads.map((t) => `<path d="${path(t.x, t.y, sx, sy)}"/>`).join("")}</g>` : ""));
    const lines = ordered(spec.series).map((s) => (s.from == null ? `<path class="line ser o${s.o}" d="${path(s.x, s.y, sx, sy, s.step)}"/>` : marked(s, sx, sy)));
    const crosses = spec.series.flatMap((s) => (s.ends || []).map(([x, y]) =>
      `<path class="end ser o${s.o}" d="M${px(sx(x) - 4)} ${px(Math.min(H - m.b, sy(y)) - 4)}l8 8m0 -8l-8 8"/>`));
    const stages = spec.series.flatMap((s) => (s.stages || []).map((x) => `<path class="stage ser o${s.o}" d="M${px(sx(x))} ${px(sy(heightAt(s, x)) - 7)}v14"><title>a stage of ${esc(s.name)} begins</title></path>`));
    return `<defs><clipPath id="${id}"><rect x="${m.l}" y="${m.t}" width="${W - m.l - m.r}" height="${H - m.t - m.b}"/></clipPath></defs>` +
      `<g clip-path="url(#${id})">${guides.join("")}${bands.join("")}${threads.join("")}${lines.join("")}${stages.join("")}${crosses.join("")}</g>`;
  }

  /* The key stands at the right, on narrow screens below; without texts beside the names it has two columns there. */
  function key({ spec, m, W, H, narrow, legend }) {
    const [left, top] = narrow ? [m.l - 30, H - m.b + 66] : [W - m.r + 18, m.t + 8], two = narrow && !spec.key, width = (W - left) / (two ? 2 : 1);
    const letters = Math.floor((width - 32 - (two ? 8 : 58)) / LETTER);
    const rows = legend.map((row, i) => {
      const x = left + (two && i % 2 ? width : 0), y = top + (spec.key ? 24 : 4) + Math.floor(two ? i / 2 : i) * KEY_ROW;
      return `<path class="line ser o${row.o}" d="M${x} ${y - 4}h24"/>` +
        `<text class="ser o${row.o}" x="${x + 32}" y="${y}">${esc(brief(row.name, letters))}<title>${esc(row.name)}</title></text>` +
        (two ? "" : `<text class="ser o${row.o}" x="${W}" y="${y}" text-anchor="end">${esc(row.text)}</text>`);
    });
    return `<text class="hint" x="${W}" y="${top}" text-anchor="end">${esc(spec.key?.title || "")}</text>${rows.join("")}`;
  }

  /* What is named beside the chart: all, or where these are too many, those with a colour; the side bar names all. */
  function legendOf(spec, narrow) {
    const rows = spec.key ? spec.key.rows : narrow ? spec.series : [];
    return rows.length > MOST_NAMED ? rows.filter((row) => !isGrey(row)) : rows;
  }

  function endLabels({ spec, sx, sy, m, W, H }) {
    const named = spec.series.length > MOST_NAMED ? spec.series.filter((s) => !isGrey(s)) : spec.series;
    const ends = named.map((s) => {
      let i = s.y.length - 1;
      while (i > 0 && (s.y[i] == null || s.x[i] > spec.x.domain[1])) i--;
      return { s, x: sx(s.x[i]), y: Math.min(H - m.b, Math.max(m.t, sy(s.y[i]))) };
    });
    return spread(ends, m.t + 4, H - m.b - 2).map((t) =>
      `<path class="leader ser o${t.s.o}" d="M${px(t.x)} ${px(t.y)}L${W - m.r + 4} ${px(t.at)}"/>` +
      `<text class="end-label ser o${t.s.o}" x="${W - m.r + 8}" y="${px(t.at + 4)}">${esc(brief(t.s.name, Math.floor((m.r - 10) / LETTER)))}<title>${esc(t.s.name)}</title></text>`).join("");
  }

  OB.lineChart = function (host, spec) {
    const W = Math.max(260, host.clientWidth), narrow = W < (spec.key ? 600 : 430);
    const legend = legendOf(spec, narrow), longest = Math.max(...spec.series.map((s) => s.name.length));
    const named = Math.max(0, ...legend.map((row) => row.name.length));
    const room = narrow ? 14 : spec.key ? Math.min(Math.max(300, W / 3), Math.max(232, 112 + LETTER * named)) : Math.min(170, Math.max(80, 14 + LETTER * longest));
    const rows = KEY_ROW * (spec.key ? legend.length : Math.ceil(legend.length / 2)), below = narrow ? rows + 30 : 0;
    const H = Math.max((spec.height || 360) + below, spec.key && !narrow ? 66 + rows : 0);
    const m = { t: 12, r: room, b: 46 + below, l: 62 }, sy = OB.scale(spec.y, H - m.b, m.t);
    m.l = Math.max(m.l, 32 + LETTER * Math.max(...sy.ticks().map((t) => sy.format(t).length)));
    const frame = { spec, m, W, H, narrow, legend, sx: OB.scale(spec.x, m.l, W - m.r), sy };
    const label = `${spec.label}. Arrow keys read values; plus, minus and zero zoom.`;
    const names = spec.key || narrow ? key(frame) : endLabels(frame);
    const focused = host.contains(document.activeElement);
    host.innerHTML = `<svg class="${spec.series.length > 6 ? "many" : ""}" viewBox="0 0 ${W} ${H}" width="${W}" height="${H}"` +
      ` tabindex="0" role="group" aria-roledescription="chart" aria-label="${esc(label)}">` +
      axes(frame) + curves(frame, `clip-${host.id}`) + names +
      `<g class="cursor" hidden><path/><circle r="4.5"/></g><rect class="brush" y="${m.t}" height="${H - m.t - m.b}" hidden/></svg><div class="tip" hidden></div>`;
    host.classList.add("chart");
    host.spec = spec;
    host.redraw = () => OB.lineChart(host, spec);
    OB.interact(host, frame);
    if (focused) host.querySelector("svg").focus({ preventScroll: true });
    OB.fillTable(host);
  };
})();
