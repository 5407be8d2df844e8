"""Where a method stands: a point with what has been evaluated there. Shapes: n = number of parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from torch import Tensor

from optbench.numerics.progress import Progress
from optbench.numerics.scalars import largest, limits, read

if TYPE_CHECKING:
    from optbench.api import Evaluation

_ROUNDINGS = 16.0  # how many units in the last place two equal values of f may lie apart


@dataclass
class Visit:
    """A point, with its value and gradient."""

    point: Tensor  # (n,), a buffer that a later visit may overwrite
    value: float
    gradient: Tensor  # (n,), the oracle's, never overwritten
    step: float = 0.0  # along the ray on which it lies
    largest_entry: float = 0.0  # of a point where a method begins; elsewhere 0

    @property
    def noise(self) -> float:
        """Return how far apart values of f near here may lie by rounding alone."""
        return rounding(self.value, self.point)


def rounding(value: float, point: Tensor) -> float:
    """Return how far values of f near `value` may lie apart by rounding alone, in the precision of `point`."""
    return _ROUNDINGS * limits(point.dtype).eps * abs(value)


class Asked(Protocol):
    """What of an oracle takes a method along a ray."""

    batch: int
    offers: frozenset[Evaluation]

    def value_and_gradient(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return f(x), shape (), and the gradient (n,)."""
        ...

    def line_minimum(self, x: Tensor, direction: Tensor) -> Tensor:
        """Return the step that minimises f along `direction`, shape ()."""
        ...


def visited(oracle: Asked, point: Tensor) -> Visit:
    """Return the visit of a point; one synchronisation."""
    value, gradient = oracle.value_and_gradient(point)
    height, size = read(value, largest(point))
    return Visit(point, height, gradient, largest_entry=size)


class Located(Protocol):
    """A state that remembers its last visit."""

    point: Tensor
    here: Visit | None  # None before the first step
    batch: int  # the minibatch of `here`
    progress: Progress


def locate(oracle: Asked, state: Located) -> Visit:
    """Return the visit of the state's point, evaluated only at the start and for another minibatch."""
    if state.here is None or state.batch != oracle.batch:
        state.here = visited(oracle, state.point)
        state.batch = oracle.batch
        state.progress.begin(state.here.largest_entry)
    return state.here


class Buffered(Protocol):
    """A state whose point and spare buffer change places."""

    point: Tensor
    here: Visit | None
    spare: Tensor  # like the point


def arrive(state: Buffered, visit: Visit) -> None:
    """Go to a point that lies in the spare buffer; that of the last one becomes spare."""
    state.spare, state.point, state.here = state.point, visit.point, visit
