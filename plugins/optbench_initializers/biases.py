"""Initial biases."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from optbench.api import UserError
from optbench.api.weighting import IGNORED

if TYPE_CHECKING:
    from optbench.api.initializing import Initializer, Layer

_UNSEEN = 0.5  # examples that a class counts as which has none: the logarithm of its frequency stays finite


def zero() -> Initializer:
    """Return what sets every entry to zero."""
    return Gate(c=0.0)


class OutputPrior:
    """Zeros, but for an output layer: the logarithms of the frequencies of its classes among the training examples."""

    def __call__(self, name: str, tensor: Tensor, generator: torch.Generator) -> None:
        """Set every entry to zero; raises UserError for weights."""
        if tensor.ndim >= 2:
            raise UserError(f"output-prior of {name}, which are weights", "biases alone take it")
        tensor.zero_()

    def adjust(self, name: str, tensor: Tensor, layer: Layer) -> None:
        """Set the output layer's; raises UserError where targets are no classes of its units."""
        if layer.role != "output":
            return
        if layer.targets.is_floating_point():
            raise UserError("biases=output-prior, and targets that are no classes", "biases that look at no classes")
        classes = layer.targets[layer.targets != IGNORED]
        counts = torch.bincount(classes, minlength=tensor.numel()).to(tensor.dtype)
        if len(counts) > tensor.numel():
            raise UserError(f"{name} has {tensor.numel()} entries; there are {len(counts)} classes")
        tensor.copy_((counts.clamp(min=_UNSEEN) / counts.sum()).log())


@dataclass(frozen=True, kw_only=True)
class Gate:
    """c for the forget gates of an LSTM, zero for other biases."""

    c: float

    def __call__(self, name: str, tensor: Tensor, generator: torch.Generator) -> None:
        """Set every entry; a forget gate's tensors are "….forget.bias"."""
        tensor.fill_(self.c if "forget" in name.split(".")[:-1] else 0.0)
