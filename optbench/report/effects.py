"""Effects of a change: by how much an optimizer got better or worse, and whether that is certain.

The independent unit is the problem; where there is only one, the seed. Trials of one seed are paired; where the sides
share no seed, a problem's values are compared as two samples.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from optbench.analysis import Verdict, compare, holm, signed_rank_test, t_interval, welch_interval
from optbench.records import Effect, Outcome, ProblemEffect, TrialRecord, finite
from optbench.report.changes import Pair
from optbench.report.compared import Measure
from optbench.report.effect_values import ValueTable, centre, log_less, log_of

LEVEL = 0.05  # of the tests, over all effects
_VERDICTS = {
    Verdict.FASTER: Outcome.BETTER,
    Verdict.SLOWER: Outcome.WORSE,
    Verdict.SOLVES_MORE: Outcome.SOLVES_MORE,
    Verdict.SOLVES_LESS: Outcome.SOLVES_LESS,
}


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
    tables = [(pair.label, ValueTable.of(pair, measure, problem_label)) for pair in pairs for measure in measures(pair)]
    found = [_effect(label, table, margin) for label, table in tables if table.rows]
    adjusted = holm([math.nan if effect.p_value is None else effect.p_value for effect in found])
    rows = tuple(problem for label, table in tables for problem in table.problem_effects(label))
    kept = [table for _, table in tables if table.rows]
    return tuple(_settled(*row, margin) for row in zip(found, adjusted.tolist(), kept, strict=True)), rows


_OF_SOLVED = {Outcome.SOLVES_MORE: Outcome.BETTER, Outcome.SOLVES_LESS: Outcome.WORSE}  # 0 is infinitely far, too


@dataclass(frozen=True)
class _Finding:
    """An estimate on the scale of the scores."""

    estimate: float
    low: float
    high: float
    p_value: float | None
    outcome: Outcome
    note: str = ""


def _effect(label: str, table: ValueTable, margin: float) -> Effect:
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


def _finding(table: ValueTable, margin: float) -> _Finding:
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
    estimate, low, high = map(log_of, (found.ratio, found.low, found.high))
    return _Finding(estimate, low, high, found.p_value, _VERDICTS.get(found.verdict, Outcome.UNDECIDED))


def _two_samples(table: ValueTable, margin: float) -> _Finding:
    """Judge one problem whose sides share no seed."""
    ((before, after),) = table.rows.values()
    logs = [[log_of(value) for value in side.values()] for side in (before, after)]
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
    estimate = log_less(centre(logs[1]), centre(logs[0]))
    outcome = Outcome.UNDECIDED
    if found.pvalue <= LEVEL:
        outcome = Outcome.SOLVES_LESS if above else Outcome.SOLVES_MORE
    return _Finding(estimate, math.nan, math.nan, float(found.pvalue), outcome, "no seed in common")


def _by_differences(table: ValueTable, scores: Sequence[float]) -> _Finding:
    """Judge differences of a metric of independent units."""
    if not all(map(math.isfinite, scores)):
        return _by_order(table, scores)
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


def _by_order(table: ValueTable, scores: Sequence[float]) -> _Finding:
    """Judge differences of a metric of which some are infinite: by their ranks."""
    found = signed_rank_test(scores)
    outcome = Outcome.UNDECIDED
    if found.p_value <= LEVEL:
        outcome = Outcome.BETTER if (found.balance > 0) == table.measure.higher_is_better else Outcome.WORSE
    return _Finding(centre(scores), math.nan, math.nan, found.p_value, outcome, "some are infinite: by ranks")


def _settled(effect: Effect, adjusted: float, table: ValueTable, margin: float) -> Effect:
    """Return the effect as it stands once all effects are counted; where tests are weak, what every pair says."""
    if not math.isnan(adjusted):
        stands = adjusted <= LEVEL
        effect = replace(effect, p_value=adjusted, outcome=effect.outcome if stands else Outcome.UNDECIDED)
    if effect.outcome is Outcome.UNDECIDED and (agreed := table.agreed(margin)) is not None:
        effect = replace(effect, outcome=agreed, note="each pair: repeats exactly under one seed")
    return replace(effect, outcome=_OF_SOLVED.get(effect.outcome, effect.outcome)) if table.all_solved else effect


def _finite_of(scale: Callable[[float], float], value: float) -> float | None:
    try:
        return finite(scale(value)) if math.isfinite(value) else None
    except OverflowError:
        return None
