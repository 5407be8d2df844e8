"""When a descent is at its end: relative tests only. Imports no torch."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

Finished = Literal["converged", "stalled", "unbounded"]

_PATIENCE = 20  # steps in a row that lower neither f nor the gradient
_FAILURE = 5  # of them, for a search that failed


@dataclass
class Progress:
    """Follows f and the largest entry of the gradient; updated in place at each step."""

    eps: float  # of the dtype
    vast: float = math.inf  # a displacement beyond any scale of the problem, as far as the start tells
    first_gradient: float = 0.0
    largest_gradient: float = 0.0
    fallen_gradient: float = math.inf  # the smallest since the largest
    highest: float = -math.inf  # of f
    lowest: float = math.inf  # of f, when it last fell by more than rounding
    smallest_gradient: float = math.inf
    idle: int = 0  # steps in a row without progress
    gradient: float = math.nan  # the last
    extent: float = math.nan  # largest entry of the last point; only a verdict asks for it

    def begin(self, entry: float = 0.0) -> None:
        """Forget what was lowest: from here on another function is seen, from a point with a largest entry."""
        self.vast = max(1.0, entry) / self.eps**2
        self.highest, self.lowest = -math.inf, math.inf
        self.smallest_gradient = self.fallen_gradient = math.inf
        self.idle = 0

    def ends(self, value: float, gradient: float, extent: float = math.nan) -> bool:
        """Look at the point; tell whether its gradient is as good as zero or no number, or nothing has fallen for long.

        As good as zero is a share eps^1.25 of the first: after a steep start a share eps may be far from zero still.
        After a very steep one that share may be, too, as long as f falls by more than rounding.
        """
        self.gradient, self.extent = gradient, extent
        if gradient < math.inf:
            self.first_gradient = self.first_gradient or gradient
            if value <= self.lowest and gradient > self.largest_gradient:  # what a diverging run meets is no measure
                self.largest_gradient = self.fallen_gradient = gradient
            self.fallen_gradient = min(self.fallen_gradient, gradient)
        if value < math.inf:
            self.highest = max(self.highest, value)
        has_fallen = value < self.lowest - self._rounding(value)
        self.idle = 0 if has_fallen or gradient < self.smallest_gradient else self.idle + 1
        self.lowest = value if has_fallen else self.lowest
        self.smallest_gradient = min(self.smallest_gradient, gradient)
        is_flat = gradient <= self.eps**1.25 * self.first_gradient and not (has_fallen and gradient)
        return is_flat or not gradient < math.inf or self.idle >= _PATIENCE

    def _is_flat(self, limit: float) -> bool:
        """Tell whether a change of the point by its largest entry would change f by no more than a limit."""
        return self.gradient == 0 or (self.extent > 0 and self.gradient * self.extent <= limit)

    def _rounding(self, value: float) -> float:
        """Return by how much f may seem to fall from `value` without falling: squares of residuals round to eps²."""
        return self.eps**2 * (self.highest - value)

    def fails(self) -> None:
        """Note that a search failed: where nothing has fallen either, rounding decides, and few more are worth it."""
        self.idle += _FAILURE

    @property
    def verdict(self) -> Finished:
        """Say what it means to end here: converged where the gradient has fallen to its rounding.

        The largest on the way is its measure, unless that lay beside a pole; or what it makes of f's own size, since a
        long step may have met no large one.
        """
        share, fall = self.eps**0.75, self.highest - self.lowest
        if self.fallen_gradient <= share * self.largest_gradient and self._is_flat(self.eps ** (1 / 3) * fall):
            return "converged"
        return "converged" if self._is_flat(share * min(fall, abs(self.lowest))) else "stalled"
