"""Newton's method with damping chosen from the factorisation. Shapes: n = number of parameters."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from optbench.numerics.position import Visit, locate
from optbench.numerics.progress import Finished, Progress
from optbench.numerics.scalars import largest, read
from optbench.numerics.trust_region import ModelStep, Region

if TYPE_CHECKING:
    from optbench.api import Oracle

_ACCEPT = 1e-4  # least share of the model's decrease that f must show
_POOR, _GOOD = 0.25, 0.75  # shares below and above which the radius shrinks and grows
_GROWTH = 3.0
_MAX_TRIALS = 60
_ENDLESS = 1e12  # growth of the radius at which f is unbounded


@dataclass
class AdaptiveNewtonState:
    """State of the damped method. `point` and `trial` change places; `factor` is overwritten in place."""

    # published
    point: Tensor  # (n,)
    finished: Finished | None

    # where the last step ended; None before the first
    here: Visit | None
    batch: int  # the minibatch of `here`
    progress: Progress

    # how far the model is trusted; infinite until it has been tried
    radius: float
    first_length: float  # of the first accepted step

    # buffers
    trial: Tensor  # (n,), the point being tried
    factor: Tensor  # (n, n), the Cholesky factor


class AdaptiveNewton:
    """Moves by −(H + αI)⁻¹·g, α the least for which H + αI is positive definite and the step lies within the radius.

    A failed Cholesky factorisation raises α; the radius, and with it 1/α, grows where f falls as the model says.
    A step is the trials of one Hessian, up to the first that f accepts.
    """

    def init(self, oracle: Oracle, start: Tensor) -> AdaptiveNewtonState:
        """Copy the start and allocate; nothing is evaluated yet."""
        n = start.numel()
        return AdaptiveNewtonState(
            point=start.clone(),
            finished=None,
            here=None,
            batch=oracle.batch,
            progress=Progress(torch.finfo(start.dtype).eps),
            radius=math.inf,
            first_length=0.0,
            trial=torch.empty_like(start),
            factor=start.new_empty(n, n),
        )

    def step(self, oracle: Oracle, state: AdaptiveNewtonState) -> AdaptiveNewtonState:
        """Try steps within shrinking radii until f accepts one; stalls where none is."""
        here = locate(oracle, state)
        (size,) = read(largest(here.gradient))
        if state.progress.ends(here.value, size):
            state.finished = state.progress.verdict
            return state
        region = Region(oracle.hessian(state.point), here.gradient, state.factor)
        for _ in range(_MAX_TRIALS):
            model = _model_step(region, state)
            torch.add(state.point, model.step, out=state.trial)
            if self._try(oracle, state, here, model):
                return state
        state.finished = state.progress.verdict
        return state

    def _try(self, oracle: Oracle, state: AdaptiveNewtonState, here: Visit, model: ModelStep) -> bool:
        value, gradient = oracle.value_and_gradient(state.trial)
        (height,) = read(value)
        share = _share(here, height, model)
        state.radius = _next_radius(state.radius, model, share)
        if not share > _ACCEPT:
            return False
        state.point, state.trial = state.trial, state.point
        state.here = Visit(state.point, height, gradient)
        state.first_length = state.first_length or model.length
        if height == -math.inf or (model.on_boundary and state.radius > _ENDLESS * state.first_length):
            state.finished = "unbounded"
        return True


def _model_step(region: Region, state: AdaptiveNewtonState) -> ModelStep:
    """Return the full Newton step where it lies within the radius, else one on the boundary."""
    if math.isfinite(state.radius):
        return region.within(state.radius)
    full = region.newton()
    if full is not None:
        return full
    state.radius = max(1.0, *read(torch.linalg.vector_norm(state.point)))
    return region.within(state.radius)


def _share(here: Visit, after: float, model: ModelStep) -> float:
    """Return the share of the model's decrease that f has shown: near 1 where both are rounding, −1 where f is NaN."""
    if after == -math.inf:
        return 1.0
    if not math.isfinite(after):
        return -1.0
    expected = max(model.decrease, 0.0) + here.noise
    return (here.value - after + here.noise) / expected if expected > 0 else -1.0


def _next_radius(radius: float, model: ModelStep, share: float) -> float:
    """Shrink after a poor step, to where a parabola through what was seen has its minimum; grow after a good one."""
    if share < _POOR:
        return model.length * min(max(0.5 / (1 - share), 0.1), 0.5)
    if share > _GOOD:
        return max(model.length * _GROWTH, radius if math.isfinite(radius) else 0.0)
    return radius if math.isfinite(radius) else model.length
