"""Distributions of weights: by torch.nn.init where it has them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor
from torch.nn import init

from optbench.api import UserError

Fill = Callable[[str, Tensor, torch.Generator], None]


def uniform_fan_in() -> Fill:
    """Return what draws from U(−1/√m, 1/√m)."""
    # With a = √5, the bound √(6/((1 + a²) m)) of this function is 1/√m.
    return _of_units("uniform-fan-in", lambda it, draws: init.kaiming_uniform_(it, a=math.sqrt(5.0), generator=draws))


def glorot_uniform() -> Fill:
    """Return what draws from U(−√(6/(m + n)), √(6/(m + n)))."""
    return _of_units("glorot-uniform", lambda it, draws: init.xavier_uniform_(it, generator=draws))


def he(*, distribution: Literal["normal", "uniform"]) -> Fill:
    """Return what draws with variance 2/m."""
    draw = init.kaiming_normal_ if distribution == "normal" else init.kaiming_uniform_
    return _of_units("he", lambda it, draws: draw(it, nonlinearity="relu", generator=draws))


def gaussian(*, std: float) -> Fill:
    """Return what draws from N(0, std²)."""
    return lambda _, tensor, generator: _ignore(init.normal_(tensor, std=std, generator=generator))


def constant(*, value: float) -> Fill:
    """Return what sets every entry to `value`."""
    return lambda _, tensor, __: _ignore(init.constant_(tensor, value))


def orthogonal(*, gain: float) -> Fill:
    """Return what draws `gain` times a matrix with orthonormal rows or columns, evenly among all such."""
    return _of_units("orthogonal", lambda it, draws: init.orthogonal_(it, gain=gain, generator=draws))


def sparse(*, k: int, std: float) -> Fill:
    """Return what draws k weights of each unit from N(0, std²), others zero.

    torch's `sparse_` leaves k weights of each input, and other numbers of each unit.
    """

    def fill(tensor: Tensor, generator: torch.Generator) -> Tensor:
        units = tensor.zero_().view(len(tensor), -1)
        kept = min(k, units.shape[1])
        places = torch.rand(units.shape, generator=generator, dtype=tensor.dtype).topk(kept, dim=1).indices
        drawn = torch.randn(places.shape, generator=generator, dtype=tensor.dtype)
        return units.scatter_(1, places, std * drawn)

    return _of_units("sparse", fill)


def _of_units(title: str, fill: Callable[[Tensor, torch.Generator], Tensor]) -> Fill:
    """Return what fills tensors that have units with inputs, and refuses others in one line."""

    def checked(name: str, tensor: Tensor, generator: torch.Generator) -> None:
        if tensor.ndim < 2:
            remedy = "biases take zero, constant, gaussian, gate, output-prior"
            raise UserError(f"{title} of {name}, whose units have no inputs", "weights alone take it", remedy)
        fill(tensor, generator)

    return checked


def _ignore(_: Tensor) -> None:
    """Return nothing: torch's functions return the tensor that they fill."""
