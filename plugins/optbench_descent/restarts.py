"""When conjugate gradients start again along the negative gradient. Imports no torch.

Whatever the rule, a direction along which f doesn't fall is replaced by the negative gradient (`Descent`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from optbench.api import Option, Part

if TYPE_CHECKING:
    from torch import Tensor

    from optbench.numerics.descent import Move


class Restart(Protocol):
    """Decides after each move."""

    def is_due(self, move: Move, age: int) -> Tensor:
        """Tell whether the next direction is the negative gradient, shape (); `age` counts moves, this one included."""
        ...


@dataclass(frozen=True, kw_only=True)
class Every:
    """A restart after each k moves."""

    k: int = 5

    def is_due(self, move: Move, age: int) -> Tensor:
        """Count."""
        return move.gradient.new_tensor(age % (self.k or max(len(move.gradient), 20)) == 0).bool()


@dataclass(frozen=True, kw_only=True)
class Powell:
    """A restart where successive gradients are far from orthogonal: |g⁺·g| ≥ threshold·g⁺·g⁺.

    Powell, Math. Programming 12 (1977); Nocedal & Wright (2006), equation 5.52.
    """

    threshold: float = 0.2

    def is_due(self, move: Move, age: int) -> Tensor:
        """Compare, on the gradients' device."""
        g, after = move.gradient, move.next_gradient
        return g.dot(after).abs() >= self.threshold * after.dot(after)


@dataclass(frozen=True, kw_only=True)
class Never:
    """No restart."""

    def is_due(self, move: Move, age: int) -> Tensor:
        """Say no."""
        return move.gradient.new_zeros(()).bool()


RESTARTS: Mapping[str, Part] = {
    "every": Part(
        factory=Every,
        summary="After each k moves.",
        options={"k": Option(default=5, doc="moves from one restart to the next", low=0, search="log")},
    ),
    "powell": Part(
        factory=Powell,
        summary="Where successive gradients are far from orthogonal: |g+.g| >= threshold g+.g+.",
        options={"threshold": Option(default=0.2, doc="how far from orthogonal, relative to the newer one", low=0.0)},
    ),
    "none": Part(factory=Never, summary="Only where a direction would lead uphill."),
}
