"""Bootstrap intervals. Every random draw comes from a generator passed in."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from optbench.analysis.student import Interval, mean_and_error, present, t_test

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

RESAMPLES = 2000
LEAST_FOR_PERCENTILES = 20  # values below which a percentile interval covers markedly less than it says


def bootstrap_t_interval(
    values: ArrayLike, generator: np.random.Generator, *, confidence: float = 0.95, resamples: int = RESAMPLES
) -> Interval:
    """Return the mean of `values` and its bootstrap-t (studentised) interval; NaNs are left out.

    [mean − q₁₋α·e, mean − qα·e] with e = s/√n and q the quantiles of (mean* − mean)/e* over resamples: B. Efron and
    R. Tibshirani, An introduction to the bootstrap, 1993, section 12.5. Unlike the t interval it follows skewness,
    unlike percentiles it is accurate to second order. `values` of shape (tasks, seeds), nan where missing, are
    resampled on two levels, tasks and then seeds within each drawn task; the estimate is the mean of the tasks' means,
    its error that between tasks (A. C. Davison and D. V. Hinkley, Bootstrap methods and their application, 1997,
    section 3.8). One task is its seeds.
    """
    table = _table(values)
    if len(table) > 1:
        means = np.array([np.mean(row[~np.isnan(row)]) for row in table])
        draws = _two_level_means(table, generator, resamples)
    else:
        means = present(table)
        draws = means[generator.integers(max(means.size, 1), size=(resamples, means.size))]
    mean, error = mean_and_error(means)
    if means.size < 2 or error == 0:
        return Interval(mean, mean - error, mean + error, means.size, t_test(means))
    pivots = _pivots(draws, mean)
    # No interpolation: pivots of a resample of one value over and over are infinite.
    lower, upper = np.quantile(pivots, [(1 - confidence) / 2, (1 + confidence) / 2], method="inverted_cdf")
    beyond = min(int(np.count_nonzero(pivots <= mean / error)), int(np.count_nonzero(pivots >= mean / error)))
    p_value = min(1.0, 2 * (beyond + 1) / (resamples + 1))
    return Interval(mean, mean - float(upper) * error, mean - float(lower) * error, means.size, p_value)


def percentile_interval(
    values: ArrayLike,
    generator: np.random.Generator,
    statistic: Callable[[NDArray[np.float64]], float] = np.mean,
    *,
    confidence: float = 0.95,
    resamples: int = RESAMPLES,
) -> Interval:
    """Return `statistic` of `values`, shape (n,), and the quantiles of its bootstrap distribution; NaNs are left out.

    For statistics without a standard error. Efron and Tibshirani, 1993, section 13.3.

    Raises:
        ValueError: fewer than 20 values, below which such an interval is too narrow: use `bootstrap_t_interval`.
    """
    sample = present(values)
    if sample.size < LEAST_FOR_PERCENTILES:
        raise ValueError(
            f"a percentile interval needs {LEAST_FOR_PERCENTILES} values, not {sample.size}; bootstrap-t does not"
        )
    draws = [statistic(sample[generator.integers(sample.size, size=sample.size)]) for _ in range(resamples)]
    low, high = np.quantile(draws, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(float(statistic(sample)), float(low), float(high), sample.size)


def _table(values: ArrayLike) -> NDArray[np.float64]:
    """Return values of shape (tasks, seeds), without tasks that have none."""
    table = np.atleast_2d(np.asarray(values, dtype=float))
    return table[~np.all(np.isnan(table), axis=1)]


def _pivots(draws: NDArray[np.float64], mean: float) -> NDArray[np.float64]:
    """Return (mean* − mean)/error* of each row; infinite for a value drawn over and over, common if they are few."""
    off = draws.mean(axis=1) - mean
    errors = np.std(draws, axis=1, ddof=1) / math.sqrt(draws.shape[1])
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(off == 0, 0.0, off / errors)


def _two_level_means(table: NDArray[np.float64], generator: np.random.Generator, resamples: int) -> NDArray[np.float64]:
    """Return means of resampled seeds of resampled tasks, shape (resamples, tasks)."""
    packed = np.take_along_axis(table, np.argsort(np.isnan(table), axis=1, kind="stable"), axis=1)  # NaN last
    counts = np.count_nonzero(~np.isnan(table), axis=1)
    return np.stack([_task_means(packed, counts, generator, resamples) for _ in table], axis=1)


def _task_means(
    packed: NDArray[np.float64], counts: NDArray[np.intp], generator: np.random.Generator, resamples: int
) -> NDArray[np.float64]:
    """Return the mean of resampled seeds of one drawn task, anew for each of the resamples."""
    tasks = generator.integers(len(packed), size=resamples)
    size = counts[tasks][:, None]
    seeds = (generator.random((resamples, packed.shape[1])) * size).astype(int)
    drawn = packed[tasks[:, None], seeds]
    within = np.arange(packed.shape[1]) < size
    means: NDArray[np.float64] = np.sum(drawn, axis=1, where=within) / size[:, 0]
    return means
