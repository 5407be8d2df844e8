"""A problem given as plain numpy functions, the way that a user would write one."""

# ruff: noqa: ARG001 -- the contract's signatures
from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from optbench.api import FunctionProblem, Streams

if TYPE_CHECKING:
    import torch

Array = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


def himmelblau(*, device: torch.device, dtype: torch.dtype, streams: Streams) -> FunctionProblem:
    """Return (a² + b − 11)² + (a + b² − 7)², four minima of value zero; (3, 2) is the nearest to the start (1, 1)."""
    return FunctionProblem(
        size=2,
        start_point=(1.0, 1.0),
        value=himmelblau_value,
        gradient=himmelblau_gradient,
        hessian=himmelblau_hessian,
        f_star=0.0,
        f_star_source="exact",
        numpy=True,
    )


def himmelblau_value(x: Array) -> float:
    """Return f(x)."""
    a, b = x
    return float((a * a + b - 11) ** 2 + (a + b * b - 7) ** 2)


def himmelblau_gradient(x: Array) -> Array:
    """Return the gradient, shape (2,)."""
    a, b = x
    first, second = a * a + b - 11, a + b * b - 7
    return np.array([4 * a * first + 2 * second, 2 * first + 4 * b * second])


def himmelblau_hessian(x: Array) -> Array:
    """Return the Hessian, shape (2, 2)."""
    a, b = x
    mixed = 4 * (a + b)
    return np.array([[12 * a * a + 4 * b - 42, mixed], [mixed, 12 * b * b + 4 * a - 26]])
