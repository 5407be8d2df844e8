"""What every least-squares test function is: residuals, their Jacobian and a start."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from optbench.api import Point, Streams


@dataclass(frozen=True, kw_only=True, eq=False)  # equal only to itself: tensors have no truth value
class LeastSquares:
    """f(x) = ‖r(x)‖², without the ½, as in Moré, Garbow and Hillstrom (1981).

    `back` gives J(x)ᵀr without forming J, for functions of many variables; without it, J is formed.
    """

    start_point: Tensor  # (n,)
    residuals: Callable[[Tensor], Tensor]  # (n,) -> (m,)
    jacobian: Callable[[Tensor], Tensor]  # (n,) -> (m, n)
    back: Callable[[Tensor, Tensor], Tensor] | None = None  # x (n,), r (m,) -> (n,)
    f_star: float = 0.0
    f_star_source: str = "exact"
    f_star_from_start: float | None = None

    @property
    def size(self) -> int:
        """The number of parameters."""
        return len(self.start_point)

    def start(self, streams: Streams) -> Point:
        """Return the standard start."""
        return Point(parameters=self.start_point.clone())

    def value(self, x: Tensor) -> Tensor:
        """Return ‖r‖²."""
        residuals = self.residuals(x)
        return residuals.dot(residuals)

    def gradient(self, x: Tensor) -> Tensor:
        """Return 2 Jᵀr."""
        return 2.0 * self._back(x, self.residuals(x))

    def value_and_gradient(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return ‖r‖² and 2 Jᵀr from one evaluation of the residuals."""
        residuals = self.residuals(x)
        return residuals.dot(residuals), 2.0 * self._back(x, residuals)

    def _back(self, x: Tensor, residuals: Tensor) -> Tensor:
        return residuals @ self.jacobian(x) if self.back is None else self.back(x, residuals)
