"""Reading scalars from the device."""

from __future__ import annotations

import torch
from torch import Tensor


def read(*scalars: Tensor) -> list[float]:
    """Return tensors of shape () as floats, with one host-device synchronisation for all of them."""
    if len(scalars) == 1 or scalars[0].device.type == "cpu":
        return [float(scalar) for scalar in scalars]
    values: list[float] = torch.stack(scalars).tolist()
    return values


def largest(vector: Tensor) -> Tensor:
    """Return the largest absolute entry, shape ()."""
    return torch.linalg.vector_norm(vector, torch.inf)
