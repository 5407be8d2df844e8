"""A function along a ray as plain floats, and what a line search says about it. Imports no torch."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal, NamedTuple, Protocol

FAR = 0.1  # of the way to a point where f isn't a number
ENDLESS = 1e12  # f that falls steadily over a step this much longer than the first is unbounded
_NARROW = 1e-15  # steps closer than this, relative to the longer one, have no further float worth a trial between them


class Trial(NamedTuple):
    """The function at one step: its value and its slope (derivative with respect to the step)."""

    step: float
    value: float
    slope: float


class Line(NamedTuple):
    """φ(step) = f(point + step·direction): what a line search sees of a problem."""

    phi: Callable[[float], tuple[float, float]]  # step -> (value, slope)
    value: float  # φ(0)
    slope: float  # φ'(0), negative
    noise: float = 0.0  # two values closer than this may differ by rounding alone
    minimum: Callable[[], float] | None = None  # the minimising step, where the problem knows it

    @property
    def start(self) -> Trial:
        """Return the trial at step 0."""
        return Trial(0.0, self.value, self.slope)

    def at(self, step: float) -> Trial:
        """Evaluate; a point where f or its slope isn't a number counts as infinitely high."""
        value, slope = self.phi(step)
        if value == -math.inf or (math.isfinite(value) and math.isfinite(slope)):
            return Trial(step, value, slope)
        return Trial(step, math.inf, math.inf)


class Found(NamedTuple):
    """The end of a search; nothing needs to be evaluated again at `trial`.

    Where the search failed, `trial` is the best point that decreases f sufficiently, at step 0 where there is none.
    """

    trial: Trial
    outcome: Literal["accepted", "failed", "unbounded"]
    evaluations: int

    @property
    def succeeded(self) -> bool:
        """Tell whether the conditions of the search hold at `trial`."""
        return self.outcome == "accepted"


class LineSearch(Protocol):
    """Finds a step along a descent direction."""

    def search(self, line: Line, first: float) -> Found:
        """Return where the search ended; `first` is the step to try first."""
        ...


def are_close(one: Trial, other: Trial) -> bool:
    """Tell whether hardly a float lies between two steps."""
    return abs(other.step - one.step) <= _NARROW * max(one.step, other.step)
