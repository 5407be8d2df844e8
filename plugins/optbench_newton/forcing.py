"""How accurately the Newton equations are solved. Imports no torch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from optbench_newton.amounts import amount

_MOST = 0.5  # residual that may remain, relative to the gradient
_GOLDEN = (1 + 5**0.5) / 2
_SHARE = 0.9
_SAFEGUARDED = 0.1


class Forcing(Protocol):
    """Says which residual may remain; follows the norm of the gradient and is updated in place."""

    def relative(self, gradient_norm: float) -> float:
        """Return ‖H·d + g‖ / ‖g‖ at which a step is accurate enough."""
        ...

    def begin(self) -> None:
        """Be told that another function is seen from here on."""
        ...


@dataclass
class Superlinear:
    """min(½, √(‖g‖ / ‖g₀‖)): the steps converge superlinearly. Unlike the textbook's √‖g‖ it knows no scale of f.

    Dembo & Steihaug, Math. Programming 26 (1983); Nocedal & Wright (2006), section 7.1.
    """

    first: float = 0.0  # ‖g₀‖, 0 until it is seen

    def relative(self, gradient_norm: float) -> float:
        """Return the tolerance."""
        self.first = self.first or gradient_norm
        return min(_MOST, (gradient_norm / self.first) ** 0.5)

    def begin(self) -> None:
        """Keep the first norm: it only sets the scale."""


@dataclass
class EisenstatWalker:
    """0.9·(‖g‖ / ‖g₋₁‖)^1.618, but no sudden drop: choice 2 of Eisenstat & Walker, SIAM J. Sci. Comput. 17 (1996)."""

    previous: float = 0.0  # ‖g₋₁‖, 0 until it is seen
    last: float = _MOST  # tolerance of the last step

    def relative(self, gradient_norm: float) -> float:
        """Return the tolerance."""
        if self.previous:
            wanted = _SHARE * (gradient_norm / self.previous) ** _GOLDEN
            lowest = _SHARE * self.last**_GOLDEN
            self.last = min(_MOST, max(wanted, lowest) if lowest > _SAFEGUARDED else wanted)
        self.previous = gradient_norm
        return self.last

    def begin(self) -> None:
        """Start anew: norms of two functions say nothing about speed."""
        self.previous, self.last = 0.0, _MOST


@dataclass
class Constant:
    """The same each time: linear convergence."""

    tolerance: float

    def relative(self, gradient_norm: float) -> float:
        """Return the tolerance."""
        return self.tolerance

    def begin(self) -> None:
        """Nothing is remembered."""


def forcing_rule(name: str) -> Callable[[], Forcing]:
    """Return what makes the rule that an option names; raises UserError where it is none and no number."""
    if name == "superlinear":
        return Superlinear
    if name == "eisenstat-walker":
        return EisenstatWalker
    tolerance = amount(name, "newton-cg: forcing", ("superlinear", "eisenstat-walker"), below=1)
    return lambda: Constant(tolerance)
