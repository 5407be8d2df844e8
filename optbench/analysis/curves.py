"""Convergence curves: one run as a step function of a count, several runs on a common grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class Curve:
    """Quantiles over runs at each point of a grid; all of one length."""

    grid: NDArray[np.float64]
    median: NDArray[np.float64]
    low: NDArray[np.float64]  # 10 %
    high: NDArray[np.float64]  # 90 %


def best_so_far(values: ArrayLike) -> NDArray[np.float64]:
    """Return the smallest value up to each row; NaN (not evaluated) stays only before the first value."""
    return np.fmin.accumulate(np.asarray(values, dtype=float))


def log_grid(first: float, last: float, points: int = 64) -> NDArray[np.float64]:
    """Return at most `points` whole counts from `first` to `last`, about evenly spaced in the logarithm."""
    first = max(first, 1.0)
    return np.unique(np.rint(np.geomspace(first, max(last, first), points)))


def curve_on_grid(runs: Sequence[tuple[ArrayLike, ArrayLike]], grid: ArrayLike) -> Curve:
    """Return median and 10-90 % band of `runs`, each (counts, values) with ascending counts, at the counts of `grid`.

    A run has at a count the value of its last row up to there, and keeps its last value after its end. A run that has
    not begun at a count is left out there; where none has begun the result is NaN.
    """
    points = np.asarray(grid, dtype=float)
    rows = np.array([_hold(counts, values, points) for counts, values in runs]).reshape(len(runs), points.size)
    low, median, high = (_quantile(rows, share) for share in (0.1, 0.5, 0.9))
    return Curve(points, median, low, high)


def _hold(counts: ArrayLike, values: ArrayLike, grid: NDArray[np.float64]) -> NDArray[np.float64]:
    held: NDArray[np.float64] = np.concatenate([[np.nan], np.asarray(values, dtype=float)])
    last: NDArray[np.float64] = held[np.searchsorted(np.asarray(counts, dtype=float), grid * (1 + 1e-12), side="right")]
    return last


def _quantile(rows: NDArray[np.float64], share: float) -> NDArray[np.float64]:
    """Interpolate between finite neighbours only, so that an infinite value poisons no finite quantile."""
    ordered = np.sort(rows, axis=0)  # NaN last
    begun = np.count_nonzero(~np.isnan(rows), axis=0)
    if not len(rows):
        return np.full(rows.shape[1], np.nan)
    place = share * np.maximum(begun - 1, 0)
    below, columns = np.floor(place).astype(int), np.arange(rows.shape[1])
    first, second = ordered[below, columns], ordered[np.ceil(place).astype(int), columns]
    with np.errstate(invalid="ignore"):
        between = first + (place - below) * (second - first)
    result: NDArray[np.float64] = np.where(first == second, first, between)
    return result
