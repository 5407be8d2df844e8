"""Means of small samples by Student's distribution: their interval and test."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class Interval:
    """An estimate and the interval around it; `low` and `high` are nan where the values allow none."""

    estimate: float
    low: float
    high: float
    n: int  # independent values that it rests on: tasks where seeds of several tasks were resampled
    p_value: float = math.nan  # two-sided, that the mean is 0: below 1 − confidence where the interval leaves 0 out


def t_interval(values: ArrayLike, *, confidence: float = 0.95) -> Interval:
    """Return the mean of `values`, shape (n,), and its Student interval; NaNs are left out.

    Mean ± t·s/√n with the quantile t of n − 1 degrees of freedom (Student, 1908). Exact for normal values. One value
    has no interval; equal ones have one of no width.

    >>> interval = t_interval([1.0, 2.0, 3.0])
    >>> round(interval.estimate, 3), round(interval.low, 3), round(interval.high, 3)
    (2.0, -0.484, 4.484)
    """
    from scipy.special import stdtrit

    sample = present(values)
    mean, error = mean_and_error(sample)
    half = float(stdtrit(sample.size - 1, (1 + confidence) / 2)) * error if sample.size > 1 else math.nan
    return Interval(mean, mean - half, mean + half, sample.size, t_test(sample))


def welch_interval(first: ArrayLike, second: ArrayLike, *, confidence: float = 0.95) -> Interval:
    """Return the mean of `first` less that of `second`, two independent samples, and its interval; NaNs are left out.

    B. L. Welch, The generalization of "Student's" problem when several different population variances are involved,
    Biometrika, 1947: each sample has a variance of its own. A side with fewer than two values has no interval.
    """
    from scipy.special import stdtr, stdtrit

    one, two = present(first), present(second)
    n = min(one.size, two.size)
    estimate = float(np.mean(one) - np.mean(two)) if n else math.nan
    if n < 2:
        return Interval(estimate, math.nan, math.nan, n)
    if np.ptp(one) == np.ptp(two) == 0:  # equal values are taken at their word
        return Interval(estimate, estimate, estimate, n, 1.0 if estimate == 0 else 0.0)
    shares = np.array([np.var(one, ddof=1) / one.size, np.var(two, ddof=1) / two.size])
    error = math.sqrt(shares.sum())
    freedom = float(shares.sum() ** 2 / (shares**2 / [one.size - 1, two.size - 1]).sum())
    half = float(stdtrit(freedom, (1 + confidence) / 2)) * error
    return Interval(estimate, estimate - half, estimate + half, n, 2 * float(stdtr(freedom, -abs(estimate) / error)))


def t_test(
    values: ArrayLike, null: float = 0.0, *, alternative: Literal["two-sided", "less", "greater"] = "two-sided"
) -> float:
    """Return the p-value of Student's test that the mean of `values`, shape (n,), is `null`; NaNs are left out.

    Nan with fewer than two values. Equal values are taken at their word: p is 0 or 1.
    """
    from scipy.special import stdtr

    sample = present(values)
    mean, error = mean_and_error(sample)
    if math.isnan(error):
        return math.nan
    statistic = (mean - null) / error if error else math.copysign(math.inf, mean - null) if mean != null else 0.0
    if alternative == "two-sided":
        return 2 * float(stdtr(sample.size - 1, -abs(statistic)))
    return float(stdtr(sample.size - 1, statistic if alternative == "less" else -statistic))


def mean_and_error(sample: NDArray[np.float64]) -> tuple[float, float]:
    """Return the mean of values without NaN and its standard error s/√n; nan where there are too few."""
    if not sample.size:
        return math.nan, math.nan
    error = float(np.std(sample, ddof=1)) / math.sqrt(sample.size) if sample.size > 1 else math.nan
    return float(np.mean(sample)), error


def present(values: ArrayLike) -> NDArray[np.float64]:
    """Return the values that are not NaN, shape (n,)."""
    sample = np.asarray(values, dtype=float).ravel()
    return sample[~np.isnan(sample)]
