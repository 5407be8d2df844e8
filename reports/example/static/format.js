/* format.js: numbers and names as text. Everything that comes from data goes through OB.esc before it becomes markup. */
"use strict";
(() => {
  const ESCAPES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
  const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";
  const BYTES = [[1e12, "TB"], [1e9, "GB"], [1e6, "MB"], [1e3, "kB"], [1, "B"]], TIMES = [[1, "s"], [1e-3, "ms"], [1e-6, "µs"]];

  OB.esc = (text) => String(text).replace(/[&<>"']/g, (c) => ESCAPES[c]);
  OB.superscript = (n) => (n < 0 ? "⁻" : "") + String(Math.abs(n)).replace(/\d/g, (d) => SUPERSCRIPTS[d]);
  OB.power = (value) => {
    const exponent = Math.round(Math.log10(value));
    return Math.abs(value / 10 ** exponent - 1) < 1e-9 ? "10" + OB.superscript(exponent) : String(value);
  };

  OB.number = (value) => {
    if (value == null || !isFinite(value)) return "–";
    if (value === 0) return "0";
    const size = Math.abs(value);
    if (size >= 1e5 || size < 1e-2) {
      const [digits, exponent] = value.toExponential(1).split("e");
      return `${digits}·10${OB.superscript(+exponent)}`;
    }
    return size >= 100 ? Math.round(value).toLocaleString("en") : String(+value.toPrecision(3));
  };
  const scaled = (value, units) => {
    if (value == null || !isFinite(value)) return "–";
    const [scale, unit] = units.find(([least]) => value >= least) || units[units.length - 1];
    return `${+(value / scale).toPrecision(3)} ${unit}`;
  };
  OB.bytes = (value) => scaled(value, BYTES);
  OB.seconds = (value) => scaled(value, TIMES);
  OB.percent = (share) => `${Math.round(100 * share)} %`;
  /* "1–2", "-2 to -1", or "1" where both ends are written alike. */
  OB.range = (low, high) => (low === high ? low : [low, high].some((end) => /^[-−]/.test(end)) ? `${low} to ${high}` : `${low}–${high}`);
  OB.percents = (low, high) => OB.range(...[low, high].map((share) => String(Math.round(100 * share))));
  OB.times = (ratio) => `${ratio < 10 ? ratio.toFixed(1) : OB.number(ratio)}×`;
  OB.cost = (value, measure) => (measure === "seconds" ? OB.seconds(value) : OB.number(value));
  OB.measure = (measure) => (measure === "cost" ? `weighted cost (${OB.data.suite.weights})` : measure === "flops" ? "model FLOPs" : measure);
  OB.doubt = (count, all, text) => (count && text !== "–" ? `<span class="doubt" title="times of ${count} of ${all} trials are not to be believed">†</span>` : "");
  OB.swatch = (o) => `<svg class="swatch" width="26" height="10" aria-hidden="true"><path class="line o${o}" d="M1 5H25"/></svg>`;

  OB.save = (name, text, type) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  };
  /* A spreadsheet takes texts that begin so for formulas. */
  const harmless = (value) => (typeof value === "string" && /^[=+\-@\t\r]/.test(value) ? `'${value}` : value);
  const quoted = (value) => (/[",\r\n]/.test(value) ? `"${value.replace(/"/g, '""')}"` : value);
  OB.csv = (rows) => rows.map((row) => row.map((v) => quoted(v == null ? "" : String(harmless(v)))).join(",")).join("\n") + "\n";
})();
