"""A counting oracle of residuals, independent of the engine's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
import torch
from torch import Tensor


@dataclass
class ResidualOracle:
    """Derives everything of f = factor·‖r‖² by autograd, and counts."""

    function: Callable[[Tensor], Tensor]
    size: int
    factor: float = 1.0
    dtype: torch.dtype = torch.float64
    batch: int = 0
    counts: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(("value", "gradient", "gauss_newton_vector", "residuals", "jacobian"), 0)
    )

    @property
    def offers(self) -> frozenset[str]:
        return frozenset(self.counts)

    @property
    def evaluations(self) -> int:
        return max(self.counts.values())

    def residuals(self, x: Tensor) -> Tensor:
        self.counts["residuals"] += 1
        return self.function(x)

    def jacobian(self, x: Tensor) -> Tensor:
        self.counts["jacobian"] += 1
        return torch.func.jacrev(self.function)(x)

    def gauss_newton_vector(self, x: Tensor, v: Tensor) -> Tensor:
        self.counts["gauss_newton_vector"] += 1
        dense = torch.func.jacrev(self.function)(x)
        return 2 * self.factor * dense.T @ (dense @ v)

    def value(self, x: Tensor) -> Tensor:
        self.counts["value"] += 1
        return self._f(x)

    def value_and_gradient(self, x: Tensor) -> tuple[Tensor, Tensor]:
        self.counts["value"] += 1
        self.counts["gradient"] += 1
        gradient, value = torch.func.grad_and_value(self._f)(x)
        return value, gradient

    def _f(self, x: Tensor) -> Tensor:
        return self.factor * self.function(x).square().sum()


@pytest.fixture
def least_squares() -> type[ResidualOracle]:
    """The class: a test builds its own oracles."""
    return ResidualOracle


@pytest.fixture
def exponential_fit() -> Callable[[Tensor], Any]:
    """Residuals of a·exp(−b·t) + c against ten data that no such curve meets."""
    times = torch.arange(10, dtype=torch.float64) / 4
    data = 2 * torch.exp(-1.3 * times) + 0.5 + 0.1 * torch.cos(7 * times)
    return lambda x: x[0] * torch.exp(-x[1] * times.to(x.dtype)) + x[2] - data.to(x.dtype)
