"""How far a model is trusted: a radius that follows what f showed of the decreases that the model promised.

Imports no torch.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from optbench.numerics.line import ENDLESS, lengthened

ACCEPTED = 1e-4  # least gain at which a step is taken
_POOR, _GOOD = 0.25, 0.75  # gains below and above which the radius shrinks and grows
_LEAST, _MOST = 0.1, 0.5  # what may be left of the length of a poor step


def gain(before: float, after: float, *, expected: float, noise: float) -> float:
    """Return the share of the `expected` decrease that f has shown: near 1 where both are rounding, −1 where f is NaN.

    `noise` is how far two equal values of f may lie apart. What falls to −inf has gained all.
    """
    if after == -math.inf:
        return 1.0
    if not math.isfinite(after):
        return -1.0
    promised = max(expected, 0.0) + noise
    return (before - after + noise) / promised if promised > 0 else -1.0


@dataclass
class Trust:
    """The radius within which a model is believed; updated in place. Infinite until a step has been judged.

    Conn, Gould & Toint, Trust-Region Methods (2000), section 17.1.
    """

    radius: float = math.inf
    growth: float = 3.0  # a good step may be followed by one this much longer
    first: float = 0.0  # length of the first good step

    def judge(self, length: float, gained: float) -> None:
        """Shrink after a poor step, grow after a good one.

        A poor step leaves the radius where a parabola through what was seen has its minimum.
        """
        if gained < _POOR:
            self.radius = length * min(max(0.5 / (1 - gained), _LEAST), _MOST)
            return
        if gained > _GOOD:
            self.first = self.first or length
            self.radius = max(lengthened(length, self.first, self.growth), self.radius)
        elif math.isinf(self.radius):
            self.radius = length


@dataclass
class Lengths:
    """Knows how long the first accepted step was, and how far the last ones led; updated in place."""

    first: float = 0.0
    way: float = 0.0  # of the last steps in a row that were cut

    def is_endless(self, value: float, length: float, *, cut: bool, vast: float) -> bool:
        """Take in an accepted step and the value it led to; tell whether f is unbounded below, for all that was seen.

        `cut` tells that the radius has ended the step, not a minimum of the model. The first step may have been minute,
        as beside a maximum: with one longer by orders the way must also exceed `vast`, beyond any scale of the problem.
        """
        self.first = self.first or length
        self.way = self.way + length if cut else 0.0
        return value == -math.inf or (length > ENDLESS * self.first and self.way > vast)
