"""A few steps of stochastic gradient descent before a method begins. Shapes: n = number of parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from optbench.numerics.descent import DescentState
from optbench.numerics.minibatches import OnMinibatches
from optbench_descent.steepest import FixedStep, FixedStepState

if TYPE_CHECKING:
    from torch import Tensor

    from optbench.api import Oracle
    from optbench.numerics.progress import Finished

Memory = TypeVar("Memory")


@dataclass
class WarmState(Generic[Memory]):
    """State of a method that starts warm; the two states within share their point until the method begins."""

    # published
    point: Tensor  # (n,)
    finished: Finished | None

    left: int  # steps of gradient descent yet to come
    warming: FixedStepState
    method: DescentState[Memory]


class WarmStarted(Generic[Memory]):
    """Moves `steps` times by −lr·gradient, each on the minibatch in force, then does what `method` does from there."""

    def __init__(self, method: OnMinibatches[DescentState[Memory]], *, steps: int, lr: float) -> None:
        """Compose the two."""
        self.method, self.steps, self.descent = method, steps, FixedStep(lr)

    def init(self, oracle: Oracle, start: Tensor) -> WarmState[Memory]:
        """Allocate for both."""
        method = self.method.init(oracle, start)
        return WarmState(method.point, None, self.steps, FixedStepState(method.point), method)

    def restart(self, state: WarmState[Memory], oracle: Oracle, start: Tensor) -> WarmState[Memory]:
        """Go on from another point; steps of gradient descent that are done aren't done again."""
        state.method = self.method.restart(state.method, oracle, start)
        return self._publish(state)

    def step(self, oracle: Oracle, state: WarmState[Memory]) -> WarmState[Memory]:
        """Do a step of the one or the other; that the gradient of a minibatch vanishes ends nothing."""
        if state.left:
            state.left -= 1
            self.descent.step(oracle, state.warming)
            return state
        state.method = self.method.step(oracle, state.method)
        return self._publish(state)

    def _publish(self, state: WarmState[Memory]) -> WarmState[Memory]:
        state.point, state.finished = state.method.point, state.method.finished
        return state
