"""Newton's method with a fixed damping; 0 is the textbook's method, saddle points included. Shapes: n = parameters."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from optbench.numerics.position import Visit
from optbench.numerics.progress import Finished
from optbench.numerics.scalars import largest, read
from optbench_newton.hessians import Hessian, asked

if TYPE_CHECKING:
    from optbench.api import Oracle


@dataclass
class FixedNewtonState:
    """State of Newton's method. `point` and `damped` are updated in place."""

    point: Tensor  # (n,)
    finished: Finished | None
    damped: Tensor  # (n, n), the Hessian with its diagonal raised


class FixedNewton:
    """Moves by −(H + damping·I)⁻¹·g, whatever the signs of the eigenvalues; equations 8.27 and 8.28, algorithm 8.8.

    Goodfellow, Bengio & Courville, Deep Learning (2016). Nothing makes f fall: an indefinite H may lead uphill.
    """

    def __init__(self, damping: float, hessian: Hessian = asked) -> None:
        """Keep the damping, and how the Hessian is built."""
        self.damping, self.hessian = damping, hessian

    def init(self, oracle: Oracle, start: Tensor) -> FixedNewtonState:
        """Copy the start and allocate the damped Hessian."""
        n = start.numel()
        return FixedNewtonState(start.clone(), None, start.new_empty(n, n))

    def restart(self, state: FixedNewtonState, oracle: Oracle, start: Tensor) -> FixedNewtonState:
        """Go on from another point (or problem); nothing is remembered."""
        state.point.copy_(start)
        state.finished = None
        return state

    def step(self, oracle: Oracle, state: FixedNewtonState) -> FixedNewtonState:
        """Solve for the step and take it; stalls where the damped Hessian is singular or the gradient no number."""
        value, gradient = oracle.value_and_gradient(state.point)
        height, size = read(value, largest(gradient))
        if size == 0:
            state.finished = "converged"
        elif height == -math.inf:
            state.finished = "unbounded"
        elif math.isfinite(height) and not size < math.inf:
            state.finished = "stalled"  # no step leads on
        else:
            hessian = self.hessian(oracle, Visit(state.point, height, gradient))
            state.damped.copy_(hessian).diagonal().add_(self.damping)
            self._move(state, gradient)
        return state

    @staticmethod
    def _move(state: FixedNewtonState, gradient: Tensor) -> None:
        solution = solve_symmetric(state.damped, gradient)
        if solution is None:
            state.finished = "stalled"
        else:
            state.point.sub_(solution)


def solve_symmetric(matrix: Tensor, right: Tensor) -> Tensor | None:
    """Return the solution (n,) of a symmetric system, None where it is singular: Cholesky, or LU where that fails."""
    factor, failed = torch.linalg.cholesky_ex(matrix)
    if not int(failed):
        return torch.cholesky_solve(right[:, None], factor)[:, 0]
    solution, singular = torch.linalg.solve_ex(matrix, right)
    return None if int(singular) else solution
