"""Logistic and softmax regression with closed-form derivatives.

Shapes: N examples, p inputs of an example with a constant 1 as the last, C classes. The penalty ½ l2 ‖θ‖² includes the
intercept, which makes the objective strongly convex: one minimum, and f − f* ≤ ‖∇f‖² / (2 l2) certifies it.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, logsigmoid, one_hot

from optbench.api import Layout, Point
from optbench_learning.linear import Data, LinearModel


class LinearClassifier(LinearModel):
    """Mean loss over the training examples plus ½ l2 ‖θ‖², from θ = 0; `batch` (B,) takes the mean over some."""

    def __init__(self, data: Data, *, l2: float, batch_size: int | None = None) -> None:
        """Keep the data; `batch_size` None means that every evaluation uses all examples."""
        super().__init__(data, batch_size=batch_size)
        self.l2 = l2

    @abstractmethod
    def scores(self, x: Tensor, inputs: Tensor) -> Tensor:
        """Return what the classes are told by, (N, C)."""

    def evaluate(self, point: Point, split: str) -> dict[str, float]:
        """Return the mean loss, without penalty, and the accuracy on a split."""
        inputs, targets = self.data[split]
        scores = self.scores(point.parameters, inputs)
        accuracy = (scores.argmax(1) == targets).double().mean()
        return {"loss": float(cross_entropy(scores, targets)), "accuracy": float(accuracy)}


class LogisticRegression(LinearClassifier):
    """Loss −log σ(±θᵀx) of two classes, + for class 1."""

    def __init__(self, data: Data, **options: Any) -> None:
        """Fold the sign of the class into the inputs once."""
        super().__init__(data, **options)
        inputs, targets = data["train"]
        self._signed = inputs * (2 * targets - 1)[:, None]

    @property
    def layout(self) -> Layout:
        """One row of weights, the intercept last."""
        return {"output.weight": (0, (1, self.inputs))}

    def scores(self, x: Tensor, inputs: Tensor) -> Tensor:
        """Return (0, θᵀx) for each example: their softmax is the model's probabilities."""
        score = inputs @ x
        return torch.stack((torch.zeros_like(score), score), dim=1)

    def value(self, x: Tensor, batch: Tensor | None = None) -> Tensor:
        """Return the objective."""
        return self._value(x, self._rows(batch) @ x)

    def value_and_gradient(self, x: Tensor, batch: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return the objective and −Zᵀσ(−Zθ)/B + l2 θ for signed inputs Z."""
        rows = self._rows(batch)
        margin = rows @ x
        weights = torch.sigmoid(-margin) / -len(rows)
        return self._value(x, margin), torch.addmv(x, rows.T, weights, beta=self.l2)

    def hessian_vector(self, x: Tensor, v: Tensor, batch: Tensor | None = None) -> Tensor:
        """Return ZᵀDZv + l2 v with D = σ(Zθ)σ(−Zθ)/B."""
        rows = self._rows(batch)
        return torch.addmv(v, rows.T, self._curvature(x, rows) * (rows @ v), beta=self.l2)

    def hessian(self, x: Tensor, batch: Tensor | None = None) -> Tensor:
        """Return ZᵀDZ + l2 I, (n, n)."""
        rows = self._rows(batch)
        matrix = rows.T @ (self._curvature(x, rows)[:, None] * rows)
        return matrix + self.l2 * torch.eye(self.size, device=x.device, dtype=x.dtype)

    def _rows(self, batch: Tensor | None) -> Tensor:
        return self._signed if batch is None else self._signed.index_select(0, batch)

    def _value(self, x: Tensor, margin: Tensor) -> Tensor:
        return 0.5 * self.l2 * x.dot(x) - logsigmoid(margin).mean()

    @staticmethod
    def _curvature(x: Tensor, rows: Tensor) -> Tensor:
        margin = rows @ x
        return torch.sigmoid(margin) * torch.sigmoid(-margin) / len(rows)


class SoftmaxRegression(LinearClassifier):
    """Cross-entropy of C classes; θ is the (C, p) matrix of weights, row by row, the intercept last in a row."""

    def __init__(self, data: Data, *, classes: int, **options: Any) -> None:
        """Keep the targets as indicator rows, too."""
        super().__init__(data, **options)
        inputs, targets = data["train"]
        self.classes = classes
        self._indicators = one_hot(targets, classes).to(inputs.dtype)

    @property
    def layout(self) -> Layout:
        """One row of weights a class."""
        return {"output.weight": (0, (self.classes, self.inputs))}

    def scores(self, x: Tensor, inputs: Tensor) -> Tensor:
        """Return one score a class for each example."""
        return inputs @ x.view(self.classes, self.inputs).T

    def value(self, x: Tensor, batch: Tensor | None = None) -> Tensor:
        """Return the objective."""
        inputs, indicators = self._rows(batch)
        return self._value(x, self.scores(x, inputs).log_softmax(1), indicators)

    def value_and_gradient(self, x: Tensor, batch: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return the objective and (P − Y)ᵀX/B + l2 θ for probabilities P and indicators Y."""
        inputs, indicators = self._rows(batch)
        logarithms = self.scores(x, inputs).log_softmax(1)
        errors = (logarithms.exp() - indicators) / len(inputs)
        gradient = torch.addmm(x.view(self.classes, -1), errors.T, inputs, beta=self.l2)
        return self._value(x, logarithms, indicators), gradient.flatten()

    def hessian_vector(self, x: Tensor, v: Tensor, batch: Tensor | None = None) -> Tensor:
        """Return RᵀX/B + l2 v, where row i of R is (diag(p_i) − p_i p_iᵀ) V x_i."""
        inputs, _ = self._rows(batch)
        probabilities = self.scores(x, inputs).softmax(1)
        changes = probabilities * self.scores(v, inputs)
        changes = (changes - probabilities * changes.sum(1, keepdim=True)) / len(inputs)
        return torch.addmm(v.view(self.classes, -1), changes.T, inputs, beta=self.l2).flatten()

    def hessian(self, x: Tensor, batch: Tensor | None = None) -> Tensor:
        """Return the Hessian, (n, n): blocks Xᵀdiag(p_c)X on the diagonal minus MᵀM with rows p_i ⊗ x_i, plus l2 I."""
        inputs, _ = self._rows(batch)
        probabilities = self.scores(x, inputs).softmax(1)
        products = probabilities[:, :, None] * inputs[:, None, :]  # (B, C, p)
        rows = products.flatten(1)
        matrix = (rows.T @ rows).neg_()
        index = torch.arange(self.classes, device=x.device)
        matrix.view(self.classes, self.inputs, self.classes, self.inputs)[index, :, index, :] += (
            products.permute(1, 2, 0) @ inputs
        )
        matrix /= len(inputs)
        matrix.diagonal().add_(self.l2)
        return matrix

    def _rows(self, batch: Tensor | None) -> tuple[Tensor, Tensor]:
        inputs, _ = self.data["train"]
        if batch is None:
            return inputs, self._indicators
        return inputs.index_select(0, batch), self._indicators.index_select(0, batch)

    def _value(self, x: Tensor, logarithms: Tensor, indicators: Tensor) -> Tensor:
        return 0.5 * self.l2 * x.dot(x) - (indicators * logarithms).sum() / len(indicators)
