/* tuning.js: the score against the trials that tuning took, a chart a problem, and tables that follow the filters. */
"use strict";
(() => {
  const $ = (id) => document.getElementById(id), all = (what) => document.querySelectorAll(`#tuning ${what}`), last = (list) => list[list.length - 1];

  /* 0 trials is the untuned optimizer: a hollow marker, joined by a dotted line. A cross: the best lay at an edge. */
  function series({ o, name, x, y, low, high, edges }) {
    const untuned = x[0] === 0;
    return { o, name, x, y, low, high, from: x.length, lead: untuned ? 1 : 0, doubted: untuned ? [0] : [], marks: edges ? [[last(x), last(y)]] : [] };
  }

  function draw(view, { id, label, measure, higher, lines }) {
    const shown = lines.filter((line) => view.optimizers.includes(line.o)), host = $(id);
    if (!shown.length) { OB.nothing(host, "None of the optimizers shown has a curve."); return; }
    const most = Math.max(...shown.map((line) => last(line.x))), best = [...shown].sort((a, b) => (higher ? last(b.y) - last(a.y) : last(a.y) - last(b.y)));
    OB.lineChart(host, {
      label: `${measure} on ${label} against trials of tuning`, height: 340, descending: higher,
      x: { label: "trials of tuning; 0: untuned", domain: [-0.02 * most, 1.02 * most] }, y: { label: measure, ...OB.roomFor(shown.flatMap((line) => line.y)) },
      series: shown.map(series), key: { title: "at the end", rows: best.map(({ o, name, y, edges }) => ({ o, name, text: `${edges ? "✕ " : ""}${OB.number(last(y))}` })) },
    });
  }

  OB.part("tuning", (view) => {
    all("[data-problem]").forEach((card) => { card.hidden = !view.problems.includes(+card.dataset.problem); });
    all("tr[data-o]").forEach((row) => { row.hidden = !view.optimizers.includes(+row.dataset.o); });
  });
  OB.data.tuning.forEach((chart) => OB.part(`fig-${chart.id}`, (view) => draw(view, chart)));
})();
