"""What every least-squares test function is: residuals, Jacobian, start. Shapes: n parameters, m residuals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from optbench.api import Point, Streams, UserError
from optbench_testfunctions.minima import ZERO, Minima, Stated


@dataclass(frozen=True, kw_only=True, eq=False)  # equal only to itself: tensors have no truth value
class LeastSquares(Stated):
    """f(x) = ‖r(x)‖², without the ½, as in Moré, Garbow and Hillstrom (1981).

    `back` gives J(x)ᵀr without forming J, for functions of many variables; without it, J is formed.
    """

    start_point: Tensor  # (n,)
    residuals: Callable[[Tensor], Tensor]  # (n,) -> (m,)
    jacobian: Callable[[Tensor], Tensor]  # (n,) -> (m, n)
    back: Callable[[Tensor, Tensor], Tensor] | None = None  # x (n,), r (m,) -> (n,)
    minima: Minima = ZERO

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


def columns(*entries: Tensor) -> Tensor:
    """Return the Jacobian (m, n) with the given columns, each (m,)."""
    return torch.stack(entries, dim=1)


def block_diagonal(blocks: Tensor) -> Tensor:
    """Return the (g·k, g·l) matrix with the given blocks, (g, k, l), on its diagonal."""
    count, height, width = blocks.shape
    matrix = blocks.new_zeros(count, height, count, width)
    index = torch.arange(count, device=blocks.device)
    matrix[index, :, index, :] = blocks
    return matrix.view(count * height, count * width)


def counting(count: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    """Return 1, 2, …, count."""
    return torch.arange(1, count + 1, device=device, dtype=dtype)


def require_multiple(name: str, n: int, divisor: int) -> None:
    """Raise UserError unless n is a multiple of the divisor."""
    if n % divisor:
        raise UserError(f"{name}(n={n})", f"n is a multiple of {divisor}", f"write n={n + divisor - n % divisor}")


def residual_count(name: str, n: int, m: int, usual: int) -> int:
    """Return m, the usual number where it is 0; raises UserError where there are fewer residuals than parameters."""
    if 0 < m < n:
        raise UserError(f"{name}(n={n}, m={m})", f"m is 0 (here {usual}) or at least n", f"write m={n} or more")
    return m or usual
