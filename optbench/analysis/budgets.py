"""What would have been found with a smaller budget: order statistics of what was tried."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def best_of_weights(total: int, drawn: int) -> NDArray[np.float64]:
    """Return how likely the i-th best of `total` settings is the best of `drawn` of them, shape (total,).

    Drawn without replacement, all sets alike: C(total − i, drawn − 1) / C(total, drawn). Σ weight·score is then the
    expected score at that budget without bias, where Dodge et al. (2019) draw with replacement; the score may be
    another measure than the one that orders the settings. Raises ValueError unless 1 ≤ drawn ≤ total.

    >>> best_of_weights(3, 1).round(3).tolist(), best_of_weights(3, 2).round(3).tolist()
    ([0.333, 0.333, 0.333], [0.667, 0.333, 0.0])
    """
    if not 1 <= drawn <= total:
        message = f"{drawn} drawn of {total}"
        raise ValueError(message)
    sets = math.comb(total, drawn)
    return np.array([math.comb(total - rank, drawn - 1) / sets for rank in range(1, total + 1)])


def weighted_lower_quantile(values: ArrayLike, weights: ArrayLike, quantile: float = 0.5) -> float:
    """Return the smallest of `values` that the share `quantile` of the weight doesn't exceed; `inf` is safe.

    NaN where there is no weight.

    >>> weighted_lower_quantile([1.0, 2.0, np.inf], [0.2, 0.3, 0.5])
    2.0
    """
    order = np.argsort(np.asarray(values, dtype=float), kind="stable")
    ordered, heavy = np.asarray(values, dtype=float)[order], np.cumsum(np.asarray(weights, dtype=float)[order])
    if not heavy.size or heavy[-1] <= 0:
        return math.nan
    return float(ordered[np.searchsorted(heavy, quantile * heavy[-1] * (1 - 1e-12))])
