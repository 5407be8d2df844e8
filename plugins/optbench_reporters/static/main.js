/* main.js: state → aggregates → sections; a section is drawn when it comes near the viewport. */
"use strict";
(() => {
  const { suite, cells } = OB.data, $ = (id) => document.getElementById(id);
  const SECTIONS = { overview: ["cards", "table"], profiles: ["profiles"], convergence: ["convergence"] };
  for (const [id, name] of [["memory", "scaling"], ["time", "times"]]) if ($(id)) SECTIONS[id] = [name];
  const dirty = new Set(), near = new Set();
  let view;

  OB.view = () => view;
  OB.nothing = (host, text) => {
    host.innerHTML = `<p class="nothing">${OB.esc(text)}</p>`;
    host.spec = host.redraw = null;
  };

  const pump = () => Promise.all([...near].filter((id) => dirty.delete(id)).flatMap((id) => SECTIONS[id].map((name) => OB.draw[name](view))));
  OB.drawAll = () => {
    Object.keys(SECTIONS).filter((id) => !$(id).hidden).forEach((id) => near.add(id));
    return pump();
  };

  function scope() {
    const state = OB.state(), empty = !view.problems.length || !view.optimizers.length;
    document.body.classList.toggle("empty", empty);
    const left = state.m === "gradients" && view.left ? ` · ${view.left} without gradients left out` : "";
    $("scope").innerHTML = (empty ? `<b class="warn">Nothing matches these filters.</b> ` : "") +
      `Showing <b>${view.problems.length}</b> of ${suite.problems.length} problems and <b>${view.optimizers.length}</b> of ${suite.optimizers.length} optimizers` +
      (suite.targets.length && !$("convergence").hidden ? ` · ${state.m === "cost" ? "" : "cost in "}<b>${OB.esc(OB.measure(state.m))}</b> to reach a relative gap of <b>${OB.power(suite.targets[state.t])}</b>` : "") + left;
    return empty;
  }

  OB.refresh = () => {
    view = OB.aggregate(suite, cells, OB.choice());
    OB.syncControls();
    if (scope()) return Promise.resolve();
    Object.keys(SECTIONS).forEach((id) => dirty.add(id));
    return pump();
  };

  const csv = {
    table: () => OB.tableRows(),
    chart: (spec) => [["name", "x", "y", "low", "high"], ...spec.series.flatMap((s) => s.x.map((x, i) => [s.name, x, s.y[i], s.low?.[i], s.high?.[i]]))],
  };
  document.querySelectorAll("[data-csv]").forEach((button) => {
    button.onclick = () => {
      const id = button.dataset.csv, spec = $(id).spec;
      if (id === "table" || spec) OB.save(`optbench-${id}.csv`, OB.csv(id === "table" ? csv.table() : csv.chart(spec)), "text/csv");
    };
  });

  const redraw = () => document.querySelectorAll(".plot").forEach((plot) => plot.redraw && plot.redraw());
  let timer;
  addEventListener("resize", () => { clearTimeout(timer); timer = setTimeout(redraw, 120); });
  addEventListener("hashchange", () => { if (OB.readHash()) OB.refresh(); });
  addEventListener("beforeprint", () => { OB.drawAll(); redraw(); });

  /* Sections are reached without writing over the view that the address holds. */
  document.querySelectorAll("nav a, a.skip").forEach((link) => {
    link.onclick = (event) => {
      const section = $(link.hash.slice(1));
      event.preventDefault();
      section.scrollIntoView({ behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
      section.tabIndex = -1;
      section.focus({ preventScroll: true });
    };
  });

  const start = document.getElementById(location.hash.slice(1));
  OB.readHash();
  OB.controls();
  OB.refresh();
  const watch = new IntersectionObserver((entries) => {
    entries.forEach((entry) => (entry.isIntersecting ? near.add(entry.target.id) : near.delete(entry.target.id)));
    pump();
  }, { rootMargin: "500px" });
  Object.keys(SECTIONS).forEach((id) => watch.observe($(id)));
  if (start) start.scrollIntoView();
})();
