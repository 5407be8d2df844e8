/* main.js: state → aggregates → sections; a section is drawn when it comes near the viewport. */
"use strict";
(() => {
  const { suite, cells } = OB.data, $ = (id) => document.getElementById(id);
  const ids = [...new Set(OB.sections.map((section) => section.id))], dirty = new Set(), near = new Set();
  let view;

  OB.view = () => view;
  OB.nothing = (host, text) => {
    host.innerHTML = `<p class="nothing">${OB.esc(text)}</p>`;
    host.spec = host.redraw = null;
  };

  const pump = () => {
    const due = new Set([...near].filter((id) => dirty.delete(id)));
    return Promise.all(OB.sections.filter((section) => due.has(section.id)).map((section) => section.draw(view)));
  };
  OB.drawAll = () => {
    ids.forEach((id) => near.add(id));
    return pump();
  };

  function scope() {
    const state = OB.state(), empty = !view.problems.length || !view.optimizers.length;
    document.body.classList.toggle("empty", empty);
    const left = state.m === "gradients" && view.left ? ` · ${view.left} without gradients left out` : "";
    $("scope").innerHTML = (empty ? `<b class="warn">Nothing matches these filters.</b> ` : "") +
      `Showing <b>${view.problems.length}</b> of ${suite.problems.length} problems and <b>${view.optimizers.length}</b> of ${suite.optimizers.length} optimizers` +
      (suite.targets.length && $("f-target") ? ` · ${state.m === "cost" ? "" : "cost in "}<b>${OB.esc(OB.measure(state.m))}</b> to reach a relative gap of <b>${OB.power(suite.targets[state.t])}</b>` : "") + left;
    return empty;
  }

  OB.refresh = () => {
    view = OB.aggregate(suite, cells, OB.choice());
    OB.syncControls();
    if (scope()) return Promise.resolve();
    ids.forEach((id) => dirty.add(id));
    return pump();
  };

  const redraw = () => document.querySelectorAll(".plot").forEach((plot) => plot.redraw && plot.redraw());
  let timer;
  addEventListener("resize", () => { clearTimeout(timer); timer = setTimeout(redraw, 120); });
  addEventListener("hashchange", () => { if (OB.readHash()) OB.refresh(); });
  addEventListener("beforeprint", () => { OB.drawAll(); redraw(); });

  /* Sections are reached without writing over the view that the address holds. */
  OB.goto = (id) => {
    const section = $(id);
    section.scrollIntoView({ behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
    section.tabIndex = -1;
    section.focus({ preventScroll: true });
  };
  document.querySelectorAll("nav a, a.skip").forEach((link) => {
    link.onclick = (event) => {
      event.preventDefault();
      OB.goto(link.hash.slice(1));
    };
  });

  const start = document.getElementById(location.hash.slice(1));
  OB.readHash();
  OB.controls();
  OB.exports();
  OB.refresh();
  const watch = new IntersectionObserver((entries) => {
    entries.forEach((entry) => (entry.isIntersecting ? near.add(entry.target.id) : near.delete(entry.target.id)));
    pump();
  }, { rootMargin: "500px" });
  ids.forEach((id) => watch.observe($(id)));
  const target = start || $(OB.wanted);
  if (target) target.scrollIntoView();
})();
