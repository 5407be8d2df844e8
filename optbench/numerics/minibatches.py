"""Iterative methods on minibatches: how long each is worked on, and what is remembered of it. Imports no torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from optbench.api import Option

if TYPE_CHECKING:
    from torch import Tensor

    from optbench.api import Oracle
    from optbench.numerics.progress import Finished

INNER_STEPS = Option(default=1, doc="iterations on each minibatch; without minibatches a step is one", low=1)
MEMORY = Option(
    default="keep",
    doc="what was learnt on a minibatch: kept for the next, or each begins with nothing",
    choices=("keep", "reset"),
)


class Ending(Protocol):
    """A state that knows where it stands, and whether nothing is left to do."""

    point: Tensor  # (n,)
    finished: Finished | None


class Resumable(Ending, Protocol):
    """A state that knows on which minibatch it was last evaluated."""

    batch: int


State = TypeVar("State", bound=Resumable)
AnyState = TypeVar("AnyState", bound=Ending)


class Restartable(Protocol[AnyState]):
    """A method whose gradients of one move are of one minibatch: on another it evaluates its point anew."""

    def init(self, oracle: Oracle, start: Tensor) -> AnyState:
        """Return the first state."""
        ...

    def restart(self, state: AnyState, oracle: Oracle, start: Tensor) -> AnyState:
        """Go on from another point with what was learnt."""
        ...

    def step(self, oracle: Oracle, state: AnyState) -> AnyState:
        """Take one step."""
        ...


class Resettable(Restartable[State], Protocol[State]):
    """One that can forget."""

    def reset(self, state: State) -> State:
        """Forget all but the point: what follows is as after `init` there. Buffers are taken over."""
        ...


class OnMinibatches(Generic[State]):
    """Takes `inner_steps` steps of a method on each minibatch, which is held for all of them; one step on all examples.

    That nothing is left to gain on one minibatch ends the work on it, not the trial.
    """

    def __init__(self, method: Resettable[State], *, inner_steps: int, memory: str) -> None:
        """Compose the two; `memory` is "keep" or "reset"."""
        self.method, self.inner_steps, self.resets = method, inner_steps, memory == "reset"

    def init(self, oracle: Oracle, start: Tensor) -> State:
        """Return the method's first state."""
        return self.method.init(oracle, start)

    def restart(self, state: State, oracle: Oracle, start: Tensor) -> State:
        """Go on from another point with what the method has learnt."""
        return self.method.restart(state, oracle, start)

    def step(self, oracle: Oracle, state: State) -> State:
        """Take the steps on the minibatch in force."""
        if not oracle.batch:
            return self.method.step(oracle, state)
        if self.resets and state.batch != oracle.batch:
            state = self.method.reset(state)
        for _ in range(self.inner_steps):
            state = self.method.step(oracle, state)
            if state.finished:
                break
        state.finished = "unbounded" if state.finished == "unbounded" else None
        return state


class PerMinibatch(Generic[AnyState]):
    """Takes one step of a method on each minibatch. That one is solved, or of no use to it, ends no trial."""

    def __init__(self, method: Restartable[AnyState]) -> None:
        """Wrap the method."""
        self.method = method

    def init(self, oracle: Oracle, start: Tensor) -> AnyState:
        """Return the method's first state."""
        return self.method.init(oracle, start)

    def restart(self, state: AnyState, oracle: Oracle, start: Tensor) -> AnyState:
        """Go on from another point with what the method has learnt."""
        return self.method.restart(state, oracle, start)

    def step(self, oracle: Oracle, state: AnyState) -> AnyState:
        """Take a step; where the method had finished with the minibatch, the next begins as a restart does."""
        state = self.method.step(oracle, state)
        if oracle.batch and state.finished and state.finished != "unbounded":
            state = self.method.restart(state, oracle, state.point)
        return state
