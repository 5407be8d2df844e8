/* main.js: state → aggregates → parts of the page. What the window shows is drawn at once, what is near it when the browser is idle, the
 * rest when it comes near. */
"use strict";
(() => {
  const { suite, cells } = OB.data, $ = (id) => document.getElementById(id);
  const { parts } = OB, stale = new Set(), near = new Set(); // parts; elements within MARGIN of the window
  const MARGIN = "500px", idle = window.requestIdleCallback || ((work) => setTimeout(work, 1));
  let view, waiting = false;

  OB.view = () => view;
  OB.nothing = (host, text) => {
    host.innerHTML = `<p class="nothing">${OB.esc(text)}</p>`;
    host.spec = host.redraw = host.table = null;
    OB.fillTable(host);
  };

  const draw = (part) => (stale.delete(part) ? part.draw(view) : null);
  const isDue = (part) => stale.has(part) && near.has(part.host);
  const isSeen = ({ host }) => {
    const box = host.getBoundingClientRect();
    return box.bottom >= 0 && box.top <= innerHeight;
  };

  /* Draw what is due, a part each time that the browser has nothing else to do. */
  function later() {
    if (waiting) return;
    waiting = true;
    idle(() => {
      waiting = false;
      const next = parts.find(isDue);
      if (!next) return;
      later();
      draw(next);
    });
  }

  function pump() {
    const seen = parts.filter((part) => isDue(part) && isSeen(part));
    later();
    return Promise.all(seen.map(draw));
  }
  OB.drawAll = () => Promise.all(parts.map(draw));

  function scope() {
    const state = OB.state(), empty = !view.problems.length || !view.optimizers.length;
    document.body.classList.toggle("empty", empty);
    const left = view.left ? ` · ${view.left} without ${OB.measure(state.m)} left out` : "";
    $("scope").innerHTML = (empty ? `<b class="warn">Nothing matches these filters.</b> ` : "") +
      `Showing <b>${view.problems.length}</b> of ${suite.problems.length} problems and <b>${view.optimizers.length}</b> of ${suite.optimizers.length} optimizers` +
      (suite.targets.length && $("f-target") ? ` · ${state.m === "cost" ? "" : "cost in "}<b>${OB.esc(OB.measure(state.m))}</b> to reach a relative gap of <b>${OB.power(suite.targets[state.t])}</b>` : "") + left;
    return empty;
  }

  OB.refresh = () => {
    view = OB.aggregate(suite, cells, OB.choice());
    OB.syncControls();
    if (scope()) return Promise.resolve();
    parts.forEach((part) => stale.add(part));
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
    entries.forEach((entry) => (entry.isIntersecting ? near.add(entry.target) : near.delete(entry.target)));
    pump();
  }, { rootMargin: MARGIN });
  parts.forEach((part) => watch.observe(part.host));
  const target = start || $(OB.wanted);
  if (target) target.scrollIntoView();
})();
