"""Whether several judges order the same things alike, where each judge has a sample of scores for each thing."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from optbench.analysis.student import t_interval

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class OrderAgreement:
    """How far judges agree on the order of each two of `n` things; nothing is said of pairs that a judge ties."""

    n: int
    decided: int  # pairs that a judge, at least, puts in an order
    opposed: tuple[tuple[int, int], ...]  # pairs that one judge orders one way and another the other way
    tau: float  # Kendall's τ-b, the mean over pairs of judges; nan where no two of them order anything

    @property
    def alike(self) -> bool | None:
        """Whether no pair is opposed; None where no judge tells any two things apart."""
        return None if not self.decided else not self.opposed


def order_agreement(scores: ArrayLike, *, confidence: float = 0.95) -> OrderAgreement:
    """Return how far judges agree.

    A judge puts one thing before another where the Student interval of their differences, sample by sample, lies on
    one side of 0; else it ties them. Kendall's τ-b of two judges is Σ s₁s₂ / √(Σ s₁² Σ s₂²) over all pairs of things, s
    being −1, 0 for a tie, or 1 (Kendall, 1945).

    Args:
        scores: shape (judges, things, samples), lower is better, `inf` for failure; samples are paired among things.
        confidence: of the intervals. A single sample gives none: everything is tied.
    """
    table = np.asarray(scores, dtype=float)
    pairs = list(combinations(range(table.shape[1]), 2))
    signs = np.array([[_order(judge[one], judge[two], confidence) for one, two in pairs] for judge in table])
    signs = signs.reshape(len(table), len(pairs))
    opposed = [pair for pair, of in zip(pairs, signs.T, strict=True) if of.min() < 0 < of.max()]
    taus = [tau for one, two in combinations(signs, 2) if not math.isnan(tau := _tau(one, two))]
    return OrderAgreement(
        n=table.shape[1],
        decided=int(np.any(signs != 0, axis=0).sum()),
        opposed=tuple(opposed),
        tau=float(np.mean(taus)) if taus else math.nan,
    )


def _order(one: NDArray[np.float64], two: NDArray[np.float64], confidence: float) -> int:
    """Return −1 where the first is clearly lower, 1 where it is clearly higher, else 0."""
    if not (np.isfinite(one).all() and np.isfinite(two).all()):  # of failures there is only an order
        signs = {int(a > b) - int(a < b) for a, b in zip(one, two, strict=True)}
        return signs.pop() if len(signs) == 1 and one.size > 1 else 0
    interval = t_interval(one - two, confidence=confidence)
    return int(interval.low > 0) - int(interval.high < 0)


def _tau(one: NDArray[np.int_], two: NDArray[np.int_]) -> float:
    weight = math.sqrt(float(one @ one) * float(two @ two))
    return float(one @ two) / weight if weight else math.nan
