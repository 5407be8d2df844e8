/* export.js: what is on the screen as SVG, CSV or a table of numbers that a screen reader can go through. */
"use strict";
(() => {
  const { suite } = OB.data, esc = OB.esc, $ = (id) => document.getElementById(id);
  const KEPT = ["fill", "fill-opacity", "stroke", "stroke-width", "stroke-dasharray", "stroke-linejoin", "opacity", "font-size", "font-weight", "text-anchor"];
  const STAMP = 22;

  /* A copy of an SVG element with its looks written into it, without what only shows on the screen. */
  function standing(svg) {
    const copy = svg.cloneNode(true), from = [svg, ...svg.querySelectorAll("*")], to = [copy, ...copy.querySelectorAll("*")];
    from.forEach((element, i) => {
      const style = getComputedStyle(element);
      to[i].setAttribute("style", KEPT.map((name) => `${name}:${style.getPropertyValue(name)}`).join(";"));
    });
    copy.querySelectorAll(".cursor, .brush, title").forEach((element) => element.remove());
    return copy;
  }

  /* An HTML table as SVG: a rectangle and a text for each cell, where it stands on the screen. */
  function drawn(table, origin) {
    return [...table.querySelectorAll("th, td")].filter((cell) => cell.offsetParent).map((cell) => {
      const box = cell.getBoundingClientRect(), style = getComputedStyle(cell), text = cell.innerText.trim();
      const x = box.left - origin.left, y = box.top - origin.top, middle = cell.tagName === "TD";
      const at = `x="${middle ? x + box.width / 2 : x + 2}" y="${y + box.height / 2 + 4}" text-anchor="${middle ? "middle" : "start"}"`;
      const turned = cell.classList.contains("turned") ? ` transform="rotate(-40 ${x + 8} ${y + box.height})"` : "";
      const place = turned ? `x="${x + 8}" y="${y + box.height - 6}"` : at;
      return `<rect x="${x}" y="${y}" width="${box.width}" height="${box.height}" fill="${style.backgroundColor}"/>` +
        `<text ${place}${turned} font-size="11" fill="${style.color}">${esc(text)}</text>`;
    }).join("");
  }

  /* The whole figure as one SVG: its charts where they stand, a title, and what it was drawn from. */
  OB.svgOf = (host) => {
    const box = host.getBoundingClientRect(), page = getComputedStyle(document.body), paper = getComputedStyle(host.closest(".card")).backgroundColor;
    const parts = [...host.querySelectorAll("svg[viewBox]")].map((svg) => {
      const place = svg.getBoundingClientRect(), copy = standing(svg);
      copy.setAttribute("x", place.left - box.left);
      copy.setAttribute("y", place.top - box.top);
      return new XMLSerializer().serializeToString(copy);
    });
    const tables = [...host.querySelectorAll("table")].map((table) => drawn(table, box));
    const labels = [...host.querySelectorAll("h4")].map((h) => {
      const place = h.getBoundingClientRect();
      return `<text x="${place.left - box.left}" y="${place.bottom - box.top - 3}" font-size="12" fill="${page.color}">${esc(h.innerText)}</text>`;
    });
    const height = Math.ceil(box.height) + STAMP, width = Math.ceil(host.scrollWidth);
    return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="Inter, system-ui, sans-serif">` +
      `<title>${esc(host.closest(".card").querySelector("h3").innerText)}</title><rect width="100%" height="100%" fill="${paper}"/>` +
      parts.join("") + tables.join("") + labels.join("") + `<text x="4" y="${height - 7}" font-size="10" fill="${page.color}" opacity=".6">${esc(suite.stamp)}</text></svg>`;
  };

  /* The value of a curve at x: that of its last row up to there. */
  function valueAt(s, x) {
    let found = null;
    for (let i = 0; i < s.x.length && s.x[i] <= x * (1 + 1e-9); i++) if (s.y[i] != null) found = s.y[i];
    return found;
  }

  /* A row a curve; the columns are its points where they are few, else the ticks of the axis. */
  function tableOf(spec) {
    const points = [...new Set(spec.series.flatMap((s) => (s.from == null ? [] : s.x)))].sort((a, b) => a - b);
    const columns = points.length ? points : OB.scale(spec.x, 0, 900).ticks(), text = spec.y.tip || OB.number;
    const cell = (s, x) => (points.length ? s.y[s.x.indexOf(x)] : valueAt(s, x));
    return `<table><caption class="sr">${esc(spec.label)}</caption><thead><tr><th scope="col">${esc(spec.x.label)}</th>${columns.map((x) => `<th scope="col" class="n">${OB.number(x)}</th>`).join("")}</tr></thead><tbody>` +
      spec.series.map((s) => `<tr data-o="${s.o}"><th scope="row">${esc(s.name)}</th>${columns.map((x) => {
        const value = cell(s, x);
        return `<td class="n">${value == null ? "–" : esc(text(value))}</td>`;
      }).join("")}</tr>`).join("") + "</tbody></table>";
  }

  const rowsOf = (spec) => [["name", "x", "y", "low", "high"], ...spec.series.flatMap((s) => s.x.map((x, i) => [s.name, x, s.y[i], s.low?.[i], s.high?.[i]]))];

  /* Fill the table behind a chart, if it is open. */
  OB.fillTable = (host) => {
    const space = document.querySelector(`details[data-table="${host.id}"][open] .scroll`);
    if (space) space.innerHTML = host.spec ? tableOf(host.spec) : host.table ? host.table() : "";
  };

  OB.exports = () => {
    document.querySelectorAll("[data-csv]").forEach((button) => {
      button.onclick = () => {
        const id = button.dataset.csv, host = $(id), rows = id === "table" ? OB.tableRows() : host.rows ? host.rows() : host.spec && rowsOf(host.spec);
        if (rows) OB.save(`optbench-${id}.csv`, OB.csv(rows), "text/csv");
      };
    });
    document.querySelectorAll("[data-svg]").forEach((button) => {
      button.onclick = () => OB.save(`optbench-${button.dataset.svg}.svg`, OB.svgOf($(button.dataset.svg)), "image/svg+xml");
    });
    document.querySelectorAll("details[data-table]").forEach((details) => { details.ontoggle = () => OB.fillTable($(details.dataset.table)); });
  };
})();
