"""Newton's method that tries steps until f accepts one. Shapes: n = number of parameters."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import torch
from torch import Tensor

from optbench.numerics.position import Visit, locate
from optbench.numerics.progress import Finished, Progress
from optbench.numerics.scalars import largest, read
from optbench.numerics.trust_region import ModelStep, Region
from optbench_newton.hessians import Hessian

if TYPE_CHECKING:
    from optbench.api import Oracle

_ACCEPT = 1e-4  # least share of the model's decrease that f must show
_MAX_TRIALS = 100
_ENDLESS = 1e12  # growth of the step at which f is unbounded


class Trust(Protocol):
    """How far the quadratic model is trusted; learns from each trial, in place."""

    def propose(self, region: Region, here: Visit) -> ModelStep | None:
        """Return the step to try, None where there is none yet."""
        ...

    def judge(self, proposed: ModelStep | None, gain: float) -> None:
        """Take in which share of the model's decrease f has shown; no step counts as one that failed."""
        ...

    def forget(self) -> None:
        """Be as new."""
        ...


@dataclass
class TrialState:
    """State of the method. `point` and `trial` change places; `factor` is overwritten in place."""

    # published
    point: Tensor  # (n,)
    finished: Finished | None

    # where the last step ended; None before the first
    here: Visit | None
    batch: int  # the minibatch of `here`
    progress: Progress

    # how far the model is trusted
    trust: Trust
    first_length: float  # of the first accepted step

    # buffers
    trial: Tensor  # (n,), the point being tried
    factor: Tensor  # (n, n), the Cholesky factor


class TrialNewton:
    """Moves by a step that the model and the trust in it propose. A step is the trials of one Hessian."""

    def __init__(self, trust: Callable[[], Trust], hessian: Hessian, damping: float = 0.0) -> None:
        """Compose the method; `damping` is added to the Hessian's diagonal in any case."""
        self.trust, self.hessian, self.damping = trust, hessian, damping

    def init(self, oracle: Oracle, start: Tensor) -> TrialState:
        """Copy the start and allocate; nothing is evaluated yet."""
        n = start.numel()
        return TrialState(
            point=start.clone(),
            finished=None,
            here=None,
            batch=oracle.batch,
            progress=Progress(torch.finfo(start.dtype).eps),
            trust=self.trust(),
            first_length=0.0,
            trial=torch.empty_like(start),
            factor=start.new_empty(n, n),
        )

    def restart(self, state: TrialState, oracle: Oracle, start: Tensor) -> TrialState:
        """Go on from another point (or problem); trust is kept unless the method had finished."""
        if state.finished:
            state.trust.forget()
            state.first_length = 0.0
        state.point.copy_(start)
        state.here, state.batch, state.finished = None, oracle.batch, None
        return state

    def step(self, oracle: Oracle, state: TrialState) -> TrialState:
        """Try steps that are trusted less and less until f accepts one; stall where it accepts none."""
        here = locate(oracle, state)
        (size,) = read(largest(here.gradient))
        if state.progress.ends(here.value, size):
            state.finished = state.progress.verdict
            return state
        region = Region(self._damped(self.hessian(oracle, here)), here.gradient, state.factor)
        for _ in range(_MAX_TRIALS):
            proposed = state.trust.propose(region, here)
            if proposed is None:
                state.trust.judge(None, -1.0)
            elif self._try(oracle, state, here, proposed):
                return state
        state.finished = state.progress.verdict
        return state

    def _damped(self, hessian: Tensor) -> Tensor:
        if not self.damping:
            return hessian
        damped = hessian.clone()
        damped.diagonal().add_(self.damping)
        return damped

    @staticmethod
    def _try(oracle: Oracle, state: TrialState, here: Visit, proposed: ModelStep) -> bool:
        torch.add(state.point, proposed.step, out=state.trial)
        value, gradient = oracle.value_and_gradient(state.trial)
        (height,) = read(value)
        gain = gain_ratio(here, height, proposed.decrease)
        state.trust.judge(proposed, gain)
        if not gain > _ACCEPT:
            return False
        state.point, state.trial = state.trial, state.point
        state.here = Visit(state.point, height, gradient)
        state.first_length = state.first_length or proposed.length
        if height == -math.inf or (proposed.on_boundary and proposed.length > _ENDLESS * state.first_length):
            state.finished = "unbounded"
        return True


def gain_ratio(here: Visit, after: float, decrease: float) -> float:
    """Return the share of the model's decrease that f has shown: near 1 where both are rounding, −1 where f is NaN."""
    if after == -math.inf:
        return 1.0
    if not math.isfinite(after):
        return -1.0
    expected = max(decrease, 0.0) + here.noise
    return (here.value - after + here.noise) / expected if expected > 0 else -1.0
