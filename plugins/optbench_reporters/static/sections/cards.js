/* cards.js: the answers in words. */
"use strict";
(() => {
  const { suite } = OB.data, esc = OB.esc;
  const order = (a, b) => (a === b ? 0 : (Number.isNaN(a) ? Infinity : a) - (Number.isNaN(b) ? Infinity : b) || 0);

  /* A card: the winner, and the runner-up with its number. */
  function card(title, rows, compare, { text, brief, clear }) {
    const [winner, next] = [...rows].sort(compare);
    if (!winner) return "";
    if (!clear(winner, null)) return `<div class="kpi"><h4>${title}</h4><b>–</b><p>nothing reaches the accuracy on enough problems</p></div>`;
    const then = next ? `<p class="then">then ${esc(next.name)}, ${brief(next)}</p>` : "";
    const unclear = next && !clear(winner, next) ? `<p class="then">no clear winner: the intervals overlap</p>` : "";
    return `<div class="kpi" data-o="${winner.o}"><h4>${title}</h4><b>${OB.swatch(winner.o)}<span>${esc(winner.name)}</span></b><p>${text(winner)}</p>${then}${unclear}</div>`;
  }

  function winnerOf(kind, view) {
    const problems = view.problems.filter((p) => suite.problems[p].kind === kind);
    if (!problems.length) return "";
    const ranked = view.optimizers.map((o) => ({ o, slow: OB.median(problems.map((p) => view.ratio(o, p))) })).sort((a, b) => order(a.slow, b.slow));
    return ranked.length && isFinite(ranked[0].slow)
      ? `<li data-o="${ranked[0].o}"><span>${esc(kind)}</span><b>${OB.swatch(ranked[0].o)}${esc(suite.optimizers[ranked[0].o].label)}</b></li>`
      : `<li><span>${esc(kind)}</span><i>none solves half</i></li>`;
  }

  OB.draw.cards = (view) => {
    const rows = view.rows.filter((row) => row.trials), problems = view.problems.length;
    const reliable = {
      text: (r) => `reaches the accuracy in <b>${OB.percent(r.solved)}</b> of trials`,
      brief: (r) => OB.percent(r.solved),
      clear: (r, next) => (next ? r.low > next.high || r.hits === 0 : r.hits > 0),
    };
    const wins = { text: (r) => `best on <b>${r.wins}</b> of ${problems} problem${problems === 1 ? "" : "s"}`, brief: (r) => r.wins, clear: (r) => r.wins > 0 };
    const near = {
      text: (r) => `typically <b>${OB.times(r.slow)}</b> the best cost`,
      brief: (r) => (isFinite(r.slow) ? OB.times(r.slow) : "more than half unsolved"),
      clear: (r) => isFinite(r.slow),
    };
    document.getElementById("cards").innerHTML =
      card("Most reliable", rows, (a, b) => b.solved - a.solved || order(a.slow, b.slow), reliable) +
      card("Fastest most often", rows, (a, b) => b.wins - a.wins || order(a.slow, b.slow), wins) +
      card("Closest to the best", rows, (a, b) => order(a.slow, b.slow), near) +
      `<div class="kpi list"><h4>Smallest typical slowdown by class</h4><ul>${suite.kinds.map((kind) => winnerOf(kind, view)).join("")}</ul></div>`;
  };
})();
