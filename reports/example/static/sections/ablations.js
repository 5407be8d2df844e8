/* ablations.js: what each factor changes, as a forest plot: a ratio with its interval on a logarithmic axis, a line at 1. */
"use strict";
(() => {
  const esc = OB.esc, ROW = 24, TOP = 26, BOTTOM = 40, TEXT = 128;

  function mark(row, y, sx) {
    if (!row.ratio) return "";
    const kind = !row.clear ? "level" : row.ratio < 1 ? "better" : "worse", [low, high] = [row.low, row.high].map((v, k) => sx(v ?? [row.ratio, row.ratio][k]));
    return `<g class="effect ${kind}"><path d="M${low.toFixed(1)} ${y}H${high.toFixed(1)}"/><circle cx="${sx(row.ratio).toFixed(1)}" cy="${y}" r="4.5"/></g>`;
  }

  function draw(host, group) {
    const W = Math.max(320, host.clientWidth), longest = Math.max(...group.rows.map((row) => row.name.length)), left = Math.min(0.45 * W, 12 + 6.6 * longest);
    const values = group.rows.flatMap((row) => [row.ratio, row.low, row.high]).filter((v) => v > 0 && isFinite(v)), H = TOP + ROW * group.rows.length + BOTTOM, narrow = W < 560, right = W - (narrow ? 12 : TEXT);
    const reach = Math.max(1.3, ...values.map((v) => Math.max(v, 1 / v))) * 1.08, sx = OB.scale({ log: true, domain: [1 / reach, reach] }, left, right);
    const lines = group.rows.map((row, i) => {
      const y = TOP + ROW * (i + 0.5), number = row.ratio ? `×${OB.number(row.ratio)}${row.low ? ` [${[...new Set([row.low, row.high].map(OB.number))].join(", ")}]` : ""}` : row.verdict, letters = Math.floor((left - 12) / 6.4);
      return `<text x="${left - 10}" y="${y + 4}" text-anchor="end">${esc(OB.brief(row.name, letters))}<title>${esc(row.name)}</title></text>${mark(row, y, sx)}` + (narrow ? "" : `<text class="hint" x="${W}" y="${y + 4}" text-anchor="end">${esc(number)}</text>`);
    });
    const ticks = sx.ticks().map((t) => `<path d="M${sx(t)} ${TOP}V${H - BOTTOM}"/><text x="${sx(t)}" y="${H - BOTTOM + 18}" text-anchor="middle">${sx.format(t)}×</text>`);
    host.classList.add("chart");
    host.redraw = () => draw(host, group);
    host.innerHTML = `<svg viewBox="0 0 ${W} ${H}" width="${W}" height="${H}" role="img" aria-label="${esc(group.title)}: the table below says the same"><g class="grid">${ticks.join("")}<path class="axis" d="M${sx(1)} ${TOP - 6}V${H - BOTTOM}"/></g>` +
      `<text class="hint" x="${sx(1) - 8}" y="14" text-anchor="end">← better with it</text><text class="hint" x="${sx(1) + 8}" y="14">worse with it →</text>${lines.join("")}</svg>`;
  }

  OB.part("ablations", () => OB.data.ablations.forEach((group) => draw(document.getElementById(`ablation-${group.id}`), group)));
})();
