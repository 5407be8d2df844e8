"""Newton's direction with a line search along it. Shapes: n = number of parameters."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import torch
from torch import Tensor

from optbench.numerics.line import LineSearch
from optbench.numerics.position import Visit, locate
from optbench.numerics.progress import Finished, Progress
from optbench.numerics.scalars import largest, norm, read
from optbench.numerics.steady import Steady
from optbench_newton.along import move_along
from optbench_newton.fixed import solve_symmetric
from optbench_newton.hessians import Hessian

if TYPE_CHECKING:
    from optbench.api import Oracle

_FIRST = 1e-3  # the first damping above 0, relative to the norm of H (β of Nocedal & Wright 2006, algorithm 3.3)
_RAISE, _LOWER = 4.0, 0.25
_MAX_FACTORS = 40


@dataclass(kw_only=True)
class SearchingState:
    """State of the method. `point` and the spare buffer change places; `damped` is overwritten in place."""

    # published
    point: Tensor  # (n,)
    finished: Finished | None = None

    # where the last step ended; None before the first
    here: Visit | None = None
    batch: int  # the minibatch of `here`
    progress: Progress

    # what was added to the diagonal last
    damping: float = 0.0

    # the last step, and whether steps go on like this for ever
    last_step: float = 1.0
    steady: Steady

    # buffers
    damped: Tensor  # (n, n), the Hessian with its diagonal raised
    spare: Tensor  # (n,), that trial points are written to


class Solver(Protocol):
    """Finds a direction from a Hessian and a gradient."""

    def solve(self, hessian: Tensor, gradient: Tensor, state: SearchingState) -> tuple[Tensor, float] | None:
        """Return −(H + αI)⁻¹·g, shape (n,), and its product with g, or None where there is none; the state keeps α."""
        ...


class Constant:
    """The same damping at each step; a direction that leads uphill is turned round."""

    def __init__(self, damping: float) -> None:
        """Keep the damping."""
        self.damping = damping

    def solve(self, hessian: Tensor, gradient: Tensor, state: SearchingState) -> tuple[Tensor, float] | None:
        """Solve by Cholesky, or by LU where H + αI is indefinite; None where it is singular."""
        state.damping = self.damping
        state.damped.copy_(hessian).diagonal().add_(self.damping)
        solution = solve_symmetric(state.damped, gradient)
        if solution is None:
            return None
        (slope,) = read(torch.dot(gradient, solution))
        return (solution, slope) if slope < 0 else (solution.neg_(), -slope)


class Factored:
    """The damping that the factorisation asks for: a failure raises it, a success lowers the next step's, down to 0.

    Cholesky with added multiple of the identity (Nocedal & Wright 2006, algorithm 3.3), but begun where the last step
    left off. Every direction leads downhill.
    """

    def solve(self, hessian: Tensor, gradient: Tensor, state: SearchingState) -> tuple[Tensor, float] | None:
        """Factor H + αI with rising α until it is positive definite; where H is not finite the gradient leads on."""
        bend, size = read(norm(hessian), norm(gradient))
        if not math.isfinite(bend):
            return gradient / -size, -size
        lowest = _FIRST * bend or size
        state.damping = state.damping * _LOWER if state.damping * _LOWER >= lowest else 0.0
        for _ in range(_MAX_FACTORS):
            state.damped.copy_(hessian).diagonal().add_(state.damping)
            factor, info = torch.linalg.cholesky_ex(state.damped)
            direction = torch.cholesky_solve(gradient[:, None], factor)[:, 0].neg_()
            failed, slope = read(info.to(gradient.dtype), torch.dot(gradient, direction))
            if not failed:
                return direction, slope
            state.damping = max(_RAISE * state.damping, lowest)
        return None


class SearchingNewton:
    """Moves along −(H + αI)⁻¹·g by the step that the line search finds; 1 is tried first."""

    def __init__(self, solver: Solver, search: LineSearch, hessian: Hessian) -> None:
        """Compose the method."""
        self.solver, self.search, self.hessian = solver, search, hessian

    def init(self, oracle: Oracle, start: Tensor) -> SearchingState:
        """Copy the start and allocate; nothing is evaluated yet."""
        n = start.numel()
        return self._begin(start.clone(), oracle.batch, start.new_empty(n, n), torch.empty_like(start))

    def restart(self, state: SearchingState, oracle: Oracle, start: Tensor) -> SearchingState:
        """Go on from another point (or problem); the damping alone is kept, unless the method had finished."""
        begun = self._begin(state.point.copy_(start), oracle.batch, state.damped, state.spare)
        if not state.finished:
            begun.damping = state.damping
        return begun

    @staticmethod
    def _begin(point: Tensor, batch: int, damped: Tensor, spare: Tensor) -> SearchingState:
        eps = torch.finfo(point.dtype).eps
        return SearchingState(
            point=point, batch=batch, progress=Progress(eps), steady=Steady(eps), damped=damped, spare=spare
        )

    def step(self, oracle: Oracle, state: SearchingState) -> SearchingState:
        """Search along one direction; finish where there is none, or nothing on it."""
        if state.batch != oracle.batch:
            state.steady.forget()
        here = locate(oracle, state)
        size, extent = read(largest(here.gradient), largest(here.point))
        if state.progress.ends(here.value, size, extent):
            state.finished = state.progress.verdict
            return state
        solved = self.solver.solve(self.hessian(oracle, here), here.gradient, state)
        if solved is None:
            state.finished = state.progress.verdict
            return state
        if not move_along(oracle, state, here, *solved, self.search):
            state.finished = state.finished or state.progress.verdict
        return state
