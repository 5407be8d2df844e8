"""Ridge regression and the Lasso with closed-form derivatives.

Shapes: N examples, B examples of a minibatch, n inputs of an example. Inputs and targets are centred: no intercept.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from functools import cached_property

import torch
from torch import Tensor

from optbench.api import Layout, Panel, Point
from optbench_learning.linear import Data, LinearModel

COEFFICIENTS = "coefficients"  # the one tensor of the layout


class LinearRegression(LinearModel):
    """½‖Aθ − b‖²/N over the training examples plus a penalty, from θ = 0; `batch` (B,) takes the mean over some."""

    ridge = 0.0  # what the penalty adds to the diagonal of the curvature

    def __init__(self, data: Data, *, penalty: float, batch_size: int | None = None) -> None:
        """Keep the data; `batch_size` None means that every evaluation uses all examples."""
        super().__init__(data, batch_size=batch_size)
        self.penalty = penalty

    @property
    def layout(self) -> Layout:
        """One tensor of coefficients."""
        return {COEFFICIENTS: (0, (self.inputs,))}

    def evaluate(self, point: Point, split: str) -> dict[str, float]:
        """Return half the mean squared error on a split, without penalty."""
        inputs, targets = self.data[split]
        return {"loss": 0.5 * float((inputs @ point.parameters - targets).square().mean())}

    def value(self, x: Tensor, batch: Tensor | None = None) -> Tensor:
        """Return the objective."""
        inputs, targets = self._rows(batch)
        return 0.5 * (inputs @ x - targets).square().mean() + self.penalised(x)

    def value_and_gradient(self, x: Tensor, batch: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return the objective and Aᵀ(Aθ − b)/B plus the penalty's slope."""
        inputs, targets = self._rows(batch)
        errors = inputs @ x - targets
        value = 0.5 * errors.square().mean() + self.penalised(x)
        return value, torch.addmv(self.slope(x), inputs.T, errors, alpha=1 / len(errors))

    def hessian_vector(self, x: Tensor, v: Tensor, batch: Tensor | None = None) -> Tensor:
        """Return the curvature times v."""
        inputs, _ = self._rows(batch)
        return torch.addmv(v, inputs.T, inputs @ v, beta=self.ridge, alpha=1 / len(inputs))

    def hessian(self, x: Tensor, batch: Tensor | None = None) -> Tensor:
        """Return the curvature, (n, n)."""
        return self._curvature.clone() if batch is None else self._product(self._rows(batch)[0])

    def gram(self, x: Tensor, name: str, batch: Tensor | None = None) -> Tensor:
        """Return the curvature, (n, n)."""
        return self.hessian(x, batch)

    @abstractmethod
    def penalised(self, x: Tensor) -> Tensor:
        """Return the penalty, ()."""

    @abstractmethod
    def slope(self, x: Tensor) -> Tensor:
        """Return the penalty's gradient, (n,)."""

    @cached_property
    def _curvature(self) -> Tensor:
        return self._product(self.data["train"][0])

    def _product(self, inputs: Tensor) -> Tensor:
        product = inputs.T @ inputs / len(inputs)
        product.diagonal().add_(self.ridge)
        return product

    def _rows(self, batch: Tensor | None) -> tuple[Tensor, Tensor]:
        inputs, targets = self.data["train"]
        return (inputs, targets) if batch is None else (inputs.index_select(0, batch), targets.index_select(0, batch))


class Ridge(LinearRegression):
    """½‖Aθ − b‖²/N + ½ penalty ‖θ‖²: a quadratic, and a sum of squares."""

    def __init__(self, data: Data, *, penalty: float, batch_size: int | None = None) -> None:
        """Keep the data; the penalty is part of the curvature."""
        super().__init__(data, penalty=penalty, batch_size=batch_size)
        self.ridge = penalty

    @property
    def panels(self) -> Mapping[str, Panel]:
        """Quadratic, and no more."""
        return {COEFFICIENTS: Panel()}

    def penalised(self, x: Tensor) -> Tensor:
        """Return ½ penalty ‖θ‖²."""
        return 0.5 * self.penalty * x.dot(x)

    def slope(self, x: Tensor) -> Tensor:
        """Return penalty·θ."""
        return self.penalty * x

    def residuals(self, x: Tensor, batch: Tensor | None = None) -> Tensor:
        """Return r with f = ½ r·r, (B + n,): the scaled errors, then √penalty·θ."""
        inputs, targets = self._rows(batch)
        return torch.cat(((inputs @ x - targets) / len(inputs) ** 0.5, self.penalty**0.5 * x))

    def jacobian(self, x: Tensor, batch: Tensor | None = None) -> Tensor:
        """Return the residuals' Jacobian, (B + n, n)."""
        inputs, _ = self._rows(batch)
        scaled = torch.eye(self.size, device=x.device, dtype=x.dtype).mul_(self.penalty**0.5)
        return torch.cat((inputs / len(inputs) ** 0.5, scaled))

    def line_minimum(self, x: Tensor, direction: Tensor, batch: Tensor | None = None) -> Tensor:
        """Return the step that minimises f along a non-zero direction."""
        curvature = direction.dot(self.hessian_vector(x, direction, batch))
        return -direction.dot(self.gradient(x, batch)) / curvature


class Lasso(LinearRegression):
    """½‖Aθ − b‖²/N + penalty·Σ|θ|; its gradient takes sign(0) = 0, one of the subgradients."""

    @property
    def panels(self) -> Mapping[str, Panel]:
        """Quadratic but for the absolute values."""
        return {COEFFICIENTS: Panel(l1=self.penalty)}

    def penalised(self, x: Tensor) -> Tensor:
        """Return penalty·Σ|θ|."""
        return self.penalty * x.abs().sum()

    def slope(self, x: Tensor) -> Tensor:
        """Return penalty·sign(θ)."""
        return self.penalty * torch.sign(x)
