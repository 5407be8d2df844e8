"""The minimum of a strongly convex problem to the last digit, by Newton's method in float64."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from optbench_learning.convex import LogisticRegression, SoftmaxRegression

MAX_STEPS = 200
POLISHING_STEPS = 2  # full steps after the line search: its test drowns in rounding before the gradient does


@dataclass(frozen=True)
class Minimum:
    """A minimiser with its certificate: f(point) − min f ≤ gap."""

    point: Tensor  # (n,)
    value: float
    gradient_norm: float
    gap: float  # ‖∇f‖² / (2 l2)


def newton_minimum(problem: LogisticRegression | SoftmaxRegression) -> Minimum:
    """Return the minimum of a float64 problem with l2 > 0, certified to less than rounding of its value at zero."""
    x = torch.zeros(problem.size, dtype=torch.float64)
    scale = float(problem.value(x))
    for _ in range(MAX_STEPS):
        direction, decrement = _newton_direction(problem, x)
        if decrement <= 1e-12 * scale:
            break
        x = x + _backtracked(problem, x, direction, decrement) * direction
    for _ in range(POLISHING_STEPS):
        x = x + _newton_direction(problem, x)[0]
    value, gradient = problem.value_and_gradient(x)
    norm = float(gradient.norm())
    minimum = Minimum(x, float(value), norm, norm**2 / (2 * problem.l2))
    if not minimum.gap <= 1e-17 * scale:
        message = f"no certified minimum: the gap is only known to be below {minimum.gap:.1e}"
        raise ArithmeticError(message)
    return minimum


def _newton_direction(problem: LogisticRegression | SoftmaxRegression, x: Tensor) -> tuple[Tensor, float]:
    """Return −H⁻¹g and the decrement gᵀH⁻¹g, twice the excess that the quadratic model sees."""
    gradient = problem.gradient(x)
    factor = torch.linalg.cholesky(problem.hessian(x))
    direction = -torch.cholesky_solve(gradient[:, None], factor)[:, 0]
    return direction, -float(gradient.dot(direction))


def _backtracked(
    problem: LogisticRegression | SoftmaxRegression, x: Tensor, direction: Tensor, decrement: float
) -> float:
    """Return the first step of 1, ½, ¼ … with sufficient decrease."""
    value, step = float(problem.value(x)), 1.0
    while float(problem.value(x + step * direction)) > value - 1e-4 * step * decrement:
        step /= 2
    return step
