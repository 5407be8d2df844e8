"""The curves of all problems by optimizer, on one grid of evaluations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optbench.analysis import lower_quantile
from optbench.records import ReportCurve, ReportModel

POINTS = 40
MEASURE = "evaluations"
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Line:
    """An optimizer on a problem; `gaps` lie on the grid up to where the longest seed ends, nan before it began."""

    problem: int  # position in the report's list
    gaps: Array


@dataclass(frozen=True)
class Panel:
    """All curves of one optimizer."""

    optimizer: int  # position in the report's list
    grid: Array
    lines: Sequence[Line]

    @property
    def median(self) -> Array:
        """The median gap over problems at each point, each kept at its last value after its end."""
        rows = [
            np.concatenate([line.gaps, np.full(len(self.grid) - len(line.gaps), line.gaps[-1])]) for line in self.lines
        ]
        return np.array([lower_quantile(column[~np.isnan(column)]) for column in np.transpose(rows)])


def grid_of(model: ReportModel) -> Array:
    """Return the evaluations at which the panels are drawn."""
    ends = [cost for curve in model.curves for cost in curve.costs[MEASURE][-1:] if cost is not None]
    return np.geomspace(1, max(ends, default=10.0), POINTS)


def panels(model: ReportModel) -> list[Panel]:
    """Return a panel for each optimizer, in the report's order."""
    grid, problems = grid_of(model), {item.id: index for index, item in enumerate(model.problems)}
    lines: dict[str, list[Line]] = {item.id: [] for item in model.optimizers}
    for curve in model.curves:
        gaps = _on_grid(curve, grid)
        if gaps.size and not np.isnan(gaps).all():
            lines[curve.optimizer].append(Line(problems[curve.problem], gaps))
    return [Panel(index, grid, lines[item.id]) for index, item in enumerate(model.optimizers)]


def _on_grid(curve: ReportCurve, grid: Array) -> Array:
    counts, gaps = (np.array([np.nan if x is None else x for x in row]) for row in (curve.costs[MEASURE], curve.median))
    known = ~np.isnan(gaps) & ~np.isnan(counts)
    if not known.any():
        return np.empty(0)
    counts, gaps = counts[known], gaps[known]
    inside = grid[: int(np.searchsorted(grid, counts[-1] * (1 + 1e-9), side="right"))]
    rows = np.searchsorted(counts, inside * (1 + 1e-9), side="right") - 1
    return np.where(rows < 0, np.nan, gaps[rows.clip(0)])
