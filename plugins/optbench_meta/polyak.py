"""Polyak averaging: the average of the iterates is scored; the iterates themselves go their way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from torch import Tensor

from optbench.api import Layout, Point, Readout, Recipe, Refused, Streams


@dataclass(frozen=True, kw_only=True)
class Polyak:
    """Gives a recipe an averaging readout."""

    mode: Literal["mean", "ema"]
    start: int
    decay: float

    def __call__(self, recipe: Recipe, streams: Streams) -> Recipe:
        """Return the recipe with the readout; raises Refused where it has one."""
        if recipe.readout is not None:
            message = "polyak: the recipe already reports something else than its iterate"
            raise Refused(message)
        return replace(recipe, readout=self.readout)

    def readout(self) -> Readout:
        """Return a fresh average."""
        return Average(mean_weight if self.mode == "mean" else self._ema_weight, start=self.start)

    def _ema_weight(self, count: int) -> float:
        return 1.0 if count == 1 else 1.0 - self.decay


def mean_weight(count: int) -> float:
    """Return the weight of the iterate number `count` in the running mean."""
    return 1.0 / count


class Average:
    """θ̂⁽ᵗ⁾ = (1 − w_t) θ̂⁽ᵗ⁻¹⁾ + w_t θ⁽ᵗ⁾ with w_1 = 1, in one buffer of n numbers that is updated in place.

    w_t = 1/t gives the arithmetic mean; w_t = 1 − α gives the exponential average of Goodfellow, Bengio and Courville,
    equation 8.39, begun at θ̂⁽¹⁾ = θ⁽¹⁾. The first `start` iterates are left out: until one follows, the last iterate
    is reported. A stage whose parameters are laid out otherwise begins anew.
    """

    def __init__(self, weight: Callable[[int], float], *, start: int) -> None:
        """Begin with nothing seen; `weight` maps t = 1, 2, … to w_t."""
        self._weight, self._start = weight, start
        self._average: Tensor | None = None
        self._layout: Layout = {}
        self._seen = 0

    def observe(self, point: Point) -> None:
        """Fold in the iterate."""
        iterate = point.parameters.detach()
        average = self._average
        if average is None or average.shape != iterate.shape or self._layout != point.layout:
            average = self._average = iterate.clone()
            self._layout, self._seen = point.layout, 0
        self._seen += 1
        average.lerp_(iterate, self._weight(max(1, self._seen - self._start)))

    def point(self) -> Point:
        """Return a copy of the average, without statistics: those are to be estimated at the average."""
        if self._average is None:
            message = "no iterate was observed"
            raise RuntimeError(message)
        return Point(parameters=self._average.clone(), layout=self._layout)
