"""Reading scalars from the device."""

from __future__ import annotations

import torch
from torch import Tensor


def read(*scalars: Tensor) -> list[float]:
    """Return tensors of shape () as floats, with one host-device synchronisation for all of them."""
    if len(scalars) == 1 or scalars[0].is_cpu:
        return [scalar.item() for scalar in scalars]
    values: list[float] = torch.stack(scalars).tolist()
    return values


def largest(vector: Tensor) -> Tensor:
    """Return the largest absolute entry, shape ()."""
    low, high = extremes(vector)
    return torch.maximum(high, low.neg())


def extremes(vector: Tensor) -> tuple[Tensor, Tensor]:
    """Return the least and the largest entry, shape () each; on the CPU in a tenth of the time of a norm."""
    low, high = torch.aminmax(vector)
    return low, high
