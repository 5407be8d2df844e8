"""Each optimizer over all problems."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from optbench.analysis import cost_ratios, lower_quantile, profile_area, shifted_geometric_mean, wilson_interval
from optbench.records import AREA_FACTOR, FLOPS, SHIFTS, Cell, ReportOptimizer, ReportProblem, Score
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

    def measured_by(self, measure: str) -> Grid:
        """Return the part that has such costs: optimizers that ask for gradients; what has known model FLOPs."""
        if measure == "gradients":
            return replace(self, optimizers=[one for one in self.optimizers if one.gradients])
        if measure != FLOPS:
            return self
        problems = {problem.id: problem for problem in self.problems if problem.flops}
        cells = {key: cell for key, cell in self.cells.items() if key[1] in problems}
        able = {optimizer for optimizer, _ in cells}
        return Grid([one for one in self.optimizers if one.id in able], tuple(problems.values()), cells)

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

    def spent(self, measure: str) -> Array:
        """Return what the trials spent in all, medians over seeds, shape as above; nan where not known."""
        cells = [[self.cells.get((one.id, other.id)) for other in self.problems] for one in self.optimizers]
        spent = [[None if cell is None else cell.spent[measure] for cell in row] for row in cells]
        return np.array(spent, dtype=float).reshape(len(self.optimizers), len(self.problems))


@dataclass(frozen=True)
class _Table:
    """Costs by one measure at one target, shape (optimizers, problems), and what follows from all of them."""

    measure: str
    target: float
    index: int  # of the target
    costs: Array
    ratios: Array
    means: Array
    areas: Array


def build_scores(grid: Grid, measures: Sequence[str], targets: Sequence[float]) -> tuple[Score, ...]:
    """Return each optimizer's score by each measure at each target, over what is measured by it."""
    scores: list[Score] = []
    for measure in measures:
        part = grid.measured_by(measure)
        for index, target in enumerate(targets):
            table = _table(part, measure, target, index)
            scores.extend(_score(part, row, table) for row in range(len(part.optimizers)))
    return tuple(scores)


def _table(grid: Grid, measure: str, target: float, index: int) -> _Table:
    costs = grid.median_costs(measure, index)
    unsolved = np.isinf(costs)
    known = np.nan_to_num(np.where(unsolved, grid.spent(measure), costs), nan=0.0)
    most = known.max(axis=0, initial=0.0)
    charged = np.where(unsolved, np.where(most > 0, most, np.inf), costs)
    means = shifted_geometric_mean(charged, SHIFTS[measure])
    return _Table(measure, target, index, costs, cost_ratios(costs), means, profile_area(costs, AREA_FACTOR, "log2"))


def _score(grid: Grid, row: int, table: _Table) -> Score:
    optimizer, costs, ratios, index = grid.optimizers[row], table.costs[row], table.ratios[row], table.index
    cells = grid.of(optimizer)
    trials, hits = sum(cell.seeds for cell in cells), sum(cell.hits[index] for cell in cells)
    low, high = wilson_interval(hits, trials)
    solved = np.isfinite(costs)
    return Score(
        optimizer=optimizer.id,
        measure=table.measure,
        target=table.target,
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
        mean=rounded(float(table.means[row])),
        area=rounded(float(table.areas[row])),
    )


def _by_kind(problems: Sequence[ReportProblem], costs: Array) -> dict[str, tuple[int, int]]:
    counts: dict[str, tuple[int, int]] = {}
    for problem, cost in zip(problems, costs, strict=True):
        solved, run = counts.get(problem.kind, (0, 0))
        counts[problem.kind] = solved + int(np.isfinite(cost)), run + int(not np.isnan(cost))
    return counts
