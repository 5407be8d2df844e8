/* picker.js: choosing the problem that figures about one problem show. They share the choice, as far as they know the problem. */
"use strict";
(() => {
  const { suite } = OB.data, esc = OB.esc;

  /* Fill the chooser with `problems` and return the one to show: `wanted`, or the first where it is not among them; null: none. */
  OB.picker = (host, problems, wanted) => {
    const select = host.querySelector("select"), [previous, next] = host.querySelectorAll("button"), shown = problems.includes(wanted) ? wanted : problems[0] ?? null;
    const move = (k) => OB.set({ p: suite.problems[problems[(problems.indexOf(shown) + k + problems.length) % problems.length]].id });
    select.innerHTML = suite.kinds.map((kind) => {
      const inside = problems.map((p) => suite.problems[p]).filter((problem) => problem.kind === kind);
      return inside.length ? `<optgroup label="${esc(kind)}">${inside.map((problem) => `<option value="${esc(problem.id)}">${esc(problem.label)}</option>`).join("")}</optgroup>` : "";
    }).join("");
    if (shown != null) select.value = suite.problems[shown].id;
    select.onchange = () => OB.set({ p: select.value });
    previous.disabled = next.disabled = problems.length < 2;
    previous.onclick = () => move(-1);
    next.onclick = () => move(1);
    return shown;
  };

  /* Let a link to the figure for papers lead to that of a problem. */
  OB.paper = (link, file, drawn) => {
    if (!link) return;
    link.hidden = !drawn;
    link.href = `figures/${file}.pdf`;
  };
})();
