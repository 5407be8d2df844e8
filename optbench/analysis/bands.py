"""Bootstrap bands of profiles."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from optbench.analysis.bootstrap import LEAST_FOR_PERCENTILES

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class Band:
    """A profile and its pointwise bootstrap interval; all of one shape."""

    value: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    problems: int  # that were resampled

    @property
    def enough(self) -> bool:
        """Whether there are problems enough to take the band at its word; with fewer it is too narrow."""
        return self.problems >= LEAST_FOR_PERCENTILES


def profile_band(
    costs: ArrayLike,
    profile: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    generator: np.random.Generator,
    *,
    confidence: float = 0.95,
    resamples: int = 1000,
) -> Band:
    """Return `profile(costs)` with its pointwise percentile band over resampled problems, or problems and then seeds.

    Problems, and seeds within each drawn problem, are drawn with replacement, the same for all solvers: their ratios
    stay paired. A band says how the profile would move with other problems of the kind, not which solver is better.

    Args:
        costs: Shape (solvers, problems), or (solvers, problems, seeds), of which the lower median over seeds is the
            cost on the problem; `inf` where unsolved, nan where not run.
        profile: From costs (solvers, problems) to an array, say `lambda table: performance_profile(table, factors)`.
            Costs in simplex gradients are divided by n + 1 before, since here problems change places.
        generator: The only source of randomness.
        confidence: Of the band at each point.
        resamples: How many.
    """
    table = np.asarray(costs, dtype=float)
    draw = _resampled if table.ndim == 2 else _resampled_twice
    whole = table if table.ndim == 2 else lower_medians(table)
    draws = np.array([profile(draw(table, generator)) for _ in range(resamples)])
    low, high = np.quantile(draws, [(1 - confidence) / 2, (1 + confidence) / 2], axis=0)
    return Band(profile(whole), low, high, table.shape[1])


def lower_medians(costs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return `lower_quantile` over the last axis: finite exactly where at least half of the runs solved it."""
    ordered = np.sort(costs, axis=-1)  # NaN last
    run = np.count_nonzero(~np.isnan(costs), axis=-1, keepdims=True)
    medians: NDArray[np.float64] = np.take_along_axis(ordered, np.maximum((run + 1) // 2 - 1, 0), axis=-1)[..., 0]
    return medians


def _resampled(table: NDArray[np.float64], generator: np.random.Generator) -> NDArray[np.float64]:
    return table[:, generator.integers(table.shape[1], size=table.shape[1])]


def _resampled_twice(table: NDArray[np.float64], generator: np.random.Generator) -> NDArray[np.float64]:
    _, problems, seeds = table.shape
    drawn = generator.integers(problems, size=(problems, 1))
    return lower_medians(table[:, drawn, generator.integers(seeds, size=(problems, seeds))])
