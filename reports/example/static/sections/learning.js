/* learning.js: a metric of one problem over the examples that were seen, or over seconds. */
"use strict";
(() => {
  const { suite } = OB.data, esc = OB.esc, $ = (id) => document.getElementById(id);
  const AXIS = { examples: "examples seen", seconds: "seconds" }, at = (values) => values.map((v) => (v > 0 ? v : null));
  const last = (y) => y.reduce((found, v) => v ?? found, null);

  const series = (curve, axis) => ({ o: curve.o, name: suite.optimizers[curve.o].label, x: at(curve[axis]), y: curve.y, low: curve.low, high: curve.high });

  function chart(problem, metric, shown, axis) {
    const ends = shown.map(({ o, name, y }) => ({ o, name, end: last(y) })).sort((a, b) => b.end - a.end);
    OB.lineChart($("learn"), {
      label: `${metric} on ${problem.label}`, height: 440, descending: true,
      x: { label: AXIS[axis], log: true, domain: OB.extent(shown.map((s) => s.x)) },
      y: { label: metric, ...OB.roomFor(shown.flatMap((s) => s.y)) },
      series: shown, key: { title: "at the end", rows: ends.map(({ o, name, end }) => ({ o, name, text: OB.number(end) })) },
    });
  }

  /* Offer the metrics of the problem and return the one that is wanted; the first where the problem lacks it. */
  function chosen(metrics, wanted) {
    const metric = metrics.find(({ name }) => name === wanted) || metrics[0], select = $("f-metric");
    select.innerHTML = metrics.map(({ name }) => `<option value="${esc(name)}">${esc(name)}</option>`).join("");
    select.value = metric.name;
    select.onchange = () => OB.set({ k: select.value });
    return metric;
  }

  OB.part("fig-learn", async (view) => {
    const host = $("learn"), state = OB.state(), p = OB.picker($("pick-learn"), view.problems.filter((other) => suite.learnt.includes(other)), view.problem);
    if (p == null) return OB.nothing(host, "None of the problems shown has metrics over examples.");
    const problem = suite.problems[p], data = await OB.shard(`learning/${problem.id}`).catch((error) => OB.nothing(host, error.message));
    if (!data || state !== OB.state()) return null;
    OB.paper($("pdf-learn"), `learning-${problem.id}`, true);
    const metric = chosen(data.metrics, state.k), shown = metric.curves.filter((c) => view.optimizers.includes(c.o)).map((c) => series(c, state.e));
    if (!shown.some((s) => s.y.some((y, i) => y != null && s.x[i] != null))) return OB.nothing(host, `${metric.name} of the optimizers shown is not known.`);
    return chart(problem, metric.name, shown, state.e);
  });
})();
