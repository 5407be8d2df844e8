/* controls.js: the side bar: filters, the page's one legend, highlighting. */
"use strict";
(() => {
  const { suite } = OB.data, esc = OB.esc, $ = (id) => document.getElementById(id);
  const SHORT = { evaluations: "Evals", gradients: "Grads", seconds: "Time", flops: "FLOPs", cost: "Cost" };
  const SEGMENTS = [["f-measure", "m"], ["f-target", "t"], ["f-device", "d"], ["f-best", "b"], ["f-seeds", "x"], ["f-bytes", "y"], ["f-over", "e"]].filter(([id]) => $(id)), CHECKS = [["f-kind", "c"], ["f-optimizer", "h"]];

  function segment(id, key, items) {
    $(id).innerHTML = items.map(([value, label]) =>
      `<label><input type="radio" name="${id}" value="${esc(value)}"><span>${esc(label)}</span></label>`).join("");
    $(id).onchange = (event) => OB.set({ [key]: event.target.value });
  }

  function kinds() {
    $("f-kind").innerHTML = suite.kinds.map((kind, i) =>
      `<label><input type="checkbox" value="${i}"><span>${esc(kind)}</span><small>${suite.problems.filter((p) => p.kind === kind).length}</small></label>`).join("");
    $("f-kind").onchange = (event) => OB.toggle("c", event.target.value);
  }

  function optimizer(item, o) {
    return `<label data-o="${o}" title="${esc(item.expression)}"><input type="checkbox" value="${item.id}">${OB.swatch(o)}<span>${esc(item.label)}</span>` +
      `<button type="button" class="only" data-only="${item.id}" aria-label="Show only ${esc(item.label)}">only</button></label>`;
  }

  function legend() {
    const families = [...new Set(suite.optimizers.map((item) => item.family))];
    $("f-optimizer").innerHTML = families.map((family) => `<div class="family" role="group" aria-label="${esc(family)}"><p>${esc(family)}</p>` +
      suite.optimizers.map((item, o) => (item.family === family ? optimizer(item, o) : "")).join("") + "</div>").join("");
    $("f-optimizer").onchange = (event) => OB.toggle("h", event.target.value);
    $("f-optimizer").onclick = (event) => {
      const id = event.target.dataset.only;
      if (!id) return;
      event.preventDefault();
      OB.set({ h: suite.optimizers.filter((item) => item.id !== id).map((item) => item.id).join(",") });
    };
  }

  /* One style rule fades all other lines, so that highlighting redraws nothing. */
  const rule = document.head.appendChild(document.createElement("style"));
  let lit = null;
  OB.highlight = (o) => {
    if (o === lit) return;
    lit = o;
    rule.textContent = o == null ? "" : `.ser:not(.o${o}) { opacity: .18 } text.ser:not(.o${o}) { opacity: .5 } .line.ser.o${o} { stroke-width: 3 }` +
      ` .chart .band.o${o} { fill-opacity: .28 } [data-o]:not([data-o="${o}"]) { opacity: .45 }`;
  };

  function highlighting() {
    const light = (event) => {
      const element = event.target.closest && event.target.closest("[data-o]");
      OB.highlight(element ? +element.dataset.o : null);
    };
    document.addEventListener("pointerover", light);
    document.addEventListener("focusin", light);
    document.addEventListener("focusout", () => OB.highlight(null));
    document.addEventListener("pick", (event) => OB.highlight(event.detail));
  }

  async function copyLink() {
    try {
      await navigator.clipboard.writeText(location.href);
      $("link").textContent = "Copied";
    } catch {
      prompt("Link to this view", location.href);
    }
    setTimeout(() => { $("link").textContent = "Copy link"; }, 1500);
  }

  OB.controls = () => {
    const items = {
      m: suite.measures.map((measure) => [measure, SHORT[measure] || measure]),
      t: suite.targets.map((target, i) => [i, OB.power(target)]),
      d: [["all", "All"], ...suite.devices.map((device) => [device, device.toUpperCase()])],
      b: [["shown", "shown"], ["all", "all"]],
      x: [["bands", "bands"], ["seeds", "single seeds"]],
      y: [["peak", "peak"], ["state", "state"]],
      e: [["examples", "examples"], ["seconds", "seconds"]],
    };
    for (const [id, key] of SEGMENTS) segment(id, key, items[key]);
    $("devices").hidden = suite.devices.length < 2;
    kinds();
    legend();
    highlighting();
    if (innerWidth <= 760) document.querySelector(".filters").open = false;
    $("filters").onsubmit = (event) => event.preventDefault();
    $("reset").onclick = OB.reset;
    $("link").onclick = copyLink;
  };

  OB.syncControls = () => {
    const state = OB.state();
    for (const [id, key] of SEGMENTS) for (const input of $(id).querySelectorAll("input")) input.checked = input.value === state[key];
    for (const [id, key] of CHECKS) for (const input of $(id).querySelectorAll("input")) input.checked = !OB.hidden(key).has(input.value);
  };
})();
