"""Descent = a rule for directions × a line search; steepest descent, CG, BFGS and L-BFGS only pick the two.

Shapes: n = number of parameters.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Generic, NamedTuple, Protocol, TypeVar

import torch
from torch import Tensor

from optbench.numerics.line import Found, LineSearch
from optbench.numerics.position import Asked, Visit, arrive, locate, rounding
from optbench.numerics.progress import Finished, Progress
from optbench.numerics.ray import Ray
from optbench.numerics.scalars import limits
from optbench.numerics.steady import Steady
from optbench.numerics.unit import InUnit, power_of_two
from optbench.numerics.vectors import Vectors, View, vectors

if TYPE_CHECKING:
    from optbench.api import Oracle

Memory = TypeVar("Memory")

_FARTHEST = 1e300  # entry of a point that sets how long the first displacement is
# How many powers of eps the first square of the gradient must lie above the least float: 2.5 for its fall on the way,
# since a descent ends where the gradient has fallen by eps^1.25, and 1 for the digits of the last, rounded up.
_FALL = 4.0
_VALUES = 6.0  # that a cubic's curvature is made of
_STRETCH = 2.0  # by which factor, at most, the curvature at the end of a step is believed to differ from its mean
_TIMID, _BOLD = 1e-6, 1e6  # of the last displacement, about: what is tried next is neither shorter nor longer


class Move(NamedTuple):
    """A completed step; both gradients are of the same minibatch."""

    direction: Tensor  # (n,)
    step: float  # the displacement is step·direction
    gradient: Tensor  # (n,), before
    next_gradient: Tensor  # (n,), after
    slope: float  # gradient·direction, before
    next_slope: float  # next_gradient·direction
    value: float = math.nan  # f before, where known; beside it changes of f may be rounding
    next_value: float = math.nan  # f after
    next_view: View | None = None  # numpy's, of next_gradient, where one was taken

    @property
    def curvature(self) -> float:
        """Return displacement·gradient change."""
        return self.step * (self.next_slope - self.slope)

    @property
    def stretch(self) -> float:
        """Return the curvature at the end of the step over its mean; 1 where the values don't tell.

        It is that of the cubic through both values and slopes (Zhang, Deng & Chen, J. Optim. Theory Appl. 102 (1999)).
        What may be rounding of the values is left out, and it lies within ½ and 2, whatever noise there is in f.
        """
        step, slope, next_slope, value = self.step, self.slope, self.next_slope, self.value
        mean = step * (next_slope - slope)
        excess = 3 * (2 * (value - self.next_value) + step * (slope + next_slope))
        doubt = _VALUES * rounding(value, self.gradient)
        if not (abs(excess) > doubt and 0 < mean < math.inf):
            return 1.0
        stretch = 1 + (excess - math.copysign(doubt, excess)) / mean
        return min(max(stretch, 1 / _STRETCH), _STRETCH)

    @property
    def is_convex(self) -> bool:
        """Tell whether f curves upwards along the step, beyond the rounding of the slopes; independent of any scale."""
        rounding = 10 * limits(self.gradient.dtype).eps
        return self.next_slope - self.slope > rounding * max(abs(self.slope), abs(self.next_slope))


class Directions(Protocol[Memory]):
    """Where to go next, from what earlier moves have shown."""

    def start(self, point: Tensor) -> Memory:
        """Return the memory of no moves, its buffers allocated."""
        ...

    def direction(self, memory: Memory, gradient: Tensor) -> Tensor:
        """Return a direction, shape (n,); it may be a buffer of the memory that the next call overwrites."""
        ...

    def learn(self, memory: Memory, move: Move) -> None:
        """Take a move into the memory, in place."""
        ...

    def forget(self, memory: Memory) -> None:
        """Empty the memory, in place: the next direction is the negative gradient."""
        ...

    def knows_scale(self, memory: Memory) -> bool:
        """Tell whether a step of 1 is the natural first trial."""
        ...


@dataclass(kw_only=True)
class DescentState(Generic[Memory]):
    """State of a descent. `point` and the spare buffer change places; the memory is updated in place."""

    # published
    point: Tensor  # (n,)
    finished: Finished | None = None

    # what directions are made from
    memory: Memory
    steepest: bool = True  # the memory is empty: nothing is left to forget

    # where the last step ended; None before the first
    here: Visit | None = None
    batch: int  # the minibatch of `here`

    # whether there is progress; values are compared within one minibatch only
    progress: Progress

    # the last step's length: step·slope sets the first trial of the next
    last_step: float = 0.0
    last_slope: float = 0.0
    opening: tuple[float, float] | None = None  # both, of the first step on this minibatch
    steady: Steady

    # buffers
    spare: Tensor  # (n,), that trial points are written to
    vectors: Vectors

    # what a method measures in, as it was where it began
    reach: float = 1.0  # length of a first displacement, where nothing tells a better one
    unit: float = 1.0  # of f
    squares: tuple[float, float] = (0.0, math.inf)  # of the gradient's largest entry: what floats hold

    def measure_in(self, unit: float) -> None:
        """Let f be in another unit: values, the slope of a step along the gradient, and its length to match."""
        assert self.here is not None
        ratio, self.unit = unit / self.unit, unit
        self.here = replace(self.here, value=self.here.value / ratio, gradient=self.here.gradient / ratio)
        self.last_step, self.last_slope = self.last_step * ratio, self.last_slope / ratio / ratio
        if not 0 < self.last_slope**2 < math.inf:
            self.last_step = 0.0
        self.opening = None
        self.steady.forget()

    def turn(self) -> None:
        """Turn to another minibatch, where to expect what the first step on the last one was, not the last."""
        self.last_step, self.last_slope = self.opening or (self.last_step, self.last_slope)
        self.opening = None
        self.steady.forget()


class Descent(Generic[Memory]):
    """Moves along the rule's direction by the step that the line search finds."""

    def __init__(self, directions: Directions[Memory], search: LineSearch) -> None:
        """Compose the method."""
        self.directions, self.search = directions, search

    def init(self, oracle: Oracle, start: Tensor) -> DescentState[Memory]:
        """Copy the start and allocate; nothing is evaluated yet."""
        return self._begin(start.clone(), oracle.batch, self.directions.start(start), torch.empty_like(start))

    def restart(self, state: DescentState[Memory], oracle: Oracle, start: Tensor) -> DescentState[Memory]:
        """Go on from another point (or problem) with the memory alone, if it is in the oracle's unit of f."""
        begun = self._begin(state.point.copy_(start), oracle.batch, state.memory, state.spare)
        begun.steepest = state.steepest
        if state.unit != 1:
            self._forget(begun)
        return begun

    def reset(self, state: DescentState[Memory]) -> DescentState[Memory]:
        """Forget all but the point; what is returned takes over the buffers."""
        self.directions.forget(state.memory)
        return self._begin(state.point, state.batch, state.memory, state.spare)

    @staticmethod
    def _begin(point: Tensor, batch: int, memory: Memory, spare: Tensor) -> DescentState[Memory]:
        number = limits(point.dtype)
        return DescentState(
            point=point,
            memory=memory,
            batch=batch,
            progress=Progress(number.eps),
            steady=Steady(number.eps),
            spare=spare,
            vectors=vectors(point, spare),
            squares=(number.tiny / number.eps, number.eps * number.max),
        )

    def step(self, oracle: Oracle, state: DescentState[Memory]) -> DescentState[Memory]:
        """Search along one direction; where that fails forget the memory, and where it is empty already, finish."""
        if state.batch != oracle.batch:
            state.turn()
        seen, here, direction, slope, size = self._look(oracle, state)
        least, most = state.squares
        if not (least < size * size < most and state.progress.first_gradient) and self._takes_unit(
            state, here, slope, size
        ):
            seen, here, direction, slope, size = self._look(oracle, state)
        if state.progress.ends(here.value * state.unit, size * state.unit):
            state.finished = self._verdict(state)
            return state
        if not -math.inf < slope < 0:
            return self._give_up(state)
        ray = Ray(seen, here, direction, state.spare, state.vectors)
        line = ray.line(slope, state.progress.vast)
        found = self.search.search(line, self._first_step(state, slope))
        state.steady.note(line, found)
        if found.outcome == "unbounded" or state.steady.is_endless:
            state.finished = "unbounded"
        if found.trial.step == 0:
            return state if state.finished else self._give_up(state)
        if found.outcome == "failed":
            state.progress.fails()
        return self._move(state, ray, slope, found)

    def _look(self, oracle: Oracle, state: DescentState[Memory]) -> tuple[Asked, Visit, Tensor, float, float]:
        """Return whom to ask, where the state stands, the direction, its slope, and the gradient's largest entry."""
        seen: Asked = oracle if state.unit == 1 else InUnit(oracle, state.unit)
        here = locate(seen, state)
        if here.largest_entry:
            state.reach = max(1.0, state.progress.eps**0.5 * min(here.largest_entry, _FARTHEST))
        direction = self.directions.direction(state.memory, here.gradient)
        slope, size = state.vectors.slope_and_size(here.gradient, direction, here.point)
        return seen, here, direction, slope, size

    @staticmethod
    def _verdict(state: DescentState[Memory]) -> Finished:
        state.progress.extent = state.vectors.extent(state.point)
        return state.progress.verdict

    def _takes_unit(self, state: DescentState[Memory], here: Visit, slope: float, size: float) -> bool:
        """Let f be measured in the gradient's unit if squares in its own leave the floats, or may from the start on.

        What was learnt in another unit is forgotten.
        """
        number = limits(here.point.dtype)
        begins, (least, most) = not state.progress.first_gradient, state.squares
        least, square = (number.tiny / number.eps**_FALL, -slope) if begins else (least, size * size)
        if not 0 < size < math.inf or least < square < most:
            return False
        unit = power_of_two(size * state.unit, least=number.tiny)
        ratio = unit / state.unit
        if ratio == 1 or not abs(here.value) / ratio <= number.max:
            return False
        self._forget(state)
        state.measure_in(unit)
        return True

    def _first_step(self, state: DescentState[Memory], slope: float) -> float:
        growth = state.steady.growth
        if self.directions.knows_scale(state.memory):
            return growth * state.last_step if growth > 1 else 1.0
        if state.last_step:
            # The first-order decrease of the last step, expected again (Nocedal & Wright 2006, section 3.5); but out of
            # a plain, where slopes are next to nothing, a displacement of its length is tried all the same, and from a
            # pole, where they are vast, none that is longer by many orders.
            ratio = state.last_slope / slope
            root, timid = math.sqrt(ratio), max(_TIMID, state.progress.eps**0.5)
            return growth * state.last_step * min(max(ratio, timid * root), _BOLD * root)
        return state.reach / math.sqrt(-slope)  # a displacement of that length along the negative gradient

    def _move(self, state: DescentState[Memory], ray: Ray, slope: float, found: Found) -> DescentState[Memory]:
        visit = ray.take(found.trial.step)
        start, view = ray.start, state.vectors.view(visit.gradient)
        ends = start.gradient, visit.gradient, slope, found.trial.slope, start.value, visit.value
        move = Move(ray.direction, visit.step, *ends, view)
        self.directions.learn(state.memory, move)
        state.steepest = False
        state.last_step, state.last_slope = visit.step, slope
        state.opening = state.opening or (visit.step, slope)
        arrive(state, visit)
        return state

    def _give_up(self, state: DescentState[Memory]) -> DescentState[Memory]:
        """Forget, so that the next step tries the negative gradient; finish where this one did."""
        if state.steepest:
            state.finished = self._verdict(state)
        state.progress.fails()
        state.last_step = 0.0
        state.steady.forget()
        self._forget(state)
        return state

    def _forget(self, state: DescentState[Memory]) -> None:
        self.directions.forget(state.memory)
        state.steepest = True
