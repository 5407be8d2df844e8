"""A function along a ray as plain floats, and what a line search says about it. Imports no torch."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal, NamedTuple, Protocol

FAR = 0.1  # of the way to a point where f isn't a number
ENDLESS = 1e12  # how much longer than the first a step must be, at least, for f that falls steadily to be unbounded
_ORDERS = 1e3  # the ends of an interval that is cut by orders differ by more than this factor
_POLE = 1e6  # how much more than what f showed its slope promised, beside a pole: there a slope says nothing
_LONGEST = 1e300  # a step
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
    is_vast: Callable[[float], bool] = lambda _: True  # whether a step leads beyond any scale of the problem

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

    def is_endless(self, step: float, first: float) -> bool:
        """Tell whether f that falls steadily up to a step is unbounded, for all that was seen since the first trial.

        The first may have been minute, as beside a maximum: that a step is longer by orders is not enough.
        """
        return step > ENDLESS * first and self.is_vast(step)


class Found(NamedTuple):
    """The end of a search; nothing needs to be evaluated again at `trial`.

    Where the search failed, `trial` is the best point that decreases f sufficiently, at step 0 where there is none, but
    for the lowest one where f falls off a pole.
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


def lengthened(step: float, first: float, growth: float) -> float:
    """Return a step longer by a factor, or by ever more orders where it outgrew the first one by orders already."""
    outgrown = step / ENDLESS / first if first > 0 else 0.0
    return min(step * max(growth, outgrown), _LONGEST)


def between_orders(one: Trial, other: Trial, first: float) -> float:
    """Return the geometric mean of two steps, where the longer outgrew the first one by orders, and the other; or 0."""
    short, long = sorted((one.step, other.step))
    if not (short > 0 and long > ENDLESS * first and long > _ORDERS * short):
        return 0.0
    return math.sqrt(short) * math.sqrt(long)


def off_pole(line: Line, lowest: Trial) -> Trial:
    """Return the lowest trial of a search that failed, if f fell there as off a pole, else the start.

    It lies lower by more than rounding, but the slope at the start promised more by orders, whatever the step.
    """
    fall = line.value - lowest.value
    return lowest if fall > line.noise and -line.slope * lowest.step > _POLE * fall else line.start


def are_close(one: Trial, other: Trial) -> bool:
    """Tell whether hardly a float lies between two steps."""
    return abs(other.step - one.step) <= _NARROW * max(one.step, other.step)
