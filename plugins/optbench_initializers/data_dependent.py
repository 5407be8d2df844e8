"""Weights that are scaled by what a minibatch makes of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from optbench_initializers.weights import orthogonal

if TYPE_CHECKING:
    from optbench.api.initializing import Layer


@dataclass(frozen=True, kw_only=True)
class DataDependent:
    """Orthogonal weights, each linear layer's divided by the spread of its outputs, from the inputs to the outputs.

    Mishkin and Matas (2016), algorithm 1, with the standard deviation over a minibatch and all units as spread; with
    `lower=False` as Goodfellow et al. (2016), section 8.4, have it: weights are only raised. Layers that are not linear
    in their weights, such as recurrent ones, stay orthogonal.
    """

    spread: float
    tolerance: float
    lower: bool
    attempts: int

    def __call__(self, name: str, tensor: Tensor, generator: torch.Generator) -> None:
        """Draw orthogonal weights."""
        orthogonal(gain=1.0)(name, tensor, generator)

    def adjust(self, name: str, tensor: Tensor, layer: Layer) -> None:
        """Scale the weights until the spread is within its tolerance; what is no number or zero is left alone."""
        for _ in range(self.attempts):
            ratio = float(layer.outputs().std(correction=0)) / self.spread
            enough = abs(ratio - 1.0) * self.spread <= self.tolerance or (ratio > 1.0 and not self.lower)
            if enough or not 0.0 < ratio < torch.inf:
                return
            tensor /= ratio
