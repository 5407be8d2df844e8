"""Effects of a change: by how much an optimizer got better or worse, and whether that is certain.

The independent unit is the problem; where there is only one, the seed. Trials of one seed are paired; where the sides
share no seed, a problem's values are compared as two samples.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from optbench.analysis import Verdict, compare, holm, lower_quantile, t_interval, welch_interval
from optbench.records import Effect, Outcome, ProblemEffect, Status, TrialRecord, finite
from optbench.report.changes import Pair, matching
from optbench.report.compared import Measure
from optbench.report.naming import key_of

LEVEL = 0.05  # of the tests, over all effects
_VERDICTS = {
    Verdict.FASTER: Outcome.BETTER,
    Verdict.SLOWER: Outcome.WORSE,
    Verdict.SOLVES_MORE: Outcome.SOLVES_MORE,
    Verdict.SOLVES_LESS: Outcome.SOLVES_LESS,
}

_TOO_FEW = (1, 2)  # units: two leave one degree of freedom

Samples = Mapping[int, float]  # seed -> value; inf: unsolved


def effects(
    pairs: Sequence[Pair],
    measures: Callable[[Pair], Sequence[Measure]],
    problem_label: Callable[[TrialRecord], str],
    margin: float = 1.0,
) -> tuple[tuple[Effect, ...], tuple[ProblemEffect, ...]]:
    """Return the effect of each pair by each measure, certain over all of them (Holm), and those of their problems.

    Args:
        pairs: what is compared.
        measures: by what, for each pair.
        problem_label: names a record's problem.
        margin: the least ratio that counts as a change, at least 1; metrics have none.
    """
    tables = [(pair.label, _Table.of(pair, measure, problem_label)) for pair in pairs for measure in measures(pair)]
    found = [_effect(label, table, margin) for label, table in tables if table.rows]
    adjusted = holm([math.nan if effect.p_value is None else effect.p_value for effect in found])
    rows = tuple(problem for label, table in tables for problem in table.problem_effects(label))
    agreed = [table.agreed(margin) for _, table in tables if table.rows]
    return tuple(map(_settled, found, adjusted.tolist(), agreed)), rows


@dataclass(frozen=True)
class _Table:
    """The values of one pair by one measure: of each problem, by seed, before and after."""

    measure: Measure
    rows: Mapping[str, tuple[Samples, Samples]]

    @classmethod
    def of(cls, pair: Pair, measure: Measure, label: Callable[[TrialRecord], str]) -> _Table:
        sides = [_by_problem(rows) for rows in (pair.before, pair.after)]
        matched = matching(*({key: _problem_name(rows[0]) for key, rows in side.items()} for side in sides))
        rows = {}
        for one, other in matched.items():
            values = _samples(sides[0][one], measure), _samples(sides[1][other], measure)
            if all(values):
                rows[label(sides[0][one][0])] = values
        return cls(measure, rows)

    @property
    def same_seeds(self) -> bool:
        return all(before.keys() & after.keys() for before, after in self.rows.values())

    @property
    def pairs(self) -> int:
        return sum(
            len(before.keys() & after.keys()) or min(map(len, (before, after))) for before, after in self.rows.values()
        )

    def solved(self, side: int) -> int | None:
        if not self.measure.target:
            return None
        return sum(math.isfinite(value) for row in self.rows.values() for value in row[side].values())

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
        return _centre([self._score(before[seed], after[seed]) for seed in shared])

    def _unpaired(self, before: Samples, after: Samples) -> float:
        if not self.measure.is_cost:
            return float(np.mean(list(after.values())) - np.mean(list(before.values())))
        logs = [_centre([_log(value) for value in side.values()]) for side in (before, after)]
        return _less(logs[1], logs[0])

    def _score(self, before: float, after: float) -> float:
        return _less(_log(after), _log(before)) if self.measure.is_cost else after - before

    def agreed(self, margin: float) -> Outcome | None:
        """Return what every pair says where one or two units are too few to test; None where pairs differ.

        Costs and bytes repeat exactly under one seed, so that a pair says something alone.
        """
        units = [score for score in self.scores() if not math.isnan(score)]
        if len(units) not in _TOO_FEW or not (self.measure.is_cost and self.measure.exact and self.same_seeds):
            return None
        shared = ((row, row[0].keys() & row[1].keys()) for row in self.rows.values())
        pairs = [self._score(before[seed], after[seed]) for (before, after), seeds in shared for seed in seeds]
        known = [score for score in pairs if not math.isnan(score)]
        if min(known) > math.log(margin):
            return Outcome.SOLVES_LESS if self.measure.target and math.inf in known else Outcome.WORSE
        if max(known) < -math.log(margin):
            return Outcome.SOLVES_MORE if self.measure.target and -math.inf in known else Outcome.BETTER
        return None

    def problem_effects(self, label: str) -> list[ProblemEffect]:
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


@dataclass(frozen=True)
class _Finding:
    """An estimate on the scale of the scores."""

    estimate: float
    low: float
    high: float
    p_value: float | None
    outcome: Outcome
    note: str = ""


def _effect(label: str, table: _Table, margin: float) -> Effect:
    found = _finding(table, margin)
    scale = math.exp if table.measure.is_cost else float
    estimate, low, high = (_finite_of(scale, value) for value in (found.estimate, found.low, found.high))
    return Effect(
        optimizer=label,
        measure=table.measure.name,
        target=table.measure.target,
        problems=len(table.rows),
        pairs=table.pairs,
        solved_before=table.solved(0),
        solved_after=table.solved(1),
        ratio=estimate if table.measure.is_cost else None,
        difference=None if table.measure.is_cost else estimate,
        low=low,
        high=high,
        p_value=found.p_value,
        outcome=found.outcome,
        note=found.note,
    )


def _finding(table: _Table, margin: float) -> _Finding:
    scores = table.scores()
    known = [score for score in scores if not math.isnan(score)]
    if not known:
        return _Finding(math.nan, math.nan, math.nan, None, Outcome.NOT_COMPARED, "neither side solved any")
    if not any(known) and table.same_seeds:
        return _Finding(0.0, 0.0, 0.0, None, Outcome.SAME)
    if not table.measure.is_cost:
        return _by_differences(table, known)
    if len(table.rows) == 1 and not table.same_seeds:
        return _two_samples(table, margin)
    if len(known) == 1:
        return _Finding(known[0], math.nan, math.nan, None, Outcome.UNDECIDED, "one pair has no interval")
    return _by_ratios(known, margin)


def _by_ratios(scores: Sequence[float], margin: float) -> _Finding:
    """Judge log ratios of independent units, infinite where only one side solved."""
    first = np.array(
        [math.inf if score == math.inf else 1.0 if score == -math.inf else math.exp(score) for score in scores]
    )
    second = np.array([math.inf if score == -math.inf else 1.0 for score in scores])
    found = compare(first, second, least=1, margin=margin)
    estimate, low, high = map(_log, (found.ratio, found.low, found.high))
    return _Finding(estimate, low, high, found.p_value, _VERDICTS.get(found.verdict, Outcome.UNDECIDED))


def _two_samples(table: _Table, margin: float) -> _Finding:
    """Judge one problem whose sides share no seed."""
    ((before, after),) = table.rows.values()
    logs = [[_log(value) for value in side.values()] for side in (before, after)]
    if not all(map(math.isfinite, (*logs[0], *logs[1]))):
        return _by_shares(logs)
    found = welch_interval(logs[1], logs[0])
    least = math.log(margin)
    outcome = Outcome.WORSE if found.low > least else Outcome.BETTER if found.high < -least else Outcome.UNDECIDED
    return _Finding(found.estimate, found.low, found.high, finite(found.p_value), outcome, "no seed in common")


def _by_shares(logs: Sequence[Sequence[float]]) -> _Finding:
    """Judge two samples with unsolved runs, which rank above all others (H. B. Mann and D. R. Whitney, 1947)."""
    from scipy.stats import mannwhitneyu

    ranks = [[min(value, 1e300) for value in side] for side in logs]
    found = mannwhitneyu(ranks[1], ranks[0], alternative="two-sided")
    above = found.statistic > len(ranks[0]) * len(ranks[1]) / 2
    estimate = _less(_centre(logs[1]), _centre(logs[0]))
    outcome = Outcome.UNDECIDED
    if found.pvalue <= LEVEL:
        outcome = Outcome.SOLVES_LESS if above else Outcome.SOLVES_MORE
    return _Finding(estimate, math.nan, math.nan, float(found.pvalue), outcome, "no seed in common")


def _by_differences(table: _Table, scores: Sequence[float]) -> _Finding:
    """Judge differences of a metric of independent units."""
    if len(table.rows) == 1 and not table.same_seeds:
        ((before, after),) = table.rows.values()
        found = welch_interval(list(after.values()), list(before.values()))
    else:
        found = t_interval(scores)
    sign = 1 if table.measure.higher_is_better else -1
    outcome = Outcome.UNDECIDED
    if found.low > 0 or found.high < 0:
        outcome = Outcome.BETTER if sign * found.estimate > 0 else Outcome.WORSE
    return _Finding(found.estimate, found.low, found.high, finite(found.p_value), outcome)


def _settled(effect: Effect, adjusted: float, agreed: Outcome | None) -> Effect:
    """Return the effect as it stands once all effects are counted.

    Where one or two units are too few to test, what every pair says stands.
    """
    if not math.isnan(adjusted):
        stands = adjusted <= LEVEL
        effect = replace(effect, p_value=adjusted, outcome=effect.outcome if stands else Outcome.UNDECIDED)
    if effect.outcome is not Outcome.UNDECIDED or agreed is None:
        return effect
    return replace(effect, outcome=agreed, note="each pair: repeats exactly under one seed")


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


def _centre(values: Sequence[float]) -> float:
    """Return the mean, or where some value is infinite the lower median."""
    known = [value for value in values if not math.isnan(value)]
    return float(np.mean(known)) if known and all(map(math.isfinite, known)) else lower_quantile(known)


def _middle(samples: Samples) -> float:
    return lower_quantile(list(samples.values()))


def _log(value: float) -> float:
    return -math.inf if value == 0 else math.log(value) if math.isfinite(value) else value


def _less(one: float, other: float) -> float:
    """Return the difference of two logarithms; 0 between two zeros, nan between two that were not solved."""
    return 0.0 if one == other == -math.inf else one - other


def _finite_of(scale: Callable[[float], float], value: float) -> float | None:
    try:
        return finite(scale(value)) if math.isfinite(value) else None
    except OverflowError:
        return None
