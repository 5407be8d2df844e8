"""f in another unit, where squares of its gradient would leave the floats. Shapes: n = number of parameters."""

from __future__ import annotations

import math

from torch import Tensor

from optbench.numerics.position import Asked


class InUnit:
    """What a descent asks of an oracle, f divided by a power of two: no digit of f or of its gradient changes."""

    def __init__(self, oracle: Asked, unit: float) -> None:
        """Pass on to an oracle."""
        self._oracle, self._unit = oracle, unit
        self.batch, self.offers = oracle.batch, oracle.offers

    def value_and_gradient(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return f(x), () and the gradient (n,), in the unit."""
        value, gradient = self._oracle.value_and_gradient(x)
        return value / self._unit, gradient / self._unit

    def line_minimum(self, x: Tensor, direction: Tensor) -> Tensor:
        """Return the step () that minimises f along `direction`; it has no unit of f."""
        return self._oracle.line_minimum(x, direction)


def power_of_two(size: float, *, least: float) -> float:
    """Return the power of two at a size, at least `least`."""
    return max(math.ldexp(1.0, math.frexp(size)[1] - 1), least)
