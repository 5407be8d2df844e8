/* profiles.js: performance profile and data profile. */
"use strict";
(() => {
  const { suite } = OB.data, $ = (id) => document.getElementById(id), LARGEST = 1000;
  const SHARE = { label: "share of problems", domain: [0, 1.005], format: OB.percent, tip: OB.percent };

  /* The share of `costs` up to each cost, as steps from `low` to `high`; unsolved ones count in the whole. */
  OB.steps = (costs, low, high) => {
    const finite = costs.filter(isFinite).sort((a, b) => a - b), total = costs.length, x = [low], y = [0];
    finite.forEach((cost, i) => {
      if (cost <= low * (1 + 1e-9)) y[0] = (i + 1) / total;
      else if (cost <= high) { x.push(cost); y.push((i + 1) / total); }
    });
    x.push(high);
    y.push(y[y.length - 1]);
    return { x, y };
  };

  function draw(id, view, value, { label, axis, low, high }) {
    const costs = (o) => view.problems.map((p) => value(o, p)).filter((v) => !Number.isNaN(v));
    const series = view.optimizers.filter((o) => costs(o).length).map((o) => ({ o, name: suite.optimizers[o].label, step: true, ...OB.steps(costs(o), low, high) }));
    OB.lineChart($(id), { label, height: 380, descending: true, x: { label: axis, log: true, domain: [low, high] }, y: SHARE, series });
  }

  OB.draw.profiles = (view) => {
    const { m } = OB.state(), values = (f) => view.optimizers.flatMap((o) => view.problems.map((p) => f(o, p))).filter(isFinite);
    const ratios = values(view.ratio), costs = values(view.cost);
    if (!costs.length) {
      for (const id of ["profile", "dataprofile"]) OB.nothing($(id), "No problem is solved at this accuracy.");
      return;
    }
    draw("profile", view, view.ratio, { label: "Performance profile", axis: "cost relative to the best, τ", low: 1, high: Math.min(LARGEST, Math.max(10, ...ratios) * 1.05) });
    const low = Math.min(...costs) / 1.2;
    draw("dataprofile", view, view.cost, { label: "Data profile", axis: `cost in ${m}`, low, high: Math.max(...costs, low * 10) * 1.1 });
    const count = view.problems.length;
    $("note-profile").textContent = `${count} problem${count === 1 ? "" : "s"}; solved: at least half of the seeds reach the accuracy.`;
  };
})();
