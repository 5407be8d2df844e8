"""What `compare` found, as tables for a terminal."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from optbench.records import BYTES, Changes, Effect, ProblemEffect
from optbench.records.text import NONE, interval_text, number_text
from optbench.report.fitting import fitted, omitted
from optbench.report.tables import NUMBER, TEXT, fill, new_table, without_repeats
from optbench.report.units import bytes_text, count_text, seconds_text

if TYPE_CHECKING:
    from rich.table import Table

HEADINGS = ("optimizer", "measure", "problems", "pairs", "solved", "after/before", "95 %", "p", "outcome")
_NUMBERS = ("problems", "pairs", "solved", "after/before", "95 %", "p")
MOST_PROBLEMS = 15  # rows of the table of problems


def change_table(changes: Changes, width: int = 100) -> Table:
    """Return a row an optimizer and measure."""
    return fitted(partial(_effects, changes), (("p",), ("pairs",), ("problems",)), width)


def problem_table(changes: Changes) -> Table | None:
    """Return the problems that changed most by the first measure; None where none did."""
    rows = sorted(filter(_change, _first_measure(changes)), key=_change, reverse=True)
    if not rows:
        return None
    more = f" {len(rows) - MOST_PROBLEMS} more changed: --json." if len(rows) > MOST_PROBLEMS else ""
    table = new_table(f"What changed most: {_measured(rows[0])}", f"Medians over seeds.{more}")
    styles = {"optimizer": TEXT, "problem": TEXT, **dict.fromkeys(("before", "after", "after/before"), NUMBER)}
    cells = (
        (row.optimizer, row.problem, _value(row, row.before), _value(row, row.after), _ratio(row))
        for row in rows[:MOST_PROBLEMS]
    )
    return fill(table, styles, without_repeats(cells, 1))


def _effects(changes: Changes, left_out: frozenset[str]) -> Table:
    caption = (
        "after/before: geometric mean of the ratios over problems (of one problem: over its seeds), of metrics the "
        "mean difference; the median where some trial does not solve. p: adjusted for all rows (Holm); an outcome "
        "stands at 0.05."
    )
    titles = dict.fromkeys((changes.before.title, changes.after.title))  # one where optimizers of a run are compared
    table = new_table(" → ".join(titles), caption + omitted(left_out, HEADINGS))
    styles = {heading: NUMBER if heading in _NUMBERS else TEXT for heading in HEADINGS}
    return fill(table, styles, without_repeats(map(_cells, changes.effects), 1), left_out)


def _cells(effect: Effect) -> tuple[str, ...]:
    solved = NONE if effect.solved_before is None else f"{effect.solved_before} → {effect.solved_after}"
    return (
        effect.optimizer,
        _measured(effect),
        str(effect.problems),
        str(effect.pairs),
        solved,
        number_text(effect.ratio) if effect.difference is None else f"{effect.difference:+z.3f}",
        interval_text(effect.low, effect.high),
        NONE if effect.p_value is None else f"{effect.p_value:.2g}",
        f"{effect.outcome}" + (f" ({effect.note})" if effect.note else ""),
    )


def _measured(row: Effect | ProblemEffect) -> str:
    words = {field: f"{word} bytes" for field, word in BYTES.items()}.get(row.measure, row.measure)
    return f"{words} to {row.target}" if row.target else words


def _first_measure(changes: Changes) -> Sequence[ProblemEffect]:
    first = changes.effects[0] if changes.effects else None
    return [row for row in changes.problems if first and (row.measure, row.target) == (first.measure, first.target)]


def _change(row: ProblemEffect) -> float:
    """Return how far a problem moved, by the logarithm of its ratio; 0 where it did not, or on neither side solved."""
    before, after = row.before, row.after
    if before == after or before is None or after is None:
        return 0.0
    if not (math.isfinite(before) and math.isfinite(after) and before > 0 and after > 0):
        return math.inf
    return abs(math.log(after / before))


def _ratio(row: ProblemEffect) -> str:
    if row.before is None or row.after is None or math.isinf(row.before) or math.isinf(row.after) or row.before <= 0:
        return NONE
    return number_text(row.after / row.before)


def _value(row: ProblemEffect, value: float | None) -> str:
    if value is not None and math.isinf(value):
        return "not solved" if row.target else f"{value}"
    if row.measure in BYTES:
        return bytes_text(value)
    return {"evaluations": count_text, "seconds": seconds_text}.get(row.measure, number_text)(value)
