/* cards.js: the answers in words; a card names a winner only where its interval lies clear of the runner-up's. */
"use strict";
(() => {
  const { suite } = OB.data, esc = OB.esc;
  const order = (a, b) => (a === b ? 0 : (Number.isNaN(a) ? Infinity : a) - (Number.isNaN(b) ? Infinity : b) || 0);
  const name = (o) => `${OB.swatch(o)}<span>${esc(suite.optimizers[o].label)}</span>`;

  function card(title, rows, { compare, holds, text, brief, interval }) {
    const [winner, next] = [...rows].sort(compare), box = (inner, o) => `<div class="kpi"${o == null ? "" : ` data-o="${o}"`}><h3>${title}</h3>${inner}</div>`;
    if (!winner) return "";
    if (!holds(winner)) return box("<b>–</b><p>nothing reaches the accuracy on enough problems</p>");
    const level = next && holds(next) && OB.overlap(interval(winner), interval(next));
    if (!level) return box(`<b>${name(winner.o)}</b><p>${text(winner)}</p>${next ? `<p class="then">then ${esc(next.name)}, ${brief(next)}</p>` : ""}`, winner.o);
    const alike = rows.filter((row) => row !== winner && holds(row) && OB.overlap(interval(winner), interval(row))).sort(compare);
    const more = alike.length > 1 ? ` and ${alike.length - 1} more` : "";
    return box(`<b>No clear winner</b><p><b>${esc(winner.name)}</b> ${text(winner)}, but the 95 % intervals of ${esc(next.name)} (${brief(next)})${more} overlap with its own</p>`, winner.o);
  }

  function winnerOf(kind, view) {
    const problems = view.problems.filter((p) => suite.problems[p].kind === kind);
    if (!problems.length) return "";
    const ranked = view.optimizers.map((o) => ({ o, slow: OB.median(problems.map((p) => view.ratio(o, p))) })).sort((a, b) => order(a.slow, b.slow));
    return ranked.length && isFinite(ranked[0].slow)
      ? `<li data-o="${ranked[0].o}"><span>${esc(kind)}</span><b>${OB.swatch(ranked[0].o)}${esc(suite.optimizers[ranked[0].o].label)}</b></li>`
      : `<li><span>${esc(kind)}</span><i>none solves half</i></li>`;
  }

  const KINDS = {
    "Most reliable": {
      compare: (a, b) => b.solved - a.solved || order(a.slow, b.slow), holds: (r) => r.hits > 0, interval: (r) => [r.low, r.high],
      text: (r) => `reaches the accuracy in <b>${OB.percent(r.solved)}</b> of trials`, brief: (r) => OB.percent(r.solved),
    },
    "Fastest most often": {
      compare: (a, b) => b.wins - a.wins || order(a.slow, b.slow), holds: (r) => r.wins > 0, interval: (r) => OB.wilson(r.wins, r.problems),
      text: (r) => `is best on <b>${r.wins}</b> of ${r.problems} problem${r.problems === 1 ? "" : "s"}`, brief: (r) => r.wins,
    },
    "Closest to the best": {
      compare: (a, b) => order(a.slow, b.slow), holds: (r) => isFinite(r.slow), interval: (r) => r.slowRange,
      text: (r) => `typically takes <b>${OB.times(r.slow)}</b> the best cost`, brief: (r) => (isFinite(r.slow) ? OB.times(r.slow) : "more than half unsolved"),
    },
  };

  OB.part("overview", (view) => {
    const rows = view.rows.filter((row) => row.trials), kinds = suite.kinds.length > 1;
    document.getElementById("cards").innerHTML = Object.entries(KINDS).map(([title, kind]) => card(title, rows, kind)).join("") +
      (kinds ? `<div class="kpi list"><h3>Smallest typical slowdown by class</h3><ul>${suite.kinds.map((kind) => winnerOf(kind, view)).join("")}</ul></div>` : "");
  });
})();
