/* scaling.js: bytes against the number of parameters; suites that sweep no size have none. */
"use strict";
(() => {
  const $ = (id) => document.getElementById(id), AXIS = { peak: "peak bytes", state: "state bytes" };

  /* From the smallest to the largest value, with room for the markers. */
  const domain = (values, room) => [Math.min(...values) / room, Math.max(...values) * room];

  OB.draw.scaling = (view) => {
    const panel = OB.state().y, listed = OB.data.scaling.filter((line) => line.panel === panel && view.optimizers.includes(line.o));
    const lines = listed.filter((line) => line.x.length);
    if (!lines.length) return OB.nothing($("scaling"), "None of the chosen optimizers has such bytes.");
    const rows = [...listed].sort((a, b) => b.slope - a.slope), slope = (line) => (!line.x.length ? "0 B" : line.slope == null ? "–" : line.slope.toFixed(2));
    return OB.lineChart($("scaling"), {
      label: `Memory against size, ${AXIS[panel]}`,
      height: 420,
      descending: true,
      x: { label: "number of parameters n", log: true, domain: domain(lines.flatMap((line) => line.x), 1.3) },
      y: { label: AXIS[panel], log: true, domain: domain(lines.flatMap((line) => line.y), 2), format: OB.bytes, tip: OB.bytes },
      series: lines,
      key: { title: "slope", rows: rows.map((line) => ({ o: line.o, name: line.name, text: slope(line) })) },
    });
  };
})();
