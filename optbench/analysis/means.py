"""Means over problems whose costs differ by orders of magnitude."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

_LARGE = 1e300  # a ratio beside which 1 is nothing


def shifted_geometric_mean(costs: ArrayLike, shift: float, *, unsolved: float = math.inf) -> NDArray[np.float64]:
    """Return (Π(cost + shift))^(1/n) − shift over the last axis.

    As in H. Mittelmann's benchmarks (https://plato.asu.edu/ftp/shgeom.html) and qpbenchmark, which use seconds and the
    shift 10. The shift, in the unit of the costs, keeps problems that cost next to nothing from deciding; 0 gives the
    plain geometric mean. A mean says nothing of the spread, and it depends on the shift: show it.

    Args:
        costs: Shape (…, problems), not negative: `inf` where unsolved; nan (not run) is left out.
        shift: Finite and not negative.
        unsolved: What an unsolved problem costs, such as the limit that all solvers had. As it is, one unsolved
            problem makes the mean `inf`: leaving it out would reward giving up.

    Returns:
        Shape (…); nan where nothing was run.

    Raises:
        ValueError: a cost, the shift or `unsolved` is negative.

    >>> shifted_geometric_mean([[1, 100], [1, math.inf]], 0).round(6).tolist()
    [10.0, inf]
    >>> shifted_geometric_mean([1, math.inf], 10, unsolved=100).round(3).tolist()
    24.785
    """
    table = np.asarray(costs, dtype=float)
    if np.any(table < 0) or not unsolved >= 0 or not 0 <= shift < math.inf:
        raise ValueError(f"costs, the shift ({shift}) and the cost of unsolved problems ({unsolved}) must be ≥ 0")
    table = np.where(np.isinf(table), unsolved, table)
    run = ~np.isnan(table)
    count = np.count_nonzero(run, axis=-1)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        ratios = table / shift if shift else np.full_like(table, math.inf)
        # log(1 + cost/shift), and where the ratio is beyond floats (or the shift is 0) log cost − log shift.
        offset = math.log(shift) if shift else 0.0
        logs = np.where(ratios < _LARGE, np.log1p(ratios), np.log(table) - offset)
        mean = np.sum(logs, axis=-1, where=run) / np.where(count, count, np.nan)
        large = np.exp(mean + offset) - shift
        result: NDArray[np.float64] = np.where(mean < 1, shift * np.expm1(mean), large) if shift else large
    return result
