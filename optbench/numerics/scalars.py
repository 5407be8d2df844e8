"""Reading scalars from the device."""

from __future__ import annotations

import functools
import math

import torch
from torch import Tensor
from torch.overrides import has_torch_function

_HALVED = 0.75  # between the values of f/‖r‖² where f = ½‖r‖² and where f = ‖r‖²

limits = functools.cache(torch.finfo)  # of a dtype; making a new one takes as long as a step's arithmetic on floats


def in_numpy(like: Tensor) -> bool:
    """Tell whether numpy may work on the memory of what is like this: on the CPU, and no stand-in without memory.

    Where somebody watches what torch is asked to do, torch is asked.
    """
    return type(like) is Tensor and like.is_cpu and not has_torch_function((like,))


def representable(number: float, dtype: torch.dtype) -> float:
    """Return a number, infinite where it is beyond the dtype: torch refuses such factors, and rounds such entries."""
    return math.copysign(math.inf, number) if abs(number) > limits(dtype).max else number


def read(*scalars: Tensor) -> list[float]:
    """Return tensors of shape () as floats, with one host-device synchronisation for all of them."""
    if len(scalars) == 1 or scalars[0].is_cpu:
        return list(map(Tensor.item, scalars))
    values: list[float] = torch.stack(scalars).tolist()
    return values


def largest(vector: Tensor) -> Tensor:
    """Return the largest absolute entry, shape ()."""
    low, high = extremes(vector)
    return torch.maximum(high, low.neg())


def slope_and_size(gradient: Tensor, direction: Tensor) -> tuple[float, float]:
    """Return gradient·direction and the gradient's largest absolute entry, with one synchronisation."""
    slope, low, high = read(torch.dot(gradient, direction), *extremes(gradient))
    return slope, max(-low, high)


def norm(vector: Tensor) -> Tensor:
    """Return the Euclidean norm of all entries, shape (), also where their squares leave the floats; no host reads."""
    number = limits(vector.dtype)
    plain, unit = torch.linalg.vector_norm(vector), power_below(largest(vector))
    rescaled = unit * torch.linalg.vector_norm(vector / unit)
    exact = (plain > (number.tiny / number.eps) ** 0.5) & (plain < math.inf)
    return torch.where(exact, plain, rescaled)


def power_below(size: Tensor) -> Tensor:
    """Return the power of two at a size, (), by which no digit changes; 1 where it is 0 or no number; no host reads."""
    power = size / (2 * torch.frexp(size).mantissa)
    return torch.where((size > 0) & (size < math.inf), power, 1.0)


def extremes(vector: Tensor) -> tuple[Tensor, Tensor]:
    """Return the least and the largest entry, shape () each; on the CPU in a tenth of the time of a norm."""
    low, high = torch.aminmax(vector)
    return low, high


def multiple_of_squares(value: float, squared: float) -> int:
    """Return f over ½‖r‖² from f and ‖r‖² at one point: 1 or 2, the two that problems may choose from."""
    return 1 if value < _HALVED * squared else 2
