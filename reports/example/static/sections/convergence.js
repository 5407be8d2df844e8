/* convergence.js: the curves of one problem: medians with bands, or single seeds. */
"use strict";
(() => {
  const { suite } = OB.data, esc = OB.esc, $ = (id) => document.getElementById(id);
  const LOWEST = 1e-16;
  const gap = (centilog) => (centilog == null ? null : 10 ** (centilog / 100));

  /* A cost and the gap beside it, of the ends of failed seeds. */
  const points = (rows, k) => rows.filter((row) => row[k] != null && row[row.length - 1] != null).map((row) => [row[k], gap(row[row.length - 1])]);

  function series(curve, measure) {
    const k = suite.measures.indexOf(measure);
    return {
      o: curve.o, name: suite.optimizers[curve.o].label, x: curve.x[measure], y: curve.y.map(gap), low: curve.low.map(gap), high: curve.high.map(gap),
      ends: points(curve.ends, k), stages: curve.stages.map((row) => row[k]).filter((x) => x != null),
    };
  }

  /* The same curve with its seeds in place of the band. */
  function withSeeds(one, singles, measure) {
    const k = suite.measures.indexOf(measure), columns = suite.measures.length + 1;
    const threads = singles.filter((single) => single.o === one.o).map((single) => {
      const values = OB.unpack(single.points), rows = values.length / columns;
      return { x: values.slice(k * rows, (k + 1) * rows), y: values.slice(-rows) };
    });
    return { ...one, low: null, high: null, threads };
  }

  function key(view, shown, state) {
    const costs = shown.map((s) => [s.o, view.cost(s.o, view.problem)]).sort(([, a], [, b]) => (a === b ? 0 : a - b) || 0);
    return {
      title: `cost to reach ${OB.power(suite.targets[state.t])}`,
      rows: costs.map(([o, cost]) => ({ o, name: suite.optimizers[o].label, text: OB.cost(cost, state.m) })),
    };
  }

  function chart(view, shown, state) {
    const problem = suite.problems[view.problem], target = suite.targets[state.t], threads = shown.flatMap((s) => s.threads || []);
    const domain = OB.extent([...shown, ...threads].map((s) => s.x)), [low, high] = OB.extent([...shown.flatMap((s) => [s.y, s.ends.map((e) => e[1])]), ...threads.map((s) => s.y)], 1.6);
    OB.lineChart($("conv"), {
      label: `Convergence on ${problem.label}`, height: 440, x: { label: OB.measure(state.m), log: true, domain },
      y: { label: "relative gap  (f − f*) / (f₀ − f*)", log: true, domain: [Math.max(LOWEST, low), Math.max(1.6, Math.min(high, 1e6))] },
      series: shown, guides: target ? [{ x: domain, y: [target, target] }] : [], key: key(view, shown, state),
    });
  }

  function about(problem) {
    const kept = problem.deterministic ? "best value so far" : "last iterate";
    const facts = [problem.kind, problem.size && `n = ${problem.size}`, problem.device.toUpperCase(), kept, `f*: ${problem.reference}`].filter(Boolean);
    $("about").innerHTML = `${esc(facts.join(" · "))} · <a href="problems/${problem.id}.html">more</a>`;
    OB.paper($("pdf-conv"), `conv-${problem.id}`, suite.drawn.includes(problem.id));
  }

  OB.part("fig-conv", async (view) => {
    const problem = suite.problems[view.problem], state = OB.state();
    OB.picker($("pick-conv"), view.problems, view.problem);
    about(problem);
    const data = await OB.shard(`curves/${problem.id}`).catch((error) => OB.nothing($("conv"), error.message));
    if (!data) return;
    const singles = state.x === "seeds" && data.seeds ? await OB.shard(`seeds/${problem.id}`).catch(() => null) : null;
    if (state !== OB.state()) return;
    $("f-seeds").hidden = !data.seeds;
    const shown = data.curves.filter((c) => view.optimizers.includes(c.o)).map((c) => series(c, state.m));
    if (!shown.length) OB.nothing($("conv"), "No curve of this problem can be drawn: no trial kept a value above the minimum.");
    else chart(view, singles ? shown.map((s) => withSeeds(s, singles, state.m)) : shown, state);
  });
})();
