"""Tables of a report as rows of plain values, and the formats that they are written in without harm.

Names come from plugins and may be anything: `csv_text` keeps spreadsheets from taking them for formulas, the
module `latex` keeps LaTeX from taking them for commands.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from optbench.records import Cell, ReportModel
from optbench.records.text import harmless, percent_range
from optbench_reporters.latex import LATEX_NEEDS, latex_text


@dataclass(frozen=True)
class Table:
    """Named columns and their rows; what is not known is None."""

    headings: Sequence[str]
    rows: Sequence[Sequence[Any]]


def results_table(model: ReportModel, measure: str, target: float) -> Table:
    """Return a row an optimizer, best first: what the page's table shows."""
    labels = {item.id: item.label for item in model.optimizers}
    headings = ("optimizer", "solved", "low", "high", "slowdown", "fastest", "median", "mean", "area")
    rows = [
        (
            labels[score.optimizer],
            score.hits / score.trials if score.trials else None,
            score.low,
            score.high,
            score.slowdown,
            score.wins,
            score.cost,
            score.mean,
            score.area,
        )
        for score in model.scores_at(measure, target)
    ]
    return Table(headings, rows)


def cells_table(model: ReportModel) -> Table:
    """Return a row for each optimizer on each problem at each target: everything that figures are drawn from."""
    shares = ("q10", "median", "q90", "expected")
    costs = [f"{measure}_{share}" for measure in model.measures for share in shares]
    optimizers = {item.id: item for item in model.optimizers}
    problems = {item.id: item for item in model.problems}
    fixed = ("optimizer", "problem", "class", "n", "device", "dtype", "target", "seeds", "hits")
    ends = ("gap", "value", "state_bytes", "peak_live_bytes", "statuses")
    rows = []
    for cell in model.cells:
        problem = problems[cell.problem]
        about = (problem.expression, problem.kind, problem.size, problem.device, problem.dtype)
        for index, target in enumerate(model.targets):
            numbers = [
                x for measure in model.measures for x in (*cell.costs[measure][index], cell.expected[measure][index])
            ]
            end = (cell.gap, cell.value, cell.state_bytes, cell.peak_live_bytes, statuses_text(cell))
            rows.append(
                (optimizers[cell.optimizer].expression, *about, target, cell.seeds, cell.hits[index], *numbers, *end)
            )
    return Table((*fixed, *costs, *ends), rows)


def statuses_text(cell: Cell) -> str:
    """Return how the trials ended: "4 target, 1 diverged"."""
    return ", ".join(f"{count} {status}" for status, count in cell.statuses.items())


def csv_text(table: Table) -> str:
    """Return the table as CSV; texts that a spreadsheet would take for formulas begin with an apostrophe."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(table.headings)
    writer.writerows([harmless(value) for value in row] for row in table.rows)
    return buffer.getvalue()


def results_latex(model: ReportModel, measure: str, target: float) -> str:
    """Return the table of results for a paper; it needs the package booktabs."""
    rows = []
    for row in results_table(model, measure, target).rows:
        name, solved, low, high, slowdown, wins, cost, *_ = row
        share = "--" if solved is None else rf"{100 * solved:.0f}\,\% ({latex_text(percent_range(low, high))})"
        slow = r"\(>\)\,half unsolved" if slowdown is None else rf"\({slowdown:.3g}\times\)"
        rows.append(rf"{latex_text(name)} & {share} & {slow} & {wins} & {'--' if cost is None else f'{cost:,.0f}'} \\")
    return "\n".join([
        f"% {latex_text(model.title)}; solved to a relative gap of {target:g}; cost in {measure}",
        rf"% needs \usepackage{{booktabs}}; {LATEX_NEEDS}",
        r"\begin{tabular}{lrrrr}",
        r"\toprule",
        rf"Optimizer & Solved (95\,\%) & Slowdown & Fastest & Median {measure} \\",
        r"\midrule",
        *rows,
        r"\bottomrule",
        r"\end{tabular}",
        "",
    ])  # fmt: skip
