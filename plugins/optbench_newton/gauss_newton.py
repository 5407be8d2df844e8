"""Gauss-Newton methods for sums of squares. Shapes: n parameters, m residuals."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import torch
from torch import Tensor

from optbench.numerics.minibatches import PerMinibatch
from optbench.numerics.position import rounding
from optbench.numerics.progress import Finished, Progress
from optbench.numerics.scalars import largest, multiple_of_squares, read
from optbench.numerics.trust import ACCEPTED, Trust, gain
from optbench_newton.amounts import amount
from optbench_newton.linear_model import LinearModel
from optbench_newton.scalings import SCALINGS, Scaling

if TYPE_CHECKING:
    from optbench.api import Oracle

_GROWTH = 2.0  # of the radius after a good step
_MAX_TRIALS = 60


def gauss_newton(*, damping: str, scaling: str) -> PerMinibatch[GaussNewtonState]:
    """Return the method that the options describe; raises UserError where the damping is no number from 0."""
    if damping == "levenberg-marquardt":
        return PerMinibatch(GaussNewton(LevenbergMarquardt(), SCALINGS[scaling]))
    fixed = FixedDamping(amount(damping, "gauss-newton: damping", ("levenberg-marquardt",)))
    return PerMinibatch(GaussNewton(fixed, SCALINGS[scaling]))


@dataclass
class Residuals:
    """A point with its residuals."""

    point: Tensor  # (n,), a buffer that a later visit may overwrite
    vector: Tensor  # (m,), the oracle's, never overwritten
    value: float  # ‖r‖², whatever multiple of it f is

    @property
    def noise(self) -> float:
        """Return how far values near here may lie apart by rounding alone."""
        return rounding(self.value, self.point)


@dataclass(kw_only=True)
class GaussNewtonState:
    """State of the method. `point` and `trial` change places; `scale` is updated in place."""

    # published
    point: Tensor  # (n,)
    finished: Finished | None = None

    # where the last step ended; None before the first
    here: Residuals | None = None
    batch: int  # the minibatch of `here`
    progress: Progress

    # how far the linear model is trusted
    trust: Trust = field(default_factory=lambda: Trust(growth=_GROWTH))
    scale: Tensor  # (n,), the units that lengths are measured in; 0 where none is known

    # buffer
    trial: Tensor  # (n,), the point being tried


class Damping(Protocol):
    """How a step is found from the linear model."""

    def move(self, oracle: Oracle, state: GaussNewtonState, here: Residuals, model: LinearModel) -> None:
        """Publish the next point, or the word of the end."""
        ...


class GaussNewton:
    """Moves by the minimiser of ‖r + J·d‖² + α·‖D·d‖²: (JᵀJ + αD²)·d = −Jᵀr.

    f is ½‖r‖² or ‖r‖²: their minimisers are the same, and so are the steps. The Jacobian (m, n) is kept for one step.
    """

    def __init__(self, damping: Damping, scaling: Scaling) -> None:
        """Compose the method: how α is chosen, and D."""
        self.damping, self.scaling = damping, scaling

    def init(self, oracle: Oracle, start: Tensor) -> GaussNewtonState:
        """Copy the start and allocate; nothing is evaluated yet."""
        return self._begin(start.clone(), oracle.batch, torch.zeros_like(start), torch.empty_like(start))

    def restart(self, state: GaussNewtonState, oracle: Oracle, start: Tensor) -> GaussNewtonState:
        """Go on from another point (or problem); radius and scale are kept, unless the method had finished."""
        if state.finished:
            return self._begin(state.point.copy_(start), oracle.batch, state.scale.zero_(), state.trial)
        begun = self._begin(state.point.copy_(start), oracle.batch, state.scale, state.trial)
        begun.trust = state.trust
        return begun

    @staticmethod
    def _begin(point: Tensor, batch: int, scale: Tensor, trial: Tensor) -> GaussNewtonState:
        progress = Progress(torch.finfo(point.dtype).eps)
        return GaussNewtonState(point=point, batch=batch, progress=progress, scale=scale, trial=trial)

    def step(self, oracle: Oracle, state: GaussNewtonState) -> GaussNewtonState:
        """Linearise the residuals and move; ends where the gradient vanishes, and where J is no number."""
        here = _locate(oracle, state)
        jacobian = oracle.jacobian(state.point)
        tops = largest(here.vector @ jacobian), largest(jacobian.flatten()), largest(state.point)
        size, steepest, extent = read(*tops)
        if state.progress.ends(here.value, size, extent) or not math.isfinite(steepest + here.value):
            state.finished = state.progress.verdict
            return state
        self.scaling(state.scale, jacobian)
        self.damping.move(oracle, state, here, LinearModel(jacobian, here.vector, _units(state.scale)))
        return state


class LevenbergMarquardt:
    """Chooses α so that the step lies within the radius, by Moré, Lecture Notes in Mathematics 630 (1978).

    The trials of one step share one Jacobian and its factors.
    """

    def move(self, oracle: Oracle, state: GaussNewtonState, here: Residuals, model: LinearModel) -> None:
        """Try steps within shrinking radii until f accepts one; stalls where none is."""
        for _ in range(_MAX_TRIALS):
            proposed = model.within(state.trust.radius)
            torch.add(state.point, proposed.step, out=state.trial)
            there = _visit(oracle, state.trial)
            gained = gain(here.value, there.value, expected=proposed.decrease, noise=here.noise)
            state.trust.judge(proposed.length, gained)
            if gained > ACCEPTED:
                state.point, state.trial = state.trial, state.point
                state.here = there
                return
        state.finished = state.progress.verdict


class FixedDamping:
    """Takes the step of the same α each time, whatever f does; 0 is the textbook's method.

    α is added to the Hessian's approximation, JᵀJ of f = ½‖r‖² or 2JᵀJ of f = ‖r‖², for which it is halved here.
    Which of the two f is, its value tells.
    """

    def __init__(self, damping: float) -> None:
        """Keep the damping."""
        self.damping = damping

    def move(self, oracle: Oracle, state: GaussNewtonState, here: Residuals, model: LinearModel) -> None:
        """Take the step."""
        proposed = model.damped(self.damping and self.damping / self._multiple(oracle, here))
        torch.add(state.point, proposed.step, out=state.trial)
        state.point, state.trial = state.trial, state.point
        state.here = _visit(oracle, state.point)

    @staticmethod
    def _multiple(oracle: Oracle, here: Residuals) -> int:
        (value,) = read(oracle.value(here.point))
        return multiple_of_squares(value, here.value)


def _visit(oracle: Oracle, point: Tensor) -> Residuals:
    residuals = oracle.residuals(point)
    (value,) = read(torch.dot(residuals, residuals))
    return Residuals(point, residuals, value)


def _locate(oracle: Oracle, state: GaussNewtonState) -> Residuals:
    """Return the residuals of the state's point, evaluated only at the start and for another minibatch."""
    if state.here is None or state.batch != oracle.batch:
        state.here = _visit(oracle, state.point)
        state.batch = oracle.batch
        state.progress.begin()
    return state.here


def _units(scale: Tensor) -> Tensor:
    """Return the scale with 1 where none is known."""
    return torch.where(scale > 0, scale, 1.0)
