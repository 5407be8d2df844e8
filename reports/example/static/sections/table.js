/* table.js: the results table; sorted by its header's buttons. */
"use strict";
(() => {
  const { suite } = OB.data, esc = OB.esc;
  const GROUPS = [
    ["finished", ["target", "ok"]], ["budget", ["budget"]], ["timeout", ["timeout"]], ["diverged", ["diverged"]],
    ["crashed", ["crashed", "killed", "oom", "error"]], ["skipped", ["skipped"]],
  ];
  const DESCENDING = new Set(["solved", "wins", "area"]), LEVEL = ["within noise", "equivalent"];
  const TIPS = {
    slow: "cost over the best cost on the same problem, median", wins: "problems on which nothing is cheaper", cost: "cost in the chosen measure, median over solved problems",
    mean: "shifted geometric mean over problems; an unsolved one counts the most that was spent on it",
    area: "under the performance profile: 1 if always the best, 0 if nothing is solved", time: "median over solved problems",
  };

  const columns = (measure) => [
    ["name", "Optimizer"], ["solved", "Solved"], ["slow", "Slowdown"], ["wins", "Fastest"], ["cost", "Median"],
    ["mean", "Mean"], ["area", "Area"], ...(measure === "seconds" ? [] : [["time", "Time"]]), ["state", "State"], ["peak", "Peak"],
  ];

  function sorted(rows, { s: key, r: reversed }) {
    const sign = (reversed ? -1 : 1) * (DESCENDING.has(key) ? -1 : 1);
    const missing = (v) => v == null || (typeof v === "number" && !isFinite(v));
    return [...rows].sort((a, b) => {
      if (missing(a[key]) || missing(b[key])) return missing(a[key]) - missing(b[key]);
      if (a[key] === b[key]) return (a.slow === b.slow ? 0 : a.slow - b.slow) || 0;
      return sign * (a[key] < b[key] ? -1 : 1);
    });
  }

  /* Five shades over the logarithm of the column's range, dark = good. */
  function shade(rows, key) {
    const logs = rows.map((r) => r[key]).filter((v) => isFinite(v) && v > 0).map(Math.log), low = Math.min(...logs), high = Math.max(...logs);
    return (row) => (isFinite(row[key]) && high > low ? `h${1 + Math.min(4, Math.floor((5 * (Math.log(row[key]) - low)) / (high - low)))}` : "");
  }

  const total = (row, names) => names.reduce((sum, name) => sum + row.statuses[suite.statuses.indexOf(name)], 0);

  function outcome(row) {
    const parts = GROUPS.map(([group, names]) => [group, total(row, names)]).filter(([, count]) => count);
    const exact = suite.statuses.map((name, i) => (row.statuses[i] ? `${row.statuses[i]} ${name}` : "")).filter(Boolean).join(", ");
    const bars = parts.map(([group, count]) => `<i class="st-${group}" style="flex: ${count}"></i>`).join("");
    return `<td class="outcome"><div class="stack" role="img" aria-label="${exact}" title="${exact}">${bars}</div></td>`;
  }

  /* Comparisons hold for all problems, so a filter takes the mark away. */
  function level(row, view, state) {
    const found = view.problems.length === suite.problems.length && suite.versus[state.m][state.t].find((v) => v.o === row.o);
    return found && LEVEL.includes(found.verdict) ? ` <span title="${esc(found.verdict)} of ${esc(suite.optimizers[found.leader].label)}">≈</span>` : "";
  }

  function line(row, view, state, shades) {
    const solved = row.trials
      ? `<td class="bar" style="--v: ${row.solved}"><span>${OB.percent(row.solved)}</span><small>${OB.percents(row.low, row.high)}</small></td>`
      : `<td class="dim">not run</td>`;
    const slow = isFinite(row.slow) ? OB.times(row.slow) : Number.isNaN(row.slow) ? "–" : "&gt; ½ unsolved";
    const seconds = (text) => `${text}${OB.doubt(row.doubted, row.statuses.reduce((a, b) => a + b, 0), text)}`, clocked = state.m === "seconds";
    const time = clocked ? "" : `<td class="n">${seconds(OB.seconds(row.time))}</td>`, cost = (value) => OB.cost(value, state.m);
    return `<tr data-o="${row.o}"><th scope="row" title="${esc(suite.optimizers[row.o].expression)}">${OB.swatch(row.o)}<a href="optimizers/${suite.optimizers[row.o].id}.html">${esc(row.name)}</a></th>${solved}` +
      `<td class="n ${shades.slow(row)}">${slow}${level(row, view, state)}</td><td class="n">${row.wins || "·"}</td>` +
      `<td class="n ${shades.cost(row)}">${clocked ? seconds(cost(row.cost)) : cost(row.cost)}</td><td class="n ${shades.mean(row)}">${cost(row.mean)}</td>` +
      `<td class="n">${isFinite(row.area) ? row.area.toFixed(2) : "–"}</td>${time}` +
      `<td class="n" title="declared: ${esc(suite.optimizers[row.o].state_memory || "nothing")}">${OB.bytes(row.state)}</td><td class="n">${OB.bytes(row.peak)}</td>${outcome(row)}</tr>`;
  }

  function head(state) {
    const sort = (key) => (key !== state.s ? "none" : DESCENDING.has(key) === !state.r ? "descending" : "ascending");
    return `<tr>${columns(state.m).map(([key, label]) =>
      `<th scope="col" class="${key}" title="${TIPS[key] || ""}" aria-sort="${sort(key)}"><button type="button" data-sort="${key}">${label}</button></th>`).join("")}<th scope="col">Outcome</th></tr>`;
  }

  OB.part("overview", (view) => {
    const table = document.getElementById("table"), state = OB.state(), rows = sorted(view.rows, state);
    const focus = document.activeElement?.dataset?.sort, shades = Object.fromEntries(["slow", "cost", "mean"].map((key) => [key, shade(rows, key)]));
    document.getElementById("statuskey").innerHTML = GROUPS.filter(([, names]) => rows.some((row) => total(row, names))).map(([group]) => `<i class="st-${group}"></i>${group}`).join("");
    table.tHead.innerHTML = head(state);
    table.tBodies[0].innerHTML = rows.map((row) => line(row, view, state, shades)).join("");
    table.onclick = (event) => {
      const key = event.target.dataset.sort;
      if (key) OB.set(key === state.s ? { r: state.r ? "" : "1" } : { s: key, r: "" });
    };
    if (focus) table.querySelector(`[data-sort="${focus}"]`)?.focus();
    const keys = ["name", "hits", "trials", "low", "high", "slow", "wins", "cost", "mean", "area", "time", "state", "peak"];
    OB.tableRows = () => [keys, ...rows.map((row) => keys.map((key) => (typeof row[key] === "number" && !isFinite(row[key]) ? "" : row[key])))];
  });
})();
