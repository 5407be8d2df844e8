/* profiles.js: performance profile and data profile. */
"use strict";
(() => {
  const { suite, cells } = OB.data, $ = (id) => document.getElementById(id), LARGEST = 1000, ENOUGH = 20;
  const SHARE = (of) => ({ label: `share of ${of}`, domain: [0, 1.005], format: OB.percent, tip: OB.percent });

  /* The share of `costs` up to each cost, as steps from `low` to `high`; unsolved ones count in the whole. */
  OB.steps = (costs, low, high) => {
    const finite = costs.filter(isFinite).sort((a, b) => a - b), total = costs.length, x = [low], y = [0];
    finite.forEach((cost, i) => {
      if (cost <= low * (1 + 1e-9)) y[0] = (i + 1) / total;
      else if (cost === x[x.length - 1]) y[y.length - 1] = (i + 1) / total;
      else if (cost <= high) { x.push(cost); y.push((i + 1) / total); }
    });
    x.push(high);
    y.push(y[y.length - 1]);
    return { x, y };
  };

  /* How far the steps would move with other problems of the kind: 95 % of resamples of `count` problems. */
  function band({ x, y }, count) {
    const limits = y.map((share) => OB.binomialBand(share, count)), corner = (k) => limits.flatMap((pair, i) => (i ? [limits[i - 1][k], pair[k]] : [pair[k]]));
    return { x: x.flatMap((v, i) => (i ? [v, v] : [v])), low: corner(0), high: corner(1) };
  }

  function draw(id, view, costs, { label, axis, low, high, of: what, banded }) {
    const of = (o) => costs(o).filter((v) => !Number.isNaN(v)), lines = view.optimizers.filter((o) => of(o).length);
    const series = lines.map((o) => {
      const steps = OB.steps(of(o), low, high);
      return { o, name: suite.optimizers[o].label, step: true, ...steps, band: banded ? band(steps, of(o).length) : null };
    });
    OB.lineChart($(id), { label, height: 380, descending: true, x: { label: axis, log: true, domain: [low, high] }, y: SHARE(what), series });
  }

  /* An optimizer's costs on the shown problems at every accuracy. */
  function everyCost(view, measure) {
    const costs = cells.costs[measure];
    return (o) => view.problems.flatMap((p) => {
      const i = view.cell(o, p);
      return cells.seeds[i] ? costs[i].map((target) => target[1] ?? Infinity) : [];
    });
  }

  function budgets(id, view, costs, options) {
    const solved = view.optimizers.flatMap(costs).filter(isFinite);
    if (!solved.length) return OB.nothing($(id), "No problem is solved at this accuracy.");
    const low = least(solved) / 1.2;
    return draw(id, view, costs, { axis: OB.measure(OB.state().m), low, high: Math.max(most(solved), low * 10) * 1.1, ...options });
  }

  const most = (values) => values.reduce((a, b) => Math.max(a, b), 0), least = (values) => values.reduce((a, b) => Math.min(a, b), Infinity);

  OB.part("fig-profile", (view) => {
    const ratios = (o) => view.problems.map((p) => view.ratio(o, p)), solved = view.optimizers.flatMap(ratios).filter(isFinite), count = view.problems.length;
    if (!solved.length) OB.nothing($("profile"), "No problem is solved at this accuracy.");
    else draw("profile", view, ratios, { label: "Performance profile", axis: "cost relative to the best, τ", low: 1, high: Math.min(LARGEST, Math.max(10, most(solved)) * 1.05), of: "problems", banded: true });
    const few = count < ENOUGH ? `; with fewer than ${ENOUGH} problems it is too narrow` : "";
    $("note-profile").textContent = `${count} problem${count === 1 ? "" : "s"}; solved: at least half of the seeds reach the accuracy. Band: 95 % bootstrap over problems, shown for the highlighted curve${few}.`;
  });

  OB.part("fig-dataprofile", (view) =>
    budgets("dataprofile", view, (o) => view.problems.map((p) => view.cost(o, p)), { label: "Data profile", of: "problems", banded: true }));

  OB.part("fig-ecdf", (view) => {
    budgets("ecdf", view, everyCost(view, OB.state().m), { label: "ECDF of runtimes", of: "problems and accuracies", banded: false });
    $("note-ecdf").textContent = `Accuracies: ${suite.targets.map(OB.power).join(", ")}.`;
  });
})();
