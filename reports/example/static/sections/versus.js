/* versus.js: is the leader ahead by more than noise? */
"use strict";
(() => {
  const { suite } = OB.data, esc = OB.esc;
  const ratio = (value) => (value == null ? "∞" : `${+value.toPrecision(2)}×`);

  OB.part("overview", () => {
    const state = OB.state(), box = document.getElementById("versus");
    if (!box) return;
    const rows = suite.versus[state.m][state.t];
    box.hidden = !rows.length;
    if (!rows.length) return;
    document.getElementById("versus-leader").textContent = suite.optimizers[rows[0].leader].label;
    box.querySelector("tbody").innerHTML = rows.map((row) => `<tr data-o="${row.o}"><th scope="row">${OB.swatch(row.o)}${esc(suite.optimizers[row.o].label)}</th>` +
      `<td>${esc(row.verdict)}</td><td class="n">${ratio(row.ratio)}</td><td class="n">${OB.range(ratio(row.low), ratio(row.high))}</td><td class="n">${row.pairs}</td></tr>`).join("");
  });
})();
