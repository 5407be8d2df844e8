"""Each optimizer over all problems."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from optbench.analysis import cost_ratios, lower_quantile, wilson_interval
from optbench.records import MEASURES, Cell, ReportOptimizer, ReportProblem, Score
from optbench.report.cells import rounded
from optbench.report.runs import Array


@dataclass(frozen=True)
class Grid:
    """The cells of a report by optimizer and problem; cells without a trial that ran are absent."""

    optimizers: Sequence[ReportOptimizer]
    problems: Sequence[ReportProblem]
    cells: Mapping[tuple[str, str], Cell]

    def of(self, optimizer: ReportOptimizer) -> list[Cell]:
        """Return the cells of one optimizer."""
        return [cell for (name, _), cell in self.cells.items() if name == optimizer.id]

    def median_costs(self, measure: str, target: int) -> Array:
        """Return the median costs, shape (optimizers, problems): inf where unsolved, nan where not run."""
        rows = np.full((len(self.optimizers), len(self.problems)), np.nan)
        for i, optimizer in enumerate(self.optimizers):
            for j, problem in enumerate(self.problems):
                cell = self.cells.get((optimizer.id, problem.id))
                if cell is not None:
                    median = cell.costs[measure][target][1]
                    rows[i, j] = np.inf if median is None else median
        return rows


def build_scores(grid: Grid, targets: Sequence[float]) -> tuple[Score, ...]:
    """Return each optimizer's score by each measure at each target; none by gradients where it asks for none."""
    scores: list[Score] = []
    for measure in MEASURES:
        shown = [optimizer for optimizer in grid.optimizers if measure != "gradients" or optimizer.gradients]
        part = Grid(shown, grid.problems, grid.cells)
        for index, target in enumerate(targets):
            costs = part.median_costs(measure, index)
            ratios = cost_ratios(costs)
            for row, optimizer in enumerate(shown):
                scores.append(_score(part, optimizer, (measure, target, index), costs[row], ratios[row]))
    return tuple(scores)


def _score(grid: Grid, optimizer: ReportOptimizer, by: tuple[str, float, int], costs: Array, ratios: Array) -> Score:
    measure, target, index = by
    cells = grid.of(optimizer)
    trials, hits = sum(cell.seeds for cell in cells), sum(cell.hits[index] for cell in cells)
    low, high = wilson_interval(hits, trials)
    solved = np.isfinite(costs)
    return Score(
        optimizer=optimizer.id,
        measure=measure,
        target=target,
        trials=trials,
        hits=hits,
        low=round(low, 4),
        high=round(high, 4),
        problems=int((~np.isnan(costs)).sum()),
        solved=int(solved.sum()),
        solved_by_kind=_by_kind(grid.problems, costs),
        slowdown=rounded(lower_quantile(ratios)),
        wins=int((ratios <= 1 + 1e-9).sum()),
        cost=rounded(lower_quantile(costs[solved])),
    )


def _by_kind(problems: Sequence[ReportProblem], costs: Array) -> dict[str, tuple[int, int]]:
    counts: dict[str, tuple[int, int]] = {}
    for problem, cost in zip(problems, costs, strict=True):
        solved, run = counts.get(problem.kind, (0, 0))
        counts[problem.kind] = solved + int(np.isfinite(cost)), run + int(not np.isnan(cost))
    return counts
