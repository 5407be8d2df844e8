/* convergence.js: the curves of one problem, and a table of where each optimizer ended. */
"use strict";
(() => {
  const { suite, cells } = OB.data, esc = OB.esc, $ = (id) => document.getElementById(id);
  const LOWEST = 1e-16;
  const shards = {};

  /* A script element loads from file://, where fetch() does not. */
  const shard = (id) => (shards[id] ||= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    OB.waiting[`curves/${id}`] = resolve;
    script.src = `data/curves-${id}.js`;
    script.onerror = () => reject(new Error(`data/curves-${id}.js is missing`));
    document.head.append(script);
  }));

  const gap = (centilog) => (centilog == null ? null : 10 ** (centilog / 100));

  function series(curve, measure) {
    const k = suite.measures.indexOf(measure);
    return {
      o: curve.o, name: suite.optimizers[curve.o].label, x: curve.x[measure], y: curve.y.map(gap), low: curve.low.map(gap), high: curve.high.map(gap),
      ends: curve.ends.filter((end) => end[k] != null && end[end.length - 1] != null).map((end) => [end[k], gap(end[end.length - 1])]),
    };
  }

  function extent(lists, pad = 1) {
    const values = lists.flat().filter((v) => v > 0 && isFinite(v)), low = Math.min(...values), high = Math.max(...values);
    return [low / pad, high > low ? high * pad : low * 10];
  }

  function key(view, shown, state) {
    const costs = shown.map((s) => [s.o, view.cost(s.o, view.problem)]).sort(([, a], [, b]) => (a === b ? 0 : a - b) || 0);
    return {
      title: `cost to reach ${OB.power(suite.targets[state.t])}`,
      rows: costs.map(([o, cost]) => ({ o, name: suite.optimizers[o].label, text: OB.cost(cost, state.m) })),
    };
  }

  function chart(view, data, state) {
    const problem = suite.problems[view.problem], shown = data.curves.filter((c) => view.optimizers.includes(c.o)).map((c) => series(c, state.m));
    if (!shown.length) return OB.nothing($("conv"), "No curve of this problem can be drawn: no trial kept a value above the minimum.");
    const target = suite.targets[state.t], domain = extent(shown.map((s) => s.x)), [low, high] = extent(shown.flatMap((s) => [s.y, s.ends.map((e) => e[1])]), 1.6);
    return OB.lineChart($("conv"), {
      label: `Convergence on ${problem.label}`, height: 440, x: { label: OB.measure(state.m), log: true, domain },
      y: { label: "relative gap  (f − f*) / (f₀ − f*)", log: true, domain: [Math.max(LOWEST, low), Math.max(1.6, Math.min(high, 1e6))] },
      series: shown, guides: [{ x: domain, y: [target, target] }], key: key(view, shown, state),
    });
  }

  const metrics = (rows) => [...new Set(rows.flatMap((i) => cells.metrics[i].map(([name]) => name)))];

  function ends(view, state) {
    const rows = view.optimizers.map((o) => view.cell(o, view.problem)).filter((i) => i != null), names = metrics(rows);
    const cost = (i) => cells.costs[state.m][i][state.t][1];
    rows.sort((a, b) => (cost(a) ?? Infinity) - (cost(b) ?? Infinity) || (cells.gap[a] ?? Infinity) - (cells.gap[b] ?? Infinity) || 0);
    const statuses = (i) => suite.statuses.map((name, k) => (cells.statuses[i][k] ? `${cells.statuses[i][k]} ${name}` : "")).filter(Boolean).join(", ");
    const limits = [...new Set(rows.flatMap((i) => cells.thresholds[i].map(([name]) => name)))], several = rows.some((i) => cells.seeds[i] > 1);
    const unit = state.m === "seconds" ? "seconds" : "evaluations", threshold = (i, name) => cells.thresholds[i].find(([key]) => key === name) || [];
    const heads = ["Optimizer", "Reached", `Cost, ${state.m}`, ...(several ? ["Expected"] : []), ...limits.map((name) => name.replace("<=", " ≤ ").replace(">=", " ≥ ")), "Gap", "Value", "Evaluations", "Seconds", "State", "Peak", ...names, "Ended by"];
    const line = (i) => [
      `${cells.hits[i][state.t]} of ${cells.seeds[i]}`, OB.cost(cost(i), state.m), ...(several ? [OB.cost(cells.expected[state.m][i][state.t], state.m)] : []),
      ...limits.map((name) => (unit === "seconds" ? OB.seconds(threshold(i, name)[3]) : OB.number(threshold(i, name)[2]))), OB.number(cells.gap[i]), OB.number(cells.value[i]), OB.number(cells.evaluations[i]),
      OB.seconds(cells.seconds[i]) + (cells.unreliable[i] ? "†" : ""), OB.bytes(cells.state_bytes[i]), OB.bytes(cells.peak_live_bytes[i]),
      ...names.map((name) => OB.number((cells.metrics[i].find(([key]) => key === name) || [])[1])),
    ];
    $("ends").innerHTML = `<thead><tr>${heads.map((h, k) => `<th scope="col" class="${k && k < heads.length - 1 ? "n" : ""}">${esc(h)}</th>`).join("")}</tr></thead><tbody>` +
      rows.map((i) => `<tr data-o="${cells.o[i]}"><th scope="row">${OB.swatch(cells.o[i])}${esc(suite.optimizers[cells.o[i]].label)}</th>` +
        `${line(i).map((text) => `<td class="n">${esc(text)}</td>`).join("")}<td>${statuses(i)}</td></tr>`).join("") + "</tbody>";
  }

  function picker(view) {
    const select = $("f-problem"), move = (k) => {
      const at = view.problems.indexOf(view.problem), count = view.problems.length;
      OB.set({ p: suite.problems[view.problems[(at + k + count) % count]].id });
    };
    select.innerHTML = suite.kinds.map((kind) => {
      const inside = view.problems.filter((p) => suite.problems[p].kind === kind).map((p) => suite.problems[p]);
      return inside.length ? `<optgroup label="${esc(kind)}">${inside.map((p) => `<option value="${p.id}">${esc(p.label)}</option>`).join("")}</optgroup>` : "";
    }).join("");
    select.value = suite.problems[view.problem].id;
    select.onchange = () => OB.set({ p: select.value });
    $("previous").onclick = () => move(-1);
    $("next").onclick = () => move(1);
  }

  OB.draw.convergence = async (view) => {
    const problem = suite.problems[view.problem], state = OB.state();
    picker(view);
    ends(view, state);
    const kept = problem.deterministic ? "best value so far" : "last iterate", svg = $("svg-conv");
    $("about").textContent = [problem.kind, problem.size && `n = ${problem.size}`, problem.device.toUpperCase(), kept, `f*: ${problem.reference}`].filter(Boolean).join(" · ");
    if (svg) svg.href = `figures/conv-${problem.id}.svg`;
    const data = await shard(problem.id).catch((error) => OB.nothing($("conv"), error.message));
    if (data && state === OB.state()) chart(view, data, state);
  };
})();
