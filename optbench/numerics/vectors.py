"""Arithmetic on the vectors of a descent: by torch, or for short ones on the CPU by BLAS on the same memory.

A call of BLAS takes a tenth of the time of one of torch; with tens of thousands of parameters the memory decides.
Shapes: n = number of parameters.
"""

from __future__ import annotations

import math
from typing import Any, Protocol

import torch
from scipy.linalg import blas, get_blas_funcs
from torch import Tensor
from torch.autograd.graph import increment_version

from optbench.numerics.scalars import extremes, in_numpy, largest, limits, read, slope_and_size

SHORT = 2**14  # numbers of parameters up to which the calls, not the memory, take the time
_INDEX_OF_LARGEST = {torch.float32: blas.isamax, torch.float64: blas.idamax}  # absolute entry; of finite ones

View = Any  # numpy's, of a tensor


def are_short(like: Tensor) -> bool:
    """Tell whether BLAS is the faster for vectors like `like`."""
    return in_numpy(like) and like.numel() <= SHORT and like.dtype in _INDEX_OF_LARGEST


class Vectors(Protocol):
    """What is done with points, gradients and directions, shape (n,) each."""

    longest: float  # step that a direction may be multiplied with

    def advance(self, point: Tensor, direction: Tensor, step: float, out: Tensor) -> None:
        """Write point + step·direction into a buffer, whose version changes."""
        ...

    def slope_and_size(self, gradient: Tensor, direction: Tensor, point: Tensor) -> tuple[float, float]:
        """Return gradient·direction and the gradient's largest absolute entry; one synchronisation."""
        ...

    def extent(self, point: Tensor) -> float:
        """Return the largest absolute entry of the point that was given to `slope_and_size` last; none more."""
        ...

    def height_and_slope(self, value: Tensor, gradient: Tensor, direction: Tensor) -> tuple[float, float]:
        """Return a value, shape (), and gradient·direction; one synchronisation."""
        ...

    def view(self, gradient: Tensor) -> View | None:
        """Return numpy's view of a gradient, where there is one."""
        ...


class AnyVectors:
    """On every device."""

    def __init__(self, like: Tensor) -> None:
        """Take vectors like `like`."""
        self.longest = limits(like.dtype).max
        self._low = self._high = math.nan  # entries of the last point on a device

    def advance(self, point: Tensor, direction: Tensor, step: float, out: Tensor) -> None:
        """Write in one pass."""
        torch.add(point, direction, alpha=step, out=out)

    def slope_and_size(self, gradient: Tensor, direction: Tensor, point: Tensor) -> tuple[float, float]:
        """Read three numbers; where it is waited for them two more, of the point."""
        if gradient.is_cpu:
            return slope_and_size(gradient, direction)
        slope, low, high, self._low, self._high = read(
            torch.dot(gradient, direction), *extremes(gradient), *extremes(point)
        )
        return slope, max(-low, high)

    def extent(self, point: Tensor) -> float:
        """Tell what was read."""
        if point.is_cpu:
            (entry,) = read(largest(point))
            return entry
        return max(-self._low, self._high)

    def height_and_slope(self, value: Tensor, gradient: Tensor, direction: Tensor) -> tuple[float, float]:
        """Read two numbers."""
        height, slope = read(value, torch.dot(gradient, direction))
        return height, slope

    def view(self, gradient: Tensor) -> None:
        """Return nothing."""


class ShortVectors:
    """On views. Those of the buffers are kept, and of what was seen last: making one takes longer than a product."""

    def __init__(self, *buffers: Tensor) -> None:
        """Take points that lie in these buffers."""
        self.longest = limits(buffers[0].dtype).max
        self._owners = buffers  # which no other tensor then takes the identity of
        self._buffers = {id(buffer): buffer.numpy() for buffer in buffers}
        self._gradient = self._direction = buffers[0]
        self._gradient_view = self._direction_view = self._buffers[id(buffers[0])]
        names = ("dot", "copy", "scal", "axpy")
        self._dot, self._copy, self._scale, self._add = get_blas_funcs(names, (self._gradient_view,))
        self._index_of_largest = _INDEX_OF_LARGEST[buffers[0].dtype]

    def advance(self, point: Tensor, direction: Tensor, step: float, out: Tensor) -> None:
        """Copy, multiply, add: where BLAS does the last two in one call, rounding depends on where an entry stands."""
        target = self._buffers[id(out)]
        self._copy(self._direction_view if direction is self._direction else self._seen(direction), target)
        if step != 1:
            self._scale(step, target)
        self._add(self._buffers[id(point)], target)
        increment_version(out)

    def slope_and_size(self, gradient: Tensor, direction: Tensor, point: Tensor) -> tuple[float, float]:
        """Multiply and search, or leave it to torch where something isn't finite: BLAS may pass over that."""
        array = self._gradient_view if gradient is self._gradient else self.view(gradient)
        slope = self._dot(array, self._direction_view if direction is self._direction else self._seen(direction))
        if math.isfinite(slope):
            return slope, abs(array.item(self._index_of_largest(array)))
        return slope_and_size(gradient, direction)

    def extent(self, point: Tensor) -> float:
        """Look."""
        (entry,) = read(largest(point))
        return entry

    def height_and_slope(self, value: Tensor, gradient: Tensor, direction: Tensor) -> tuple[float, float]:
        """Multiply."""
        self._gradient, self._gradient_view = gradient, gradient.numpy()
        along = self._direction_view if direction is self._direction else self._seen(direction)
        return value.item(), self._dot(self._gradient_view, along)

    def view(self, gradient: Tensor) -> View:
        """Return the last one if it is asked for again."""
        if gradient is not self._gradient:
            self._gradient, self._gradient_view = gradient, gradient.numpy()
        return self._gradient_view

    def _seen(self, direction: Tensor) -> View:
        self._direction, self._direction_view = direction, direction.numpy()
        return self._direction_view


def vectors(*buffers: Tensor) -> Vectors:
    """Return the fastest for points in these buffers."""
    return ShortVectors(*buffers) if are_short(buffers[0]) else AnyVectors(buffers[0])
