/* ends.js: where each optimizer ended on the problem that is looked at. */
"use strict";
(() => {
  const { suite, cells } = OB.data, esc = OB.esc;
  const metrics = (rows) => [...new Set(rows.flatMap((i) => cells.metrics[i].map(([name]) => name)))];
  const statuses = (i) => suite.statuses.map((name, k) => (cells.statuses[i][k] ? `${cells.statuses[i][k]} ${name}` : "")).filter(Boolean).join(", ");

  /* [heading, text of a cell] of each column between the name and the statuses. */
  function columns(rows, state) {
    const limits = [...new Set(rows.flatMap((i) => cells.thresholds[i].map(([name]) => name)))], clocked = state.m === "seconds";
    const threshold = (name) => (i) => {
      const found = cells.thresholds[i].find(([key]) => key === name) || [];
      return clocked ? OB.seconds(found[3]) : OB.number(found[2]);
    };
    const metric = (name) => (i) => OB.number((cells.metrics[i].find(([key]) => key === name) || [])[1]);
    return [
      ["Reached", (i) => `${cells.hits[i][state.t]} of ${cells.seeds[i]}`],
      [`Cost, ${state.m}`, (i) => OB.cost(cells.costs[state.m][i][state.t][1], state.m)],
      ...(rows.some((i) => cells.seeds[i] > 1) ? [["Expected", (i) => OB.cost(cells.expected[state.m][i][state.t], state.m)]] : []),
      ...limits.map((name) => [name.replace("<=", " ≤ ").replace(">=", " ≥ "), threshold(name)]),
      ["Gap", (i) => OB.number(cells.gap[i])], ["Value", (i) => OB.number(cells.value[i])], ["Evaluations", (i) => OB.number(cells.evaluations[i])],
      ["Seconds", (i) => OB.seconds(cells.seconds[i]) + (cells.unreliable[i] ? "†" : "")],
      ["State", (i) => OB.bytes(cells.state_bytes[i])], ["Peak", (i) => OB.bytes(cells.peak_live_bytes[i])],
      ...metrics(rows).map((name) => [name, metric(name)]),
    ];
  }

  OB.part("fig-ends", (view) => {
    const state = OB.state(), rows = view.optimizers.map((o) => view.cell(o, view.problem)).filter((i) => i != null);
    const cost = (i) => cells.costs[state.m][i][state.t][1] ?? Infinity, shown = columns(rows, state);
    rows.sort((a, b) => cost(a) - cost(b) || (cells.gap[a] ?? Infinity) - (cells.gap[b] ?? Infinity) || 0);
    const head = `<thead><tr><th scope="col">Optimizer</th>${shown.map(([name]) => `<th scope="col" class="n">${esc(name)}</th>`).join("")}<th scope="col">Ended by</th></tr></thead>`;
    document.getElementById("ends").innerHTML = `${head}<tbody>` + rows.map((i) => `<tr data-o="${cells.o[i]}"><th scope="row">${OB.swatch(cells.o[i])}${esc(suite.optimizers[cells.o[i]].label)}</th>` +
      `${shown.map(([, text]) => `<td class="n">${esc(text(i))}</td>`).join("")}<td>${statuses(i)}</td></tr>`).join("") + "</tbody>";
  });
})();
