"""One cost from several counts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def weighted_cost(counts: Mapping[str, ArrayLike], weights: Mapping[str, float]) -> NDArray[np.float64]:
    """Return Σ weight·count over the kinds in `weights`, in the shape that all counts broadcast to.

    A kind without a weight, or of weight 0, costs nothing, whatever its count.

    Args:
        counts: Shape (rows,) or any that broadcast, by kind.
        weights: Finite and not negative, by kind.

    Raises:
        ValueError: a weight is for a kind that is not counted, or is negative or not finite.

    >>> weighted_cost({"value": [1, 2, 3], "gradient": [0, 1, 2]}, {"value": 1, "gradient": 2}).tolist()
    [1.0, 4.0, 7.0]
    """
    for kind, weight in weights.items():
        if kind not in counts:
            raise ValueError(f"a weight for {kind!r}, which is not counted; counted are {', '.join(counts)}")
        if not (math.isfinite(weight) and weight >= 0):
            raise ValueError(f"the weight of {kind!r} must be finite and not negative, not {weight}")
    columns = {kind: np.asarray(count, dtype=float) for kind, count in counts.items()}
    total = np.zeros(np.broadcast_shapes(*(column.shape for column in columns.values())))
    for kind, weight in weights.items():
        if weight:  # 0 · inf would be nan
            total = total + weight * columns[kind]
    return total
