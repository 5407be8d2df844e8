"""The tuned optimizers of a report as a table for a terminal of 100 columns, or of fewer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from optbench.records import ReportModel, TunedCell
from optbench.records.text import NONE
from optbench.records.tuned import EDGE
from optbench.report.fitting import fitted, omitted
from optbench.report.tables import NAME, NUMBER, TEXT, fill, new_table
from optbench.report.units import count_text, seconds_text

if TYPE_CHECKING:
    from rich.table import Table

_HEADINGS = ("score", "10–90 %", "untuned", "chosen", "trials", "time")
_LEGEND = (
    "{scores}: {measures}, median over seeds and repeats; 10–90 %: of the score. chosen: {chosen}; {edge}: at "
    "the edge of what was tried, the budget being spent."
)


def tuning_table(model: ReportModel, width: int = 100) -> Table:
    """Return a row for each optimizer and problem: its score tuned and untuned, what was chosen, what that cost."""
    return fitted(partial(_table, model), (("10–90 %",), ("time",), ("trials",)), width)


def _table(model: ReportModel, left_out: frozenset[str]) -> Table:
    absent = left_out | _empty(model)
    shown = [heading for heading in _HEADINGS if heading not in absent]
    table = new_table(f"{model.title}: tuned", _caption(model, shown) + omitted(left_out, _HEADINGS))
    styles = {"problem": NAME, "optimizer": NAME, **dict.fromkeys(_HEADINGS, NUMBER), "chosen": TEXT}
    return fill(table, styles, _rows(model), absent)


def _rows(model: ReportModel) -> Iterator[tuple[str, ...]]:
    optimizers = {item.id: item.label for item in model.optimizers}
    for problem in model.problems:
        cells = [cell for cell in model.tuned if cell.problem == problem.id]
        for index, cell in enumerate(cells):
            yield problem.label if index == 0 else "", optimizers[cell.optimizer], *_cells(cell)


def _empty(model: ReportModel) -> frozenset[str]:
    """Return the columns in which no row has anything."""
    columns = zip(_HEADINGS, zip(*map(_cells, model.tuned), strict=True), strict=False)
    return frozenset(heading for heading, texts in columns if not set(texts) - {"", NONE})


def _cells(cell: TunedCell) -> tuple[str, ...]:
    searched = cell.trials > 0
    return (
        *cell.texts,
        count_text(cell.trials if searched else None),
        seconds_text(cell.seconds if searched else None),
    )


def _caption(model: ReportModel, shown: Sequence[str]) -> str:
    """Explain the columns that are there."""
    measures = ", ".join(dict.fromkeys(cell.measure for cell in model.tuned))
    select = ", ".join(dict.fromkeys(cell.select for cell in model.tuned))
    stored = all(cell.method == "stored" for cell in model.tuned)
    chosen = f"found by {select}" if stored else f"by each tuning, by {select}"
    scores, costs = (", ".join(x for x in names if x in shown) for names in (("score", "untuned"), ("trials", "time")))
    legend = _LEGEND.format(scores=scores, measures=measures, chosen=chosen, edge=EDGE)
    return f"{legend} {costs}: of all tunings together." if costs else legend
