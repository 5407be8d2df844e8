"""What was learnt in the end, as a table for a terminal of 100 columns, or of fewer."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from optbench.records import FAILED, ReportModel
from optbench.records.text import NONE
from optbench.report.fitting import fitted, omitted
from optbench.report.tables import NAME, NUMBER, fill, new_table

if TYPE_CHECKING:
    from rich.table import Table

_FAILED_TRIALS = "failed"
_LEGEND = "Medians over seeds at the end of the budget."
_LEGEND_OF_FAILURES = (
    f" {_FAILED_TRIALS}: trials that diverged, crashed or hit a limit; they count up to where they did."
)


def learning_table(model: ReportModel, width: int = 100) -> Table:
    """Return a row for each optimizer and problem with learning curves: where each metric ended."""
    metrics = list(dict.fromkeys(curve.metric for curve in model.learning))
    return fitted(partial(_table, model, metrics), [(metric,) for metric in metrics[:0:-1]], width)


def _table(model: ReportModel, metrics: list[str], left_out: frozenset[str]) -> Table:
    rows = list(_rows(model, metrics))
    alone = {model.entrant} if len(model.optimizers) == 1 else set()
    sound = set() if any(row[-1] for row in rows) else {_FAILED_TRIALS}
    legend = _LEGEND + ("" if sound else _LEGEND_OF_FAILURES) + omitted(left_out, metrics)
    styles = {"problem": NAME, model.entrant: NAME, **dict.fromkeys((*metrics, _FAILED_TRIALS), NUMBER)}
    return fill(new_table(f"{model.title}: learnt", legend), styles, rows, left_out | alone | sound)


def _rows(model: ReportModel, metrics: list[str]) -> Iterator[tuple[str, ...]]:
    """Yield the texts of each row."""
    ends = {(curve.problem, curve.optimizer, curve.metric): curve.median[-1] for curve in model.learning}
    failures = {
        (cell.problem, cell.optimizer): sum(count for status, count in cell.statuses.items() if status in FAILED)
        for cell in model.cells
    }
    for problem in model.problems:
        for optimizer in model.optimizers:
            found = [ends.get((problem.id, optimizer.id, metric)) for metric in metrics]
            failed = failures.get((problem.id, optimizer.id), 0)
            if (problem.id, optimizer.id) in failures and (failed or any(value is not None for value in found)):
                texts = (NONE if value is None else f"{value:.4g}" for value in found)
                yield problem.label, optimizer.label, *texts, str(failed or "")
