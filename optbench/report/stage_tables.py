"""Stages and two results as tables for a terminal of 100 columns, or of fewer."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from optbench.records import ReportModel
from optbench.records.text import NONE
from optbench.report.fitting import fitted, omitted
from optbench.report.tables import NAME, NUMBER, TEXT, fill, new_table
from optbench.report.units import count_text, seconds_text

if TYPE_CHECKING:
    from rich.table import Table

_STAGES = ("problem", "optimizer", "stage", "evaluations", "examples", "FLOPs", "time", "f")
_LEGEND = "Medians over trials; f: of the stage's own objective where it ended."
_SHOWN = 60  # stages in a terminal
_TWO = ("problem", "optimizer", "cost of", "measure", "score", "baseline", "cost", "in", "time")
_TWO_LEGEND = (
    "task alone: without a teacher or another task before, which whoever has it anyway need not pay for; whole: with "
    "it. baseline: the same recipe without, where it had spent as much."
)
_TEXTS = ("problem", "optimizer", "stage", "cost of", "measure", "in")

Rows = Sequence[Sequence[str]]


def stages_table(model: ReportModel, width: int = 100) -> Table:
    """Return a row a stage, the first ones of many."""
    problems, optimizers = _labels(model)
    rows = [
        (
            *(problems[cell.problem], optimizers[cell.optimizer], cell.name),
            *(count_text(cell.evaluations), count_text(cell.examples), _text(cell.flops)),
            *(seconds_text(cell.seconds), _text(cell.value)),
        )
        for cell in model.stages[:_SHOWN]
    ]
    rest = len(model.stages) - len(rows)
    legend = f"{_LEGEND} {rest} more stages: on the page, and with --json." if rest else _LEGEND
    build = partial(_table, f"{model.title}: stages", legend, _STAGES, rows)
    return fitted(build, (("examples",), ("time",), ("FLOPs",)), width)


def two_results_table(model: ReportModel, width: int = 100) -> Table:
    """Return a row for what is compared at the cost of the task alone, and one for the whole cost."""
    problems, optimizers = _labels(model)
    rows: list[tuple[str, ...]] = []
    for both in model.two_results:
        names = problems[both.problem], optimizers[both.optimizer]
        cost = _text if both.axis == "flops" else count_text
        task = _text(both.baseline_at_task), cost(both.task), both.axis, seconds_text(both.task_seconds)
        whole = _text(both.baseline_at_total), cost(both.total), both.axis, seconds_text(both.total_seconds)
        rows += [(*names, "task alone", both.metric, _text(both.score), *task)]
        rows += [(*names, "whole", both.metric, _text(both.score), *whole)]
    build = partial(_table, f"{model.title}: two results", _TWO_LEGEND, _TWO, rows)
    return fitted(build, (("time",),), width)


def _table(title: str, legend: str, headings: Sequence[str], rows: Rows, left_out: frozenset[str]) -> Table:
    styles = {heading: TEXT if heading in _TEXTS else NUMBER for heading in headings}
    return fill(new_table(title, legend + omitted(left_out, headings)), {**styles, "problem": NAME}, rows, left_out)


def _labels(model: ReportModel) -> tuple[dict[str, str], dict[str, str]]:
    """Return the labels of problems and of optimizers by their ids."""
    problems, optimizers = ({item.id: item.label for item in items} for items in (model.problems, model.optimizers))
    return problems, optimizers


def _text(value: float | None) -> str:
    return NONE if value is None else f"{value:.4g}"
