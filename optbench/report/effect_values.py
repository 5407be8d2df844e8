"""The values that an effect is judged by: of each problem, by seed, before and after."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from optbench.analysis import lower_quantile
from optbench.records import Outcome, ProblemEffect, Status, TrialRecord, canonical_json
from optbench.report.changes import Pair, matching
from optbench.report.compared import Measure
from optbench.report.naming import key_of

Trials = Sequence[TrialRecord]
_TOO_FEW = (1, 2)  # units: two leave one degree of freedom

Samples = Mapping[int, float]  # seed -> value; inf: unsolved


@dataclass(frozen=True)
class ValueTable:
    """The values of one pair by one measure: of each problem, by seed, before and after."""

    measure: Measure
    rows: Mapping[str, tuple[Samples, Samples]]

    @classmethod
    def of(cls, pair: Pair, measure: Measure, label: Callable[[TrialRecord], str]) -> ValueTable:
        """Return the values of the problems that both sides ran and measured; `label` names a record's problem."""
        rows = {}
        for before, after in _problems(pair)[0]:
            values = _samples(before, measure), _samples(after, measure)
            if all(values):
                rows[label(before[0])] = values
        return cls(measure, rows)

    @property
    def same_seeds(self) -> bool:
        """Whether the sides share a seed on each problem, so that trials are paired."""
        return all(before.keys() & after.keys() for before, after in self.rows.values())

    @property
    def pairs(self) -> int:
        """Trials that are paired; where the sides share no seed, those of the side with fewer."""
        return sum(
            len(before.keys() & after.keys()) or min(map(len, (before, after))) for before, after in self.rows.values()
        )

    def solved(self, side: int) -> int | None:
        """Return how many trials of a side (0 before, 1 after) reached the target, of pairs if there are any.

        None without a target.
        """
        if not self.measure.target:
            return None
        return sum(
            math.isfinite(row[side][seed])
            for row in self.rows.values()
            for seed in (row[0].keys() & row[1].keys() or row[side])
        )

    def scores(self) -> list[float]:
        """Return log(after/before), of a metric after − before, of independent units: problems, or one's seeds."""
        if len(self.rows) == 1:
            (row,) = self.rows.values()
            shared = row[0].keys() & row[1].keys()
            return [self._score(row[0][seed], row[1][seed]) for seed in sorted(shared)] or [self._unpaired(*row)]
        return [self._of_problem(*row) for row in self.rows.values()]

    def _of_problem(self, before: Samples, after: Samples) -> float:
        shared = before.keys() & after.keys()
        if not shared:
            return self._unpaired(before, after)
        return centre([self._score(before[seed], after[seed]) for seed in shared])

    def _unpaired(self, before: Samples, after: Samples) -> float:
        if not self.measure.is_cost:
            return float(np.mean(list(after.values())) - np.mean(list(before.values())))
        logs = [centre([log_of(value) for value in side.values()]) for side in (before, after)]
        return log_less(logs[1], logs[0])

    def _score(self, before: float, after: float) -> float:
        return log_less(log_of(after), log_of(before)) if self.measure.is_cost else after - before

    @property
    def all_solved(self) -> bool:
        """Whether each trial of both sides has a finite value."""
        return all(math.isfinite(value) for row in self.rows.values() for side in row for value in side.values())

    def agreed(self, margin: float) -> Outcome | None:
        """Return what every single pair says where tests are too weak; None where pairs differ.

        Costs and bytes repeat exactly under one seed, so that a pair says something alone. Weak are tests of one or two
        units, and those of ranks and signs: six problems that are all lost have p = 0.03, before it is adjusted.
        """
        units = [score for score in self.scores() if not math.isnan(score)]
        weak = len(units) in _TOO_FEW or any(map(math.isinf, units))
        if not (weak and self.measure.is_cost and self.measure.exact and self.same_seeds):
            return None
        shared = ((row, row[0].keys() & row[1].keys()) for row in self.rows.values())
        pairs = [self._score(before[seed], after[seed]) for (before, after), seeds in shared for seed in seeds]
        known = [score for score in pairs if not math.isnan(score)]
        if min(known, default=0.0) > math.log(margin):
            return Outcome.SOLVES_LESS if math.inf in known else Outcome.WORSE
        if max(known, default=0.0) < -math.log(margin):
            return Outcome.SOLVES_MORE if -math.inf in known else Outcome.BETTER
        return None

    def problem_effects(self, label: str) -> list[ProblemEffect]:
        """Return each problem's medians over seeds, under the optimizer's label."""
        return [
            ProblemEffect(
                optimizer=label,
                problem=problem,
                measure=self.measure.name,
                target=self.measure.target,
                before=_middle(before),
                after=_middle(after),
            )
            for problem, (before, after) in self.rows.items()
        ]


def unpaired_problems(pairs: Sequence[Pair], label: Callable[[TrialRecord], str]) -> list[str]:
    """Return sentences on the problems that only one side of a pair ran, one for all pairs where none has both."""
    lacking: dict[tuple[str, str], list[str]] = defaultdict(list)
    for pair in pairs:
        _, *alone = _problems(pair)
        for side, problems in zip(("before", "after"), alone, strict=True):
            for records in problems:
                lacking[label(records[0]), side].append(pair.label)
    return [
        f"{problem}: only {side}" if len(arms) == len(pairs) else f"{', '.join(arms)} on {problem}: only {side}"
        for (problem, side), arms in lacking.items()
    ]


def _problems(pair: Pair) -> tuple[list[tuple[Trials, Trials]], list[Trials], list[Trials]]:
    """Return the trials of each problem that both sides ran, and of those that only before, or only after, has.

    A problem that differs by an option which one side does not know is the same; with another value it is another.
    """
    first, second = (_by_problem(rows) for rows in (pair.before, pair.after))
    matched = matching(*({key: _problem_name(rows[0]) for key, rows in side.items()} for side in (first, second)))
    matched = {one: other for one, other in matched.items() if _agree(first[one][0], second[other][0])}
    both: list[tuple[Trials, Trials]] = [(first.pop(one), second.pop(other)) for one, other in matched.items()]
    return both, list(first.values()), list(second.values())


def _agree(one: TrialRecord, other: TrialRecord) -> bool:
    before, after = one.spec.problem.options, other.spec.problem.options
    return all(canonical_json(before[name]) == canonical_json(after[name]) for name in before.keys() & after.keys())


def _samples(records: Sequence[TrialRecord], measure: Measure) -> dict[int, float]:
    """Return the value of each seed, the lower median of its repetitions; without what was not measured."""
    values: dict[int, list[float]] = defaultdict(list)
    for record in records:
        if record.status is not Status.SKIPPED and not math.isnan(value := measure.of(record)):
            values[record.spec.seed].append(value)
    return {seed: lower_quantile(found) for seed, found in values.items()}


def _by_problem(records: Iterable[TrialRecord]) -> dict[str, list[TrialRecord]]:
    found: dict[str, list[TrialRecord]] = defaultdict(list)
    for record in records:
        spec = record.spec
        found[f"{key_of((spec.problem,))} {spec.device} {spec.dtype}"].append(record)
    return dict(found)


def _problem_name(record: TrialRecord) -> str:
    return f"{record.spec.problem.name} {record.spec.device} {record.spec.dtype}"


def centre(values: Sequence[float]) -> float:
    """Return the mean, or where some value is infinite the lower median."""
    known = [value for value in values if not math.isnan(value)]
    return float(np.mean(known)) if known and all(map(math.isfinite, known)) else lower_quantile(known)


def _middle(samples: Samples) -> float:
    return lower_quantile(list(samples.values()))


def log_of(value: float) -> float:
    """Return the logarithm: −inf of nothing, inf of what was not solved."""
    return -math.inf if value == 0 else math.log(value) if math.isfinite(value) else value


def log_less(one: float, other: float) -> float:
    """Return the difference of two logarithms; 0 between two zeros, nan between two that were not solved."""
    return 0.0 if one == other == -math.inf else one - other
