/* aggregate.js: pure. OB.aggregate(suite, cells, choice) → everything that the sections show.
 *
 * choice   {measure, target (index), device or "all", kinds: Set of hidden, optimizers: Set of hidden, best: "shown"|"all", problem}
 * result   {problems, optimizers (indices shown), median(o, p), ratio(o, p), rows, problem (index or -1)}
 * Also OB.median, OB.medianRange, OB.overlap, OB.wilson, OB.binomialBand. A cost is NaN where an optimizer was not run, Infinity where fewer than half of the seeds reach the accuracy.
 */
"use strict";
(() => {
  const Z = 1.959964;

  /* The smallest value that at least half don't exceed: finite exactly if at least half are. */
  OB.median = (values) => {
    const sorted = values.filter((v) => v != null && !Number.isNaN(v)).sort((a, b) => (a === b ? 0 : a - b));
    return sorted.length ? sorted[(sorted.length - 1) >> 1] : NaN;
  };

  /* The values between which the median of the population lies with at least 95 %: order statistics by the sign test. */
  OB.medianRange = (values) => {
    const sorted = values.filter((v) => !Number.isNaN(v)).sort((a, b) => (a === b ? 0 : a - b)), n = sorted.length;
    let mass = 0.5 ** n, sum = mass, rank = 0; // P(at most `rank` of n lie below the median)
    if (!n || sum > 0.025) return [-Infinity, Infinity];
    while (sum <= 0.025) {
      mass *= (n - rank) / (rank + 1);
      rank += 1;
      sum += mass;
    }
    return [sorted[rank - 1], sorted[n - rank]];
  };
  OB.overlap = ([a, b], [c, d]) => a <= d && c <= b;

  OB.wilson = (hits, trials) => {
    if (!trials) return [0, 1];
    const share = hits / trials, square = (Z * Z) / trials, centre = (share + square / 2) / (1 + square);
    const half = Math.sqrt(share * (1 - share) * square + (square * square) / 4) / (1 + square);
    return [Math.max(0, centre - half), Math.min(1, centre + half)];
  };

  /* The 2.5 and 97.5 % points of k/n for k of n draws with the share p: what resampling n problems does to a share. */
  OB.binomialBand = (p, n) => {
    if (p <= 0 || p >= 1) return [p, p];
    let mass = (1 - p) ** n, sum = mass, low = null;
    for (let k = 0; k < n; k++) {
      if (low == null && sum >= 0.025) low = k / n;
      if (sum >= 0.975) return [low, k / n];
      mass *= ((n - k) / (k + 1)) * (p / (1 - p));
      sum += mass;
    }
    return [low ?? 1, 1];
  };

  /* The geometric mean of cost + shift, less the shift; an unsolved problem counts the most that was spent on it. */
  OB.shiftedMean = (costs, most, shift) => {
    const run = costs.map((cost, i) => (cost === Infinity ? most[i] || Infinity : cost)).filter((v) => !Number.isNaN(v));
    const logs = run.reduce((total, cost) => total + Math.log1p(cost / shift), 0);
    return run.length ? shift * Math.expm1(logs / run.length) : NaN;
  };

  /* The area under a performance profile over log₂ τ, from τ = 1 to `largest`, over the axis's length. */
  OB.profileArea = (ratios, largest) => {
    const room = ratios.map((r) => (isFinite(r) ? Math.max(0, 1 - Math.log2(r) / Math.log2(largest)) : 0));
    return room.length ? room.reduce((total, part) => total + part, 0) / room.length : NaN;
  };

  const range = (n) => Array.from({ length: n }, (_, i) => i);

  function table(suite, cells, measure, target) {
    const n = suite.problems.length, costs = new Array(suite.optimizers.length * n).fill(NaN), index = new Map();
    cells.o.forEach((o, i) => {
      index.set(o * n + cells.p[i], i);
      if (cells.seeds[i]) costs[o * n + cells.p[i]] = cells.costs[measure][i][target][1] ?? Infinity;
    });
    return { cell: (o, p) => index.get(o * n + p), cost: (o, p) => costs[o * n + p] };
  }

  /* The most that any of the optimizers spent on each problem. */
  function most(optimizers, suite, cells, costs, measure) {
    const spent = (o, p) => (costs.cost(o, p) === Infinity ? cells.spent[measure][costs.cell(o, p)] : costs.cost(o, p));
    return suite.problems.map((_, p) => Math.max(0, ...optimizers.map((o) => spent(o, p)).filter((v) => v != null && !Number.isNaN(v))));
  }

  function row(o, shown, context) {
    const { suite, cells, costs, seconds, ratio, target, most: limits, measure } = context;
    const own = shown.map((p) => costs.cell(o, p)).filter((i) => i != null);
    const sum = (f) => own.reduce((total, i) => total + f(i), 0);
    const trials = sum((i) => cells.seeds[i]), hits = sum((i) => cells.hits[i][target]), [low, high] = OB.wilson(hits, trials);
    const run = shown.filter((p) => !Number.isNaN(costs.cost(o, p)));
    const ratios = run.map((p) => ratio(o, p));
    return {
      o, name: suite.optimizers[o].label, trials, hits, low, high, solved: trials ? hits / trials : NaN,
      problems: run.length, slow: OB.median(ratios), slowRange: OB.medianRange(ratios), wins: ratios.filter((r) => r <= 1 + 1e-9).length,
      cost: OB.median(run.map((p) => costs.cost(o, p)).filter(isFinite)),
      mean: OB.shiftedMean(run.map((p) => costs.cost(o, p)), run.map((p) => limits[p]), suite.shifts[measure]),
      area: OB.profileArea(ratios, suite.area), doubted: sum((i) => cells.unreliable[i]),
      time: OB.median(run.map((p) => seconds.cost(o, p)).filter(isFinite)),
      state: OB.median(own.map((i) => cells.state_bytes[i])), peak: OB.median(own.map((i) => cells.peak_live_bytes[i])),
      statuses: suite.statuses.map((_, k) => sum((i) => cells.statuses[i][k])),
    };
  }

  OB.aggregate = (suite, cells, choice) => {
    const problems = range(suite.problems.length).filter((p) =>
      !choice.kinds.has(suite.problems[p].kind) && (choice.device === "all" || suite.problems[p].device === choice.device) && (choice.measure !== "flops" || suite.problems[p].flops));
    const counted = new Set(cells.o.filter((_, i) => suite.problems[cells.p[i]].flops)); // on problems with known model FLOPs
    const able = range(suite.optimizers.length).filter((o) => ({ gradients: suite.optimizers[o].gradients, flops: counted.has(o) })[choice.measure] ?? true);
    const optimizers = able.filter((o) => !choice.optimizers.has(suite.optimizers[o].id));
    const costs = table(suite, cells, choice.measure, choice.target), seconds = table(suite, cells, "seconds", choice.target);
    const among = choice.best === "all" ? able : optimizers;
    const best = suite.problems.map((_, p) => Math.min(...among.map((o) => costs.cost(o, p)).filter((v) => !Number.isNaN(v))));
    const ratio = (o, p) => {
      const cost = costs.cost(o, p);
      return isFinite(cost) && isFinite(best[p]) ? cost / best[p] : cost;
    };
    const limits = most(able, suite, cells, costs, choice.measure);
    const context = { suite, cells, costs, seconds, ratio, target: choice.target, most: limits, measure: choice.measure };
    const wanted = suite.problems.findIndex((p) => p.id === choice.problem);
    return {
      problems, optimizers, ratio, cost: costs.cost, cell: costs.cell,
      left: suite.optimizers.length - able.length,
      rows: optimizers.map((o) => row(o, problems, context)),
      problem: problems.includes(wanted) ? wanted : problems.length ? problems[0] : -1,
    };
  };
})();
