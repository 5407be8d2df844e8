/* state.js: what the reader chose ⇄ location.hash. Only what differs from the default is in the address. */
"use strict";
(() => {
  const suite = OB.data.suite, first = suite.problems[0];
  const DEFAULT = {
    m: "evaluations", t: String(suite.target), d: "all", c: "", h: "", b: "shown", x: "bands", y: "peak", e: "examples", k: "", s: "solved", r: "", p: first ? first.id : "",
  };
  const SORTS = ["name", "solved", "slow", "wins", "cost", "mean", "area", "time", "state", "peak"];
  const ALLOWED = {
    m: (v) => suite.measures.includes(v),
    t: (v) => suite.targets.some((_, i) => String(i) === v) || v === DEFAULT.t,
    d: (v) => v === "all" || suite.devices.includes(v),
    b: (v) => v === "shown" || v === "all",
    x: (v) => v === "bands" || v === "seeds",
    y: (v) => v === "peak" || v === "state",
    e: (v) => v === "examples" || v === "seconds",
    s: (v) => SORTS.includes(v),
    p: (v) => suite.problems.some((problem) => problem.id === v),
  };
  const sections = new Set([...document.querySelectorAll("main section")].map((section) => section.id));
  let state = { ...DEFAULT };

  OB.state = () => state;
  OB.hidden = (key) => new Set(state[key] ? state[key].split(",") : []);

  /* Take the state from the address; false where the address names a section instead. */
  OB.readHash = () => {
    const hash = location.hash.slice(1);
    if (sections.has(hash)) return false;
    OB.wanted = new URLSearchParams(hash).get("go"); // a section to begin at: other pages link so
    const given = Object.fromEntries([...new URLSearchParams(hash)].filter(([key]) => key in DEFAULT));
    state = { ...DEFAULT, ...given };
    for (const [key, fits] of Object.entries(ALLOWED)) if (!fits(state[key])) state[key] = DEFAULT[key];
    return true;
  };

  OB.set = (change) => {
    state = { ...state, ...change };
    const query = new URLSearchParams(Object.entries(state).filter(([key, value]) => value !== DEFAULT[key]));
    history.replaceState(null, "", query.size ? `#${query}` : location.pathname + location.search);
    return OB.refresh();
  };
  OB.toggle = (key, value) => {
    const hidden = OB.hidden(key);
    if (!hidden.delete(value)) hidden.add(value);
    return OB.set({ [key]: [...hidden].join(",") });
  };
  OB.reset = () => OB.set(DEFAULT);

  OB.choice = () => ({
    measure: state.m,
    target: +state.t,
    device: state.d,
    kinds: new Set([...OB.hidden("c")].map((index) => suite.kinds[index])),
    optimizers: OB.hidden("h"),
    best: state.b,
    problem: state.p,
  });
})();
