"""Intervals, quantiles and spread of small samples."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def wilson_interval(successes: int, trials: int, z: float = 1.959964) -> tuple[float, float]:
    """Return the score interval of a share (E. B. Wilson, 1927); z = 1.96 covers 95 %.

    It stays inside [0, 1] and is honest for few trials, unlike share ± z·standard error. No trials: (0, 1).
    Raises ValueError unless 0 ≤ successes ≤ trials.
    """
    if not 0 <= successes <= trials:
        message = f"{successes} successes in {trials} trials"
        raise ValueError(message)
    if trials == 0:
        return 0.0, 1.0
    share, square = successes / trials, z * z / trials
    centre = (share + square / 2) / (1 + square)
    half = math.sqrt(share * (1 - share) * square + square * square / 4) / (1 + square)
    return max(0.0, centre - half), min(1.0, centre + half)


def lower_quantile(values: ArrayLike, quantile: float = 0.5) -> float:
    """Return the smallest of `values` that at least the share `quantile` of them don't exceed; NaNs are left out.

    No two values are averaged, so `inf` (unsolved) is safe: the median is finite exactly if at least half are.
    NaN where nothing is left.
    """
    ordered = np.sort(np.asarray(values, dtype=float))
    ordered = ordered[~np.isnan(ordered)]
    if not ordered.size:
        return math.nan
    rank = math.ceil(round(quantile * ordered.size, 9))
    return float(ordered[max(rank, 1) - 1])


def relative_spread(values: ArrayLike) -> float:
    """Return how far repeated measurements, none negative, lie apart relative to their size; NaNs are left out.

    From four values on it is the interquartile range over the median (quartiles interpolated), which one outlier does
    not move much; of two or three it is largest/smallest − 1; of fewer it is NaN. All zero: 0.

    >>> relative_spread([10, 11]), relative_spread([9, 10, 10, 11, 99])
    (0.1, 0.1)
    """
    present = np.asarray(values, dtype=float)
    present = present[~np.isnan(present)]
    if present.size < 2:
        return math.nan
    if present.size < 4:
        base, width = float(present.min()), float(present.max() - present.min())
    else:
        low, base, high = (float(quartile) for quartile in np.quantile(present, (0.25, 0.5, 0.75)))
        width = high - low
    if base == 0:
        return math.inf if width else 0.0
    return width / base
