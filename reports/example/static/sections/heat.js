/* heat.js: cost over the best cost, problem by optimizer; a grid that arrow keys move in. */
"use strict";
(() => {
  const { suite, cells } = OB.data, esc = OB.esc, $ = (id) => document.getElementById(id);
  const BINS = [1.15, 2, 4, 10, 30], WORDS = ["best", "≤ 2", "≤ 4", "≤ 10", "≤ 30", "> 30"], FOLD = 60;
  const folded = new Map(), whole = new Set();
  let at = [0, 0];

  const shade = (ratio) => { const k = BINS.findIndex((end) => ratio <= end); return k < 0 ? BINS.length : k; };
  const number = (ratio) => (ratio < 10 ? ratio.toFixed(1) : ratio < 1000 ? Math.round(ratio) : OB.number(ratio));

  function entry(view, o, p) {
    const ratio = view.ratio(o, p), place = `data-p="${p}" data-o="${o}" tabindex="-1"`;
    if (Number.isNaN(ratio)) return `<td ${place} class="none" aria-label="not run"></td>`;
    if (!isFinite(ratio)) return `<td ${place} class="unsolved" aria-label="not solved">·</td>`;
    return `<td ${place} class="heat h${shade(ratio)}">${number(ratio)}</td>`;
  }

  function row(view, p) {
    const problem = suite.problems[p];
    return `<tr><th scope="row"><a href="problems/${problem.id}.html" tabindex="-1">${esc(problem.label)}</a></th><td class="size">${problem.size ?? ""}</td>${view.optimizers.map((o) => entry(view, o, p)).join("")}</tr>`;
  }

  /* The rows of a class; folded, one row with the median of each optimizer. */
  function group(view, kind) {
    const problems = view.problems.filter((p) => suite.problems[p].kind === kind), shut = folded.get(kind) ?? (view.problems.length > FOLD && suite.kinds.length > 1);
    if (!problems.length) return "";
    const typical = (o) => { const v = OB.median(problems.map((p) => view.ratio(o, p))); return isFinite(v) ? `<td class="heat h${shade(v)}">${number(v)}</td>` : `<td class="unsolved">·</td>`; };
    const head = `<tr class="kind"><th scope="rowgroup"><button type="button" data-kind="${esc(kind)}" aria-expanded="${!shut}">${esc(kind)}</button></th><td class="size">${problems.length}</td>` +
      (shut ? view.optimizers.map(typical).join("") : `<td colspan="${view.optimizers.length}"></td>`) + "</tr>";
    const rest = whole.has(kind) ? 0 : Math.max(0, problems.length - FOLD);
    const more = rest ? `<tr class="kind"><th><button type="button" class="more" data-more="${esc(kind)}">${rest} more</button></th></tr>` : "";
    return head + (shut ? "" : problems.slice(0, problems.length - rest).map((p) => row(view, p)).join("") + more);
  }

  /* One cell can be tabbed to; arrow keys choose another one. */
  function grid(host) {
    const rows = [...host.querySelectorAll("tbody tr:not(.kind)")].map((tr) => [...tr.querySelectorAll("td[data-o]")]);
    const focus = (r, c, move) => {
      if (!rows.length) return;
      rows[at[0]]?.[at[1]]?.setAttribute("tabindex", "-1");
      at = [Math.min(rows.length - 1, Math.max(0, r)), Math.min(rows[0].length - 1, Math.max(0, c))];
      const chosen = rows[at[0]][at[1]];
      chosen.setAttribute("tabindex", "0");
      if (move) { chosen.focus(); tell(chosen); }
    };
    focus(...at, false);
    host.onkeydown = (event) => {
      const step = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowUp: [-1, 0], ArrowDown: [1, 0], Home: [0, -1e6], End: [0, 1e6] }[event.key];
      if (!event.target.dataset.p) return;
      if (step) { event.preventDefault(); focus(at[0] + step[0], at[1] + step[1], true); }
      if (event.key === "Enter") open(+event.target.dataset.p);
    };
    host.onclick = (event) => {
      const button = event.target.closest("[data-kind]"), more = event.target.closest("[data-more]"), td = event.target.closest("td[data-p]");
      if (button) { folded.set(button.dataset.kind, button.getAttribute("aria-expanded") === "true"); draw(OB.view()); host.querySelector(`[data-kind="${CSS.escape(button.dataset.kind)}"]`).focus(); }
      if (more) { whole.add(more.dataset.more); draw(OB.view()); }
      if (td) open(+td.dataset.p);
    };
  }

  function tell(td) {
    const text = td.getAttribute("aria-label") || `${td.innerText} times the best cost`;
    $("live").textContent = `${suite.optimizers[td.dataset.o].label} on ${suite.problems[td.dataset.p].label}: ${text}`;
  }

  function open(p) {
    OB.set({ p: suite.problems[p].id });
    OB.goto("convergence");
  }

  function draw(view) {
    const host = $("heat"), names = view.optimizers.map((o) => `<th scope="col" class="turned" data-o="${o}"><span title="${esc(suite.optimizers[o].expression)}">${esc(OB.brief(suite.optimizers[o].label, 28))}</span></th>`).join("");
    const longest = Math.max(...view.optimizers.map((o) => Math.min(24, suite.optimizers[o].label.length)));
    const name = Math.min(190, 22 + 6.6 * Math.max(...view.problems.map((p) => suite.problems[p].label.length))), count = view.optimizers.length;
    const cell = Math.max(26, Math.min(44, Math.floor((host.clientWidth - name - 56) / count) - 2)), width = name + 50 + count * (cell + 2);
    host.innerHTML = `<div class="scroll"><table class="matrix" role="grid" style="--head: ${36 + 4.6 * longest}px; --cell: ${cell}px; --name: ${name}px; width: ${width}px" aria-label="Cost over the best cost"><thead><tr><th scope="col">Problem</th><th scope="col" class="size">n</th>${names}</tr></thead><tbody>${suite.kinds.map((kind) => group(view, kind)).join("")}</tbody></table></div>`;
    $("heatkey").innerHTML = `cost / best ${WORDS.map((word, k) => `<b class="heat h${k}">${word}</b>`).join("")}<b class="unsolved">unsolved</b>`;
    const hidden = view.problems.length > FOLD && suite.kinds.length > 1 ? " Above 60 problems the classes are folded: a class’s row shows the median of each optimizer; its name opens it." : "";
    $("note-heat").textContent = hidden;
    host.rows = () => [["problem", ...view.optimizers.map((o) => suite.optimizers[o].label)], ...view.problems.map((p) => [suite.problems[p].label, ...view.optimizers.map((o) => { const v = view.ratio(o, p); return Number.isNaN(v) ? "" : isFinite(v) ? v : "unsolved"; })])];
    grid(host);
  }

  OB.part("fig-heat", draw);
})();
