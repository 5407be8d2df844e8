"""When conjugate gradients start again along the negative gradient. Imports no torch.

Whatever the rule, a direction along which f doesn't fall is replaced by the negative gradient (`Descent`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from optbench.api import Option, Part

if TYPE_CHECKING:
    from torch import Tensor

    from optbench.numerics.descent import Move


_LEAST = 20  # moves: with few parameters, a restart every n moves wastes what was learnt


class Restart(Protocol):
    """Decides after each move."""

    def keeps(self, seen: Callable[[], Move], age: int) -> bool | Tensor:
        """Tell whether the last direction is kept, in a tensor of shape () where the device decides.

        `seen` returns the move in the variables where conjugacy is sought; few rules look. `age` counts the moves since
        the start, or since a direction was forgotten; this one is included.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class Every:
    """A restart after each k moves; k = 0 stands for n, but no fewer than 20."""

    k: int = 5

    def keeps(self, seen: Callable[[], Move], age: int) -> bool:
        """Count."""
        return age % (self.k or max(len(seen().gradient), _LEAST)) != 0


@dataclass(frozen=True, kw_only=True)
class Powell:
    """A restart where successive gradients are far from orthogonal: |g⁺·g| ≥ threshold·g⁺·g⁺.

    Powell, Math. Programming 12 (1977); Nocedal & Wright (2006), equation 5.52.
    """

    threshold: float = 0.2

    def keeps(self, seen: Callable[[], Move], age: int) -> bool | Tensor:
        """Compare, on the gradients' device."""
        move = seen()
        after = move.next_gradient
        return abs(move.gradient.dot(after)) < self.threshold * after.dot(after)


@dataclass(frozen=True, kw_only=True)
class Never:
    """No restart."""

    def keeps(self, seen: Callable[[], Move], age: int) -> bool:
        """Keep it."""
        return True


RESTARTS: Mapping[str, Part] = {
    "every": Part(
        factory=Every,
        summary="After each k moves.",
        options={
            "k": Option(default=5, doc="moves from one restart to the next; 0: one a parameter, at least 20", low=0)
        },
    ),
    "powell": Part(
        factory=Powell,
        summary="Where successive gradients are far from orthogonal: |g+.g| >= threshold g+.g+.",
        options={
            "threshold": Option(
                default=0.2, doc="how far from orthogonal, relative to the newer one", low=0.0, bounds="(]"
            )
        },
    ),
    "none": Part(factory=Never, summary="Only where a direction would lead uphill."),
}
