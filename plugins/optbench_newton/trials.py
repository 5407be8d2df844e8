"""Newton's method that tries steps until f accepts one. Shapes: n = number of parameters."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import torch
from torch import Tensor

from optbench.numerics.position import Visit, locate
from optbench.numerics.progress import Finished, Progress
from optbench.numerics.scalars import largest, norm, read
from optbench.numerics.trust import Lengths, gain
from optbench.numerics.trust_region import ModelStep, Region
from optbench_newton.hessians import Hessian

if TYPE_CHECKING:
    from optbench.api import Oracle

_MAX_TRIALS = 100


class StepControl(Protocol):
    """How far the quadratic model is trusted, by a radius or a damping; learns from each trial, in place."""

    accepted: float  # least gain at which a step is taken

    def propose(self, region: Region, here: Visit) -> ModelStep | None:
        """Return the step to try, None where there is none yet."""
        ...

    def judge(self, proposed: ModelStep | None, gained: float) -> None:
        """Take in which share of the model's decrease f has shown; no step counts as one that failed."""
        ...


@dataclass(kw_only=True)
class TrialState:
    """State of the method. `point` and `trial` change places; `factor` is overwritten in place."""

    # published
    point: Tensor  # (n,)
    finished: Finished | None = None

    # where the last step ended; None before the first
    here: Visit | None = None
    batch: int  # the minibatch of `here`
    progress: Progress

    # how far the model is trusted
    control: StepControl
    lengths: Lengths = field(default_factory=Lengths)

    # buffers
    trial: Tensor  # (n,), the point being tried
    factor: Tensor  # (n, n), the Cholesky factor


class TrialNewton:
    """Moves by a step that the model and the trust in it propose. A step is the trials of one Hessian."""

    def __init__(self, control: Callable[[], StepControl], hessian: Hessian, damping: float = 0.0) -> None:
        """Compose the method; `damping` is added to the Hessian's diagonal in any case."""
        self.control, self.hessian, self.damping = control, hessian, damping

    def init(self, oracle: Oracle, start: Tensor) -> TrialState:
        """Copy the start and allocate; nothing is evaluated yet."""
        n = start.numel()
        return self._begin(start.clone(), oracle.batch, torch.empty_like(start), start.new_empty(n, n))

    def restart(self, state: TrialState, oracle: Oracle, start: Tensor) -> TrialState:
        """Go on from another point (or problem); trust alone is kept, unless the method had finished."""
        begun = self._begin(state.point.copy_(start), oracle.batch, state.trial, state.factor)
        if not state.finished:
            begun.control = state.control
        return begun

    def _begin(self, point: Tensor, batch: int, trial: Tensor, factor: Tensor) -> TrialState:
        return TrialState(
            point=point,
            batch=batch,
            progress=Progress(torch.finfo(point.dtype).eps),
            control=self.control(),
            trial=trial,
            factor=factor,
        )

    def step(self, oracle: Oracle, state: TrialState) -> TrialState:
        """Try steps that are trusted less and less until f accepts one; stall where it accepts none."""
        here = locate(oracle, state)
        size, distance = read(largest(here.gradient), norm(here.point))
        if state.progress.ends(here.value, size, distance):
            state.finished = state.progress.verdict
            return state
        hessian = self._damped(self.hessian(oracle, here))
        region = Region(hessian, here.gradient, state.factor, distance=distance)
        if not math.isfinite(region.hessian_norm):  # the gradient alone leads on
            plain = torch.zeros_like(hessian).fill_diagonal_(size)
            region = Region(plain, here.gradient, state.factor, distance=distance)
        for _ in range(_MAX_TRIALS):
            proposed = state.control.propose(region, here)
            if proposed is None:
                state.control.judge(None, -1.0)
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
        gained = gain(here.value, height, expected=proposed.decrease, noise=here.noise)
        state.control.judge(proposed, gained)
        if not gained > state.control.accepted:
            return False
        state.point, state.trial = state.trial, state.point
        state.here = Visit(state.point, height, gradient)
        cut, vast = proposed.on_boundary, state.progress.vast
        if state.lengths.is_endless(height, proposed.length, cut=cut, vast=vast):
            state.finished = "unbounded"
        return True
