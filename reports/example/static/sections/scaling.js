/* scaling.js: bytes and seconds a step against the number of parameters; suites that sweep no size have none. */
"use strict";
(() => {
  const $ = (id) => document.getElementById(id), AXIS = { peak: "peak bytes", state: "state bytes", step: "time of a step" };

  /* From the smallest to the largest value, with room for the markers. */
  const domain = (values, room) => [Math.min(...values) / room, Math.max(...values) * room];

  function draw(view, host, panel, nothing, format) {
    const listed = OB.data.scaling.filter((line) => line.panel === panel && view.optimizers.includes(line.o));
    const lines = listed.filter((line) => line.x.length);
    if (!lines.length) return OB.nothing(host, nothing.none);
    const rows = [...listed].sort((a, b) => b.slope - a.slope), slope = (line) => (!line.x.length ? nothing.zero : line.slope == null ? "–" : line.slope.toFixed(2));
    return OB.lineChart(host, {
      label: `Against size: ${AXIS[panel]}`,
      height: 420,
      descending: true,
      x: { label: "number of parameters n", log: true, domain: domain(lines.flatMap((line) => line.x), 1.3) },
      y: { label: AXIS[panel], log: true, domain: domain(lines.flatMap((line) => line.y), 2), format, tip: format },
      series: lines,
      key: { title: "slope", rows: rows.map((line) => ({ o: line.o, name: line.name, text: slope(line) })) },
    });
  }

  OB.part("fig-scaling", (view) => draw(view, $("scaling"), OB.state().y, { none: "None of the chosen optimizers has such bytes.", zero: "0 B" }, OB.bytes));
  OB.part("fig-scaling-time", (view) => draw(view, $("scaling-time"), "step", { none: "No step of the chosen optimizers was timed.", zero: "0 s" }, OB.seconds));
})();
