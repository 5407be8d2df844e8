"""How the learning rate of a torch optimizer changes over the steps, as selectable parts. Imports no torch.

Each schedule is a factor of `lr` in closed form, k the steps that are done; a factor that no longer changes is held.
torch.optim.lr_scheduler.LambdaLR applies it (`optbench.api.TorchOptimizer`): torch's own classes multiply the last rate
by a ratio, which adds up rounding, and beyond their end a cosine rises again and one cycle raises an error.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from optbench.api import Option, Part
from optbench.numerics.parts import build_part

_TABLE = "optbench.numerics.schedules:SCHEDULES"


class Schedule(Protocol):
    """A factor of the learning rate that changes with the steps."""

    @property
    def lasts(self) -> float:
        """After how many steps it no longer changes."""
        ...

    def factor(self, step: int) -> float:
        """Return the factor after `step` steps."""
        ...


@dataclass(frozen=True, kw_only=True)
class Constant:
    """The rate stays."""

    lasts = 0.0

    def factor(self, step: int) -> float:
        """Return 1."""
        return 1.0


@dataclass(frozen=True, kw_only=True)
class Steps:
    """Multiplied by `by` after every so many steps."""

    every: int
    by: float
    lasts = math.inf

    def factor(self, step: int) -> float:
        """Return by^⌊k/every⌋."""
        return float(self.by ** (step // self.every))


@dataclass(frozen=True, kw_only=True)
class Milestones:
    """Multiplied by `by` at each of the given steps."""

    at: Sequence[int]
    by: float

    @property
    def lasts(self) -> float:
        """Return the last milestone."""
        return max(self.at, default=0)

    def factor(self, step: int) -> float:
        """Return by^(number of milestones passed)."""
        return float(self.by ** bisect_right(sorted(self.at), step))


@dataclass(frozen=True, kw_only=True)
class Exponential:
    """Multiplied by `by` after each step."""

    by: float
    lasts = math.inf

    def factor(self, step: int) -> float:
        """Return by^k."""
        return float(self.by**step)


@dataclass(frozen=True, kw_only=True)
class Linear:
    """From `start` to `end`, shares of the rate, along a line: with start=1 the book's equation 8.14, τ = steps."""

    steps: int
    start: float
    end: float

    @property
    def lasts(self) -> float:
        """Return its steps."""
        return self.steps

    def factor(self, step: int) -> float:
        """Return start + (end − start) k/steps."""
        return self.start + (self.end - self.start) * min(step / self.steps, 1.0)


@dataclass(frozen=True, kw_only=True)
class Cosine:
    """From 1 to `end` along half a cosine (Loshchilov & Hutter, SGDR, ICLR 2017, equation 5, without restarts)."""

    steps: int
    end: float

    @property
    def lasts(self) -> float:
        """Return its steps."""
        return self.steps

    def factor(self, step: int) -> float:
        """Return end + (1 − end)(1 + cos πk/steps)/2."""
        return _eased(1.0, self.end, min(step / self.steps, 1.0))


@dataclass(frozen=True, kw_only=True)
class CosineRestarts:
    """Half a cosine over and over, each `growth` times as long as the one before (SGDR, as above)."""

    steps: int
    growth: int
    end: float
    lasts = math.inf

    def factor(self, step: int) -> float:
        """Return the cosine's factor since the last restart."""
        length, since = self.steps, step
        while since >= length:
            since, length = since - length, length * self.growth
        return _eased(1.0, self.end, since / length)


@dataclass(frozen=True, kw_only=True)
class Polynomial:
    """Down to 0 as a power of the steps that are left."""

    steps: int
    power: float

    @property
    def lasts(self) -> float:
        """Return its steps."""
        return self.steps

    def factor(self, step: int) -> float:
        """Return (1 − k/steps)^power."""
        return float((1.0 - min(step / self.steps, 1.0)) ** self.power)


@dataclass(frozen=True, kw_only=True)
class InverseTime:
    """Falling for ever, as Robbins and Monro (1951) ask of it while power is above ½ and at most 1."""

    steps: int
    power: float
    lasts = math.inf

    def factor(self, step: int) -> float:
        """Return (1 + k/steps)^−power."""
        return float((1.0 + step / self.steps) ** -self.power)


@dataclass(frozen=True, kw_only=True)
class OneCycle:
    """Up from `start` to the full rate, then down to `end`, both along half a cosine; momentum stays.

    Smith & Topin, Super-convergence, 2019, in the two phases of torch.optim.lr_scheduler.OneCycleLR.
    """

    steps: int
    rise: float
    start: float
    end: float

    @property
    def lasts(self) -> float:
        """Return its steps."""
        return self.steps

    def factor(self, step: int) -> float:
        """Return the factor; the last of the steps is taken with the rate `end`."""
        last = max(self.steps - 1, 1)
        peak = self.rise * self.steps - 1
        if step < peak:
            return _eased(self.start, 1.0, step / peak)
        return _eased(1.0, self.end, min((step - peak) / (last - peak), 1.0) if last > peak else 1.0)


class WarmUp:
    """From a share `start` of the rate up to all of it along a line, then another schedule from its beginning."""

    def __init__(self, *, steps: int, start: float, then: str) -> None:
        """Build what follows."""
        self._line = Linear(steps=steps, start=start, end=1.0)
        self._then: Schedule = build_part(then, SCHEDULES, "schedule")
        self.lasts = steps + self._then.lasts

    def factor(self, step: int) -> float:
        """Return the line's factor, then the other's."""
        beyond = step - self._line.steps
        return self._line.factor(step) if beyond < 0 else self._then.factor(beyond)


def _eased(first: float, last: float, share: float) -> float:
    """Return what lies between the two by half a cosine."""
    return last + (first - last) * (1.0 + math.cos(math.pi * share)) / 2.0


def _steps(doc: str = "steps of the optimizer that it takes") -> Option:
    return Option(default=1000, doc=doc, low=1)


def _share(default: float, doc: str, high: float | None = None) -> Option:
    return Option(default=default, doc=doc, low=0.0, high=high)


_BY = Option(default=0.1, doc="what the rate is multiplied by", low=0.0)
_END = _share(0.0, "share of the rate that is left at the end")

SCHEDULES: Mapping[str, Part] = {
    "constant": Part(factory=Constant, summary="The rate stays."),
    "step": Part(
        factory=Steps,
        summary="Multiplied by a factor after every so many steps.",
        options={"every": _steps("steps between two changes"), "by": _BY},
    ),
    "multi-step": Part(
        factory=Milestones,
        summary="Multiplied by a factor at given steps.",
        options={"at": Option(default=[1000, 2000], doc="the steps", low=1), "by": _BY},
    ),
    "exponential": Part(
        factory=Exponential,
        summary="Multiplied by a factor after each step.",
        options={"by": Option(default=0.999, doc="what the rate is multiplied by", low=0.0)},
    ),
    "linear": Part(
        factory=Linear,
        summary="Along a line from one share of the rate to another, which is then held.",
        options={"steps": _steps(), "start": _share(1.0, "share of the rate at the start"), "end": _END},
    ),
    "cosine": Part(
        factory=Cosine,
        summary="Down along half a cosine, then held.",
        options={"steps": _steps(), "end": _END},
    ),
    "cosine-restarts": Part(
        factory=CosineRestarts,
        summary="Half a cosine over and over.",
        options={
            "steps": _steps("steps of the first"),
            "growth": Option(default=1, doc="how much longer each is than the one before", low=1),
            "end": _END,
        },
    ),
    "polynomial": Part(
        factory=Polynomial,
        summary="Down to nothing as a power of the steps that are left.",
        options={"steps": _steps(), "power": Option(default=1.0, doc="the power", low=0.0)},
    ),
    "inverse-time": Part(
        factory=InverseTime,
        summary="Falling for ever as a power of the time.",
        options={
            "steps": _steps("steps until the rate is divided by 2 to the power"),
            "power": Option(default=1.0, doc="the power; 0.5 falls with the root", low=0.0),
        },
    ),
    "one-cycle": Part(
        factory=OneCycle,
        summary="Up to the full rate and down to next to nothing, then held.",
        options={
            "steps": _steps(),
            "rise": _share(0.3, "share of the steps on the way up", high=1.0),
            "start": _share(0.04, "share of the rate at the start"),
            "end": _share(4e-6, "share of the rate that is left at the end"),
        },
    ),
    "warm-up": Part(
        factory=WarmUp,
        summary="Up along a line, then another schedule from its beginning.",
        options={
            "steps": Option(default=100, doc="steps of the line", low=1),
            "start": _share(0.01, "share of the rate at the start"),
            "then": Option(default="constant", doc="what follows, such as 'cosine(steps=900)'", components=_TABLE),
        },
    ),
}

SCHEDULE = Option(
    default="constant",
    doc="how lr changes, a step of it a step of the optimizer, such as 'cosine(steps=1000)'",
    components=_TABLE,
)
