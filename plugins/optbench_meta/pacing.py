"""How a curriculum opens the examples, the easiest first: the part of them that is open after so many minibatches."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass


def linear(start: float, progress: float) -> float:
    """Return start + (1 − start)·u."""
    return start + (1 - start) * progress


def exponential(start: float, progress: float) -> float:
    """Return start^(1 − u): the same factor in the same time."""
    return float(start ** (1 - progress))


def root(start: float, progress: float) -> float:
    """Return √(start² + (1 − start²)·u) (Platanios et al., 2019): fewer new examples as time goes on."""
    return math.sqrt(start**2 + (1 - start**2) * progress)


def step(start: float, progress: float) -> float:
    """Return `start` until the end, then 1 (Bengio et al., 2009)."""
    return start if progress < 1 else 1.0


PACINGS: Mapping[str, Callable[[float, float], float]] = {
    "linear": linear,
    "exponential": exponential,
    "root": root,
    "step": step,
}


@dataclass(frozen=True, kw_only=True)
class Pace:
    """The open part c of the examples after t minibatches: from `start` to all of them at t = `steps`."""

    name: str  # of PACINGS
    start: float
    steps: int

    def open_part(self, minibatches: int, examples: int) -> float:
        """Return c, in (0, 1], as a whole number of examples, one at least."""
        part = PACINGS[self.name](self.start, min(1.0, minibatches / self.steps))
        return math.ceil(part * examples) / examples
