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


def rank_agreement(rankings: ArrayLike) -> float:
    """Return how alike several judges rank the same things: Kendall's τ-b, the mean over pairs of judges.

    Args:
        rankings: shape (judges, things), lower is better; `inf` for what failed, alike for all that did.

    Returns:
        1 for the same order, −1 for the reverse; NaN with fewer than two judges or things, or where all is tied.
    """
    from scipy.stats import kendalltau, rankdata

    table = np.asarray(rankings, dtype=float)
    if table.ndim != 2 or min(table.shape) < 2:
        return math.nan
    ranks = [rankdata(row) for row in table]
    pairs = [(first, second) for index, first in enumerate(ranks) for second in ranks[index + 1 :]]
    found = [float(kendalltau(first, second).statistic) for first, second in pairs]
    known = [value for value in found if not math.isnan(value)]
    return float(np.mean(known)) if known else math.nan
