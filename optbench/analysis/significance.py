"""Tests of paired differences, and what several of them mean together."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from optbench.analysis.student import t_test

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


MOST_FOR_EXACT_RANKS = 50


class RankTest(NamedTuple):
    """What `signed_rank_test` returns."""

    p_value: float  # two-sided
    balance: float  # from −1, every difference negative, to 1: (ranks of positive − of negative ones)/all


def signed_rank_test(differences: ArrayLike) -> RankTest:
    """Test whether paired differences, shape (n,), lie symmetrically around zero.

    F. Wilcoxon, 1945: exact, ties or not, for up to 50 differences; beyond by `scipy.stats.wilcoxon`, normally
    approximated. The difference of a censored pair is ±inf, which ranks above all finite ones and ties with the other
    infinite ones; NaN (no order known) and 0 are left out. Nothing left: p is 1.
    """
    from scipy.stats import rankdata, wilcoxon

    values = np.asarray(differences, dtype=float)
    values = values[~np.isnan(values) & (values != 0)]
    if not values.size:
        return RankTest(1.0, 0.0)
    signed = np.sign(values) * rankdata(np.abs(values))
    p_value = _exact(signed) if values.size <= MOST_FOR_EXACT_RANKS else float(wilcoxon(signed).pvalue)
    return RankTest(p_value, float(signed.sum() / np.abs(signed).sum()))


def sign_test(positive: int, negative: int) -> float:
    """Return the exact two-sided p-value of `positive` against `negative` when both are equally likely.

    With the pairs that only one of two solvers solved it is the exact test of equal success rates (Q. McNemar, 1947).
    """
    from scipy.stats import binomtest

    return float(binomtest(positive, positive + negative).pvalue) if positive + negative else 1.0


def equivalence_test(differences: ArrayLike, margin: float) -> float:
    """Return the p-value of the hypothesis that the mean difference is at least `margin` away from zero.

    Small: the mean lies within ±margin. The larger p-value of two one-sided t tests (D. J. Schuirmann, 1987); below α
    exactly if the 1 − 2α t interval lies within the margin. For a ratio r of costs pass log ratios and log r. Not
    finding a difference is not finding equivalence. NaNs are left out.

    Raises:
        ValueError: the margin is not positive.
    """
    if not margin > 0:
        raise ValueError(f"the margin must be positive, not {margin}")
    below = t_test(differences, -margin, alternative="greater")
    return max(below, t_test(differences, margin, alternative="less"))


def holm(p_values: ArrayLike) -> NDArray[np.float64]:
    """Return p-values adjusted for being `p_values`, shape (tests,), of one family; NaN stays and is not counted.

    The i-th smallest of m becomes the largest of (m − j + 1)·p₍ⱼ₎ over j ≤ i, at most 1: rejecting those at most α
    keeps the chance of any false rejection below α, whatever their dependence (S. Holm, 1979).

    >>> holm([0.01, 0.04, 0.03]).tolist()
    [0.03, 0.06, 0.06]
    """
    values = np.asarray(p_values, dtype=float)
    order = np.argsort(values)[: np.count_nonzero(~np.isnan(values))]
    adjusted = np.full(values.shape, math.nan)
    factors = np.arange(order.size, 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(factors * values[order]), 1.0)
    return adjusted


def _exact(signed: NDArray[np.float64]) -> float:
    """Return the two-sided p-value of the sum of positive ranks over all choices of signs, mid-ranks included.

    scipy is exact with ties up to 13 differences only, by a slow enumeration, and censored pairs tie.
    """
    doubled = np.rint(2 * np.abs(signed)).astype(int)  # mid-ranks are halves
    null = np.zeros(doubled.sum() + 1)  # probability of each sum of those taken positive
    null[0] = 1.0
    for rank in doubled:
        null[rank:] = (null[rank:] + null[:-rank]) / 2
        null[:rank] /= 2
    seen = int(doubled[signed > 0].sum())
    return min(1.0, 2 * float(min(null[: seen + 1].sum(), null[seen:].sum())))
