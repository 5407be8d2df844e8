"""Is the leading optimizer ahead by more than noise? Paired comparisons, where there is enough for a verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from optbench.analysis import LEAST_SEEDS, Comparison, Verdict, compare, holm
from optbench.records import ReportProblem, Score, Versus, ranked
from optbench.report.cells import SeedCosts, rounded
from optbench.report.runs import Array

LEVEL = 0.05  # of the tests, adjusted by Holm over the optimizers that are compared with one leader


@dataclass(frozen=True)
class Pairs:
    """Costs of each seed by optimizer and problem.

    With several seeds the pairs are (problem, seed); a trial that no seed changes ran once and stands for all of them.
    With one seed the pairs are the problems.
    """

    problems: Sequence[ReportProblem]
    costs: Mapping[tuple[str, str], SeedCosts]

    @cached_property
    def seeds(self) -> list[int]:
        """All seeds that ran."""
        return sorted({seed for costs in self.costs.values() for targets in costs["evaluations"] for seed in targets})

    @property
    def enough(self) -> bool:
        """Whether there are pairs enough for a verdict."""
        return (len(self.seeds) if len(self.seeds) > 1 else len(self.problems)) >= LEAST_SEEDS

    def table(self, optimizer: str, measure: str, target: int) -> Array:
        """Return the costs, shape (problems, seeds), or (problems,) of one seed; nan where not run."""
        seeds = self.seeds
        table = np.full((len(self.problems), len(seeds)), np.nan)
        for row, problem in enumerate(self.problems):
            found = self.costs.get((optimizer, problem.id))
            of = {} if found is None else found[measure][target]
            table[row] = next(iter(of.values())) if len(of) == 1 else [of.get(seed, np.nan) for seed in seeds]
        return table[:, 0] if len(seeds) == 1 else table


def build_versus(pairs: Pairs, scores: Sequence[Score], targets: Sequence[float]) -> tuple[Versus, ...]:
    """Compare each optimizer with the leader by each measure at each target; nothing where there is too little."""
    found: list[Versus] = []
    measures = dict.fromkeys(score.measure for score in scores)
    for measure in measures if pairs.enough else ():
        for index, target in enumerate(targets):
            rows = [score for score in scores if (score.measure, score.target) == (measure, target)]
            leader, *others = ranked(rows)
            if leader.hits:
                found += _against(pairs, leader, others, index)
    return tuple(found)


def _against(pairs: Pairs, leader: Score, others: Sequence[Score], index: int) -> list[Versus]:
    best = pairs.table(leader.optimizer, leader.measure, index)
    comparisons = [compare(pairs.table(other.optimizer, other.measure, index), best) for other in others]
    adjusted = holm([comparison.p_value for comparison in comparisons])
    return [
        _versus(leader, other, comparison, _verdict(comparison, p_value))
        for other, comparison, p_value in zip(others, comparisons, adjusted, strict=True)
    ]


def _verdict(comparison: Comparison, p_value: float) -> Verdict:
    """Return the verdict that stands once all comparisons with the leader are counted."""
    settled = (Verdict.TOO_FEW, Verdict.UNSOLVED, Verdict.EQUIVALENT)
    return comparison.verdict if comparison.verdict in settled or p_value <= LEVEL else Verdict.WITHIN_NOISE


def _versus(leader: Score, other: Score, comparison: Comparison, verdict: Verdict) -> Versus:
    return Versus(
        optimizer=other.optimizer,
        leader=leader.optimizer,
        measure=leader.measure,
        target=leader.target,
        ratio=rounded(comparison.ratio),
        low=rounded(comparison.low),
        high=rounded(comparison.high),
        verdict=verdict.value,
        pairs=comparison.n * comparison.tasks,
    )
