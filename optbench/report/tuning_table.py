"""The tuned optimizers of a report as a table for a terminal of 100 columns, or of fewer."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from optbench.records import Range, ReportModel, TunedCell, TuningChoice
from optbench.records.text import NONE
from optbench.report.fitting import fitted, told
from optbench.report.tables import new_table
from optbench.report.units import count_text, seconds_text

if TYPE_CHECKING:
    from rich.table import Table

_HEADINGS = ("score", "10–90 %", "untuned", "chosen", "trials", "time")
EDGE = "!"  # of a choice at the edge of what was tried
_LEGEND = (
    "score, untuned: {measures}, median over seeds and repeats; 10–90 %: of the score. chosen: by each tuning, by "
    "{select}; {edge}: best at the edge, the budget being spent. trials, time: of all tunings together."
)


def tuning_table(model: ReportModel, width: int = 100) -> Table:
    """Return a row for each optimizer and problem: its score tuned and untuned, what was chosen, what that cost."""
    return fitted(partial(_table, model), (("10–90 %",), ("time",), ("trials",)), width)


def _table(model: ReportModel, left_out: frozenset[str]) -> Table:
    from rich.text import Text

    table = new_table(f"{model.title}: tuned", _caption(model) + told(left_out, _HEADINGS))
    table.add_column("problem", overflow="fold", min_width=10)
    table.add_column("optimizer", overflow="fold", min_width=10)
    shown = [heading for heading in _HEADINGS if heading not in left_out]
    for heading in shown:
        number = heading != "chosen"
        table.add_column(heading, justify="right" if number else "left", no_wrap=number, overflow="fold")
    optimizers = {item.id: item.label for item in model.optimizers}
    for problem in model.problems:
        cells = [cell for cell in model.tuned if cell.problem == problem.id]
        for index, cell in enumerate(cells):
            cells_of = dict(zip(_HEADINGS, tuning_cells(cell), strict=True))
            names = (problem.label if index == 0 else "", optimizers[cell.optimizer])
            table.add_row(*map(Text, (*names, *(cells_of[heading] for heading in shown))))
    return table


def tuning_cells(cell: TunedCell) -> tuple[str, ...]:
    """Return score, its range, the untuned score, the choices, and the cost, as texts."""
    trials = sum(choice.trials for choice in cell.choices)
    seconds = sum(choice.seconds for choice in cell.choices)
    return (
        score_text(cell.score[1]),
        _range(cell.score),
        score_text(cell.untuned_score[1]) if cell.untuned else "",
        ", ".join(dict.fromkeys(map(choice_text, cell.choices))),
        count_text(trials) if trials else NONE,
        seconds_text(seconds) if trials else NONE,
    )


def choice_text(choice: TuningChoice) -> str:
    """Return the chosen values, marked where they lie at an edge."""
    if choice.options is None:
        return NONE
    words = (f"{value:g}" if type(value) is float else f"{value}" for value in choice.options.values())
    values = (f"{name}={word}" for name, word in zip(choice.options, words, strict=True))
    return " ".join(values) + (EDGE if choice.edge else "")


def score_text(value: float | None) -> str:
    """Return a score with four digits."""
    return NONE if value is None else f"{value:.4g}"


def _range(found: Range) -> str:
    low, _, high = map(score_text, found)
    return "" if low == high == NONE else f"{low}–{high}"


def _caption(model: ReportModel) -> str:
    measures = ", ".join(dict.fromkeys(cell.measure for cell in model.tuned))
    select = ", ".join(dict.fromkeys(cell.select for cell in model.tuned))
    return _LEGEND.format(measures=measures, select=select, edge=EDGE)
