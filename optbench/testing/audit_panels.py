"""Problems with panels for audits, on the device. Shapes: a panel has K rows of N entries."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from optbench.api import Layout, Panel, Point, Streams
from optbench.testing.audit_shadows import DEVICE

_DTYPE = torch.float64


class SparseRegression:
    """f(x) = ½‖Ax − b‖² + ½·Σ|x|: one panel, whose rows are single coordinates."""

    f_star: float | None = None
    f_star_source = ""
    f_star_from_start: float | None = None
    size = 40

    def __init__(self) -> None:
        """Lay out A, (50, 40), and b, (50,)."""
        self._inputs, self._targets = _waves(50, self.size), 3 * _waves(50, 1)[:, 0]
        self.panels: Mapping[str, Panel] = {"x": Panel(l1=0.5)}

    def start(self, streams: Streams) -> Point:
        """Return ones."""
        layout: Layout = {"x": (0, (self.size,))}
        return Point(parameters=torch.ones(self.size, dtype=_DTYPE, device=DEVICE), layout=layout)

    def value(self, x: Tensor) -> Tensor:
        """Return f(x), ()."""
        return 0.5 * (self._inputs @ x - self._targets).square().sum() + 0.5 * x.abs().sum()

    def gram(self, x: Tensor, name: str) -> Tensor:
        """Return AᵀA, (K, K)."""
        return self._inputs.T @ self._inputs


class Factors:
    """f(B, C) = ½‖X − BᵀC‖² + 0.1·Σ|B|, rows of C no longer than 1: two panels of several entries a row."""

    f_star: float | None = None
    f_star_source = ""
    f_star_from_start: float | None = None
    size = 4 * (6 + 5)

    def __init__(self) -> None:
        """Lay out X, (6, 5)."""
        self._target = 3 * _waves(6, 5)
        self.panels: Mapping[str, Panel] = {"left": Panel(l1=0.1), "right": Panel(bound=1.0)}

    def start(self, streams: Streams) -> Point:
        """Return waves."""
        layout: Layout = {"left": (0, (4, 6)), "right": (24, (4, 5))}
        return Point(parameters=_waves(self.size, 1)[:, 0].clone(), layout=layout)

    def value(self, x: Tensor) -> Tensor:
        """Return f, ()."""
        left, right = self._factors(x)
        return 0.5 * (self._target - left.T @ right).square().sum() + 0.1 * left.abs().sum()

    def gram(self, x: Tensor, name: str) -> Tensor:
        """Return the products of the other factor's rows, (K, K)."""
        left, right = self._factors(x)
        other = right if name == "left" else left
        return other @ other.T

    @staticmethod
    def _factors(x: Tensor) -> tuple[Tensor, Tensor]:
        """Return B, (4, 6), and C, (4, 5), shortened to the bound."""
        right = x[24:].view(4, 5)
        return x[:24].view(4, 6), right / torch.linalg.vector_norm(right, dim=1, keepdim=True).clamp(min=1)


def _waves(rows: int, columns: int) -> Tensor:
    """Return numbers in [−1, 1] without a pattern, (rows, columns)."""
    return torch.arange(1, rows * columns + 1, dtype=_DTYPE).square().sin().view(rows, columns).to(DEVICE)
