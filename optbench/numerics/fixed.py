"""The same step along every direction. Imports no torch."""

from __future__ import annotations

import math
from dataclasses import dataclass

from optbench.numerics.line import Found, Line


@dataclass(frozen=True, kw_only=True)
class Fixed:
    """Takes `step` times the direction, whatever f does there: no condition is tested.

    A step to where f isn't a number is taken, too: what follows is the step's fault, and seen as divergence.
    """

    step: float = 1.0

    def search(self, line: Line, first: float) -> Found:
        """Evaluate once, at the fixed step; `first` is not looked at."""
        trial = line.at(self.step)
        return Found(trial, "unbounded" if trial.value == -math.inf else "accepted", 1)
