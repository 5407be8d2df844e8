"""Gradient descent: a fixed step, or steepest descent with a line search. Shapes: n = number of parameters."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor

from optbench.numerics.descent import Descent, DescentState, Move
from optbench.numerics.line import LineSearch
from optbench.numerics.minibatches import OnMinibatches, PerMinibatch
from optbench.numerics.parts import build_part
from optbench.numerics.scalars import largest, read
from optbench_descent.parts import STEPS

if TYPE_CHECKING:
    from optbench.api import Oracle


def gradient_descent(
    *, lr: float, line_search: str
) -> PerMinibatch[FixedStepState] | OnMinibatches[DescentState[Tensor]]:
    """Return the method that the options describe."""
    search: LineSearch | None = build_part(line_search, STEPS, "line search")
    if search is None:
        return PerMinibatch(FixedStep(lr))
    return OnMinibatches(Descent(NegativeGradient(), search), inner_steps=1, memory="keep")


@dataclass
class FixedStepState:
    """State of descent by a fixed step. `point` is updated in place."""

    point: Tensor  # (n,)
    finished: Literal["converged", "stalled", "unbounded"] | None = None


class FixedStep:
    """Moves by −lr·gradient."""

    def __init__(self, lr: float) -> None:
        """Keep the step."""
        self.lr = lr

    def init(self, oracle: Oracle, start: Tensor) -> FixedStepState:
        """Copy the start."""
        return FixedStepState(start.clone())

    def restart(self, state: FixedStepState, oracle: Oracle, start: Tensor) -> FixedStepState:
        """Go on from another point (or problem); nothing is remembered."""
        return FixedStepState(state.point.copy_(start))

    def step(self, oracle: Oracle, state: FixedStepState) -> FixedStepState:
        """Move, unless the gradient is zero or no number, or f has fallen for ever."""
        value, gradient = oracle.value_and_gradient(state.point)
        height, size = read(value, largest(gradient))
        if size == 0:
            state.finished = "converged"
        elif height == -math.inf:
            state.finished = "unbounded"
        elif math.isfinite(height) and not size < math.inf:
            state.finished = "stalled"  # no step leads on
        else:
            state.point.add_(gradient, alpha=-self.lr)
        return state


class NegativeGradient:
    """The direction −g; its memory is the buffer for it."""

    def start(self, point: Tensor) -> Tensor:
        """Allocate the direction."""
        return torch.empty_like(point)

    def direction(self, memory: Tensor, gradient: Tensor) -> Tensor:
        """Return the negative gradient."""
        return torch.neg(gradient, out=memory)

    def learn(self, memory: Tensor, move: Move) -> None:
        """Learn nothing."""

    def forget(self, memory: Tensor) -> None:
        """Forget nothing."""

    def knows_scale(self, memory: Tensor) -> bool:
        """Never know it."""
        return False
