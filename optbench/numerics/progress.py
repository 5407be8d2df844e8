"""When a descent is at its end: relative tests only. Imports no torch."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

Finished = Literal["converged", "stalled", "unbounded"]

_PATIENCE = 20  # steps in a row that lower neither f nor the gradient
_FAILURE = 5  # of them, for a step on which nothing was found


@dataclass
class Progress:
    """Follows f and the largest entry of the gradient; updated in place at each step."""

    eps: float  # of the dtype
    first_gradient: float = 0.0
    largest_gradient: float = 0.0
    lowest: float = math.inf  # of f
    smallest_gradient: float = math.inf
    idle: int = 0  # steps in a row without progress

    def begin(self) -> None:
        """Forget what was lowest: from here on another function is seen."""
        self.lowest = self.smallest_gradient = math.inf
        self.idle = 0

    def ends(self, value: float, gradient: float) -> bool:
        """Look at the point; tell whether its gradient is zero but for rounding, or nothing has fallen for long."""
        self.first_gradient = self.first_gradient or gradient
        if gradient < math.inf:
            self.largest_gradient = max(self.largest_gradient, gradient)
        falls = value < self.lowest or gradient < self.smallest_gradient
        self.idle = 0 if falls else self.idle + 1
        self.lowest, self.smallest_gradient = min(self.lowest, value), min(self.smallest_gradient, gradient)
        return gradient <= self.eps * min(1.0, self.first_gradient) or self.idle >= _PATIENCE

    def fails(self) -> None:
        """Note that no step was found."""
        self.idle += _FAILURE

    @property
    def verdict(self) -> Finished:
        """Say what it means to end here: converged where the gradient has fallen to its rounding."""
        return "converged" if self.smallest_gradient <= self.eps**0.75 * self.largest_gradient else "stalled"
