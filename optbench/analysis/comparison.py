"""Which of two is cheaper, by how much, and whether the data say so: paired costs to a verdict."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from optbench.analysis.bootstrap import LEAST_FOR_PERCENTILES as LEAST_FOR_BOOTSTRAP
from optbench.analysis.bootstrap import bootstrap_t_interval
from optbench.analysis.significance import equivalence_test, holm, sign_test, signed_rank_test
from optbench.analysis.student import Interval, t_interval

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

LEAST_SEEDS = 12  # for a verdict: five cannot go below p = 0.06 by ranks


class Verdict(StrEnum):
    """What a comparison says of the first of the two."""

    FASTER = "faster"
    SLOWER = "slower"
    SOLVES_MORE = "solves more often"
    SOLVES_LESS = "solves less often"
    EQUIVALENT = "equivalent"  # within the margin, and shown to be
    WITHIN_NOISE = "within noise"  # neither a difference nor its absence is shown
    UNSOLVED = "neither solved"
    TOO_FEW = "too few seeds"


@dataclass(frozen=True)
class Comparison:
    """Costs of the first over those of the second, and what that is worth."""

    ratio: float  # geometric mean, or the median where a run did not solve: 0 or inf where only one solved most
    low: float
    high: float
    p_value: float  # two-sided, that neither is cheaper
    n: int  # pairs of the task with the fewest
    tasks: int
    solved: tuple[float, float]  # shares of the pairs' runs, of the first and of the second
    verdict: Verdict


def log_ratios(first: ArrayLike, second: ArrayLike) -> NDArray[np.float64]:
    """Return log(first/second) of paired costs, in their shape.

    −inf where only the first solved (`inf` is unsolved), inf where only the second did, nan where neither did or one
    was not run: no order is known there.

    Raises:
        ValueError: a cost is not positive.
    """
    costs = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    if any(np.any(cost <= 0) for cost in costs):
        raise ValueError("costs must be positive: a ratio to 0 says nothing")
    with np.errstate(invalid="ignore"):
        return np.log(costs[0]) - np.log(costs[1])


def compare(
    first: ArrayLike,
    second: ArrayLike,
    generator: np.random.Generator | None = None,
    *,
    confidence: float = 0.95,
    margin: float = 1.0,
    least: int = LEAST_SEEDS,
) -> Comparison:
    """Compare paired costs by their log ratios.

    Where all runs solved, the ratio is that of geometric means (of each task's over the tasks, if several), with a
    t interval, or with a generator a bootstrap-t interval, resampled on two levels for several tasks. Below 20 values
    the bootstrap's may be too narrow where a few pairs lie far out: then the interval covers both.
    "faster" and "slower" hold if the interval lies wholly beyond the margin, "equivalent" if two one-sided tests put
    the ratio within it.

    Where some run did not solve, no mean exists. Shares of success come first: the pairs (with several tasks, the
    tasks by their median log ratio) that only one solved, by an exact sign test; then ranks, solved before unsolved,
    by the signed-rank test beyond the margin; the two adjusted by Holm. The ratio is the median, with the interval of
    order statistics.

    Args:
        first: Costs, shape (seeds,) or (tasks, seeds), positive: `inf` unsolved, nan not run. The same place in both
            is the same task and seed.
        second: The same of what it is compared with.
        generator: The only source of randomness; none, no bootstrap.
        confidence: Of the interval; 1 − confidence is the level of the tests.
        margin: The least ratio that matters, at least 1: with 1.05, 5 % is no difference.
        least: Pairs a task needs, below which the verdict is always "too few seeds".

    Raises:
        ValueError: shapes differ, a cost is not positive or the margin is below 1.

    >>> costs = np.array([9.0, 10, 11, 10, 12, 9, 8, 10, 11, 10, 9, 10])
    >>> found = compare(costs, 2 * costs)
    >>> found.verdict.value, round(found.ratio, 6), found.n
    ('faster', 0.5, 12)
    """
    one, two = _paired(first, second)
    if not margin >= 1:
        raise ValueError(f"the margin is a ratio of at least 1, not {margin}")
    return _compared((one, two), generator, 1 - confidence, math.log(margin), least)


def _compared(
    costs: tuple[NDArray[np.float64], NDArray[np.float64]],
    generator: np.random.Generator | None,
    level: float,
    least_effect: float,
    least: int,
) -> Comparison:
    """Compare costs, (tasks, seeds) each; `level` is that of the tests, `least_effect` a log ratio."""
    one, two = costs
    run = ~np.isnan(one)
    pairs = int(np.count_nonzero(run, axis=1).min(initial=run.shape[1])) if len(one) else 0
    logs = log_ratios(one, two)
    if np.all(np.isfinite(logs[run])):
        interval, verdict = _by_means(logs, generator, level, least_effect)
    else:
        interval, verdict = _by_ranks(logs, level, least_effect)
    with np.errstate(over="ignore"):
        ratio, low, high = np.exp([interval.estimate, interval.low, interval.high]).tolist()
    solved = _share(np.isfinite(one[run])), _share(np.isfinite(two[run]))
    verdict = Verdict.TOO_FEW if pairs < least else verdict
    return Comparison(ratio, low, high, interval.p_value, pairs, len(one), solved, verdict)


def _paired(first: ArrayLike, second: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return both as (tasks, seeds), nan in both where it is in one, without tasks that have no pair."""
    one, two = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    if one.shape != two.shape or one.ndim not in {1, 2}:
        raise ValueError(f"costs have the shapes {one.shape} and {two.shape}; both must be (seeds,) or (tasks, seeds)")
    missing = np.atleast_2d(np.isnan(one) | np.isnan(two))
    kept = ~missing.all(axis=1)
    one, two = (np.where(missing, np.nan, np.atleast_2d(costs))[kept] for costs in (one, two))
    return one, two


def _by_means(
    logs: NDArray[np.float64], generator: np.random.Generator | None, level: float, least_effect: float
) -> tuple[Interval, Verdict]:
    scores = np.nanmean(logs, axis=1) if len(logs) > 1 else logs.ravel()
    interval = t_interval(scores, confidence=1 - level)
    if generator is not None:
        studentised = bootstrap_t_interval(logs, generator, confidence=1 - level)
        interval = studentised if scores.size >= LEAST_FOR_BOOTSTRAP else _wider(interval, studentised)
    if interval.high < -least_effect:
        return interval, Verdict.FASTER
    if interval.low > least_effect:
        return interval, Verdict.SLOWER
    if least_effect and equivalence_test(scores, least_effect) <= level:
        return interval, Verdict.EQUIVALENT
    return interval, Verdict.WITHIN_NOISE


def _wider(one: Interval, two: Interval) -> Interval:
    """Return the interval that covers both, with the larger p-value."""
    p_value = max(one.p_value, two.p_value)
    return replace(one, low=min(one.low, two.low), high=max(one.high, two.high), p_value=p_value)


def _by_ranks(logs: NDArray[np.float64], level: float, least_effect: float) -> tuple[Interval, Verdict]:
    scores = np.array([_median(row) for row in logs]) if len(logs) > 1 else logs.ravel()
    scores = scores[~np.isnan(scores)]
    if not scores.size:
        return Interval(math.nan, math.nan, math.nan, 0, 1.0), Verdict.UNSOLVED
    more, fewer = int(np.count_nonzero(scores == -np.inf)), int(np.count_nonzero(scores == np.inf))
    shares, ranks = sign_test(more, fewer), signed_rank_test(scores)
    beyond = signed_rank_test(scores - math.copysign(least_effect, ranks.balance))
    interval = _median_interval(scores, level, float(_both(shares, ranks.p_value, more + fewer).min()))
    by_share, by_rank = _both(shares, beyond.p_value, more + fewer) <= level
    if by_share:
        return interval, Verdict.SOLVES_MORE if more > fewer else Verdict.SOLVES_LESS
    if by_rank and beyond.balance * ranks.balance > 0:
        return interval, Verdict.FASTER if ranks.balance < 0 else Verdict.SLOWER
    return interval, Verdict.WITHIN_NOISE


def _both(shares: float, ranks: float, discordant: int) -> NDArray[np.float64]:
    """Return both p-values adjusted; without pairs that only one solved, the first is no test and costs nothing."""
    return holm([shares, ranks]) if discordant else np.array([1.0, ranks])


def _median(values: NDArray[np.float64]) -> float:
    """Return the median, nan left out; 0 between opposite infinities, where neither is ahead."""
    ordered = np.sort(values[~np.isnan(values)])
    if not ordered.size:
        return math.nan
    below, above = float(ordered[(ordered.size - 1) // 2]), float(ordered[ordered.size // 2])
    return 0.0 if below == -above else (below + above) / 2


def _median_interval(values: NDArray[np.float64], level: float, p_value: float) -> Interval:
    """Return the median between the order statistics that hold it with at least the confidence 1 − level.

    The k-th smallest and largest, k the largest number with P(Binomial(n, ½) < k) ≤ level/2; none: (−inf, inf).
    """
    from scipy.stats import binom

    ordered = np.concatenate([[-np.inf], np.sort(values), [np.inf]])
    place = int(binom.ppf(level / 2, values.size, 0.5))
    return Interval(_median(values), float(ordered[place]), float(ordered[-1 - place]), values.size, p_value)


def _share(solved: NDArray[np.bool_]) -> float:
    return float(solved.mean()) if solved.size else math.nan
