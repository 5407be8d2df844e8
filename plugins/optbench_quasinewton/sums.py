"""Sums of multiples of vectors, and their products: by torch, or on the CPU by BLAS on the same memory.

Shapes: n = number of parameters.
"""

from __future__ import annotations

from typing import Any, Protocol

import torch
from scipy.linalg import get_blas_funcs
from torch import Tensor

from optbench.numerics.scalars import in_numpy, read, representable

Vector = Any  # a tensor (n,), or numpy's view of one
Terms = tuple[tuple[float, Vector], ...]  # factors, with what they multiply


class Sums(Protocol):
    """What an update does with vectors beside the matrix."""

    def of(self, tensor: Tensor) -> Vector:
        """Return a tensor as the other functions take it."""
        ...

    def write(self, out: Vector, *terms: tuple[float, Vector]) -> None:
        """Write the sum of factors times vectors; the first of these may be `out` itself."""
        ...

    def products(self, *pairs: tuple[Vector, Vector]) -> list[float]:
        """Return the inner product of each pair; one synchronisation."""
        ...


def sums(like: Tensor) -> Sums:
    """Return the fastest for vectors like `like`."""
    return ByBlas(like) if in_numpy(like) else ByTorch()


class ByTorch:
    """On every device."""

    def of(self, tensor: Tensor) -> Vector:
        """Return the tensor."""
        return tensor

    def write(self, out: Vector, *terms: tuple[float, Vector]) -> None:
        """Make one pass a term."""
        (factor, vector), *rest = terms
        torch.mul(vector, representable(factor, out.dtype), out=out)
        for factor, vector in rest:
            out.add_(vector, alpha=representable(factor, out.dtype))

    def products(self, *pairs: tuple[Vector, Vector]) -> list[float]:
        """Read all of them together."""
        return read(*(torch.dot(*pair) for pair in pairs))


class ByBlas:
    """On views."""

    def __init__(self, like: Tensor) -> None:
        """Take vectors like `like`."""
        self._seen, self._view = like, like.numpy()
        self._copy, self._scale, self._add, self._dot = get_blas_funcs(("copy", "scal", "axpy", "dot"), (self._view,))

    def of(self, tensor: Tensor) -> Vector:
        """Return numpy's view; the last one is kept, for the gradient after a move is the one before the next."""
        if tensor is not self._seen:
            self._seen, self._view = tensor, tensor.numpy()
        return self._view

    def write(self, out: Vector, *terms: tuple[float, Vector]) -> None:
        """Make one pass a term."""
        (factor, vector), *rest = terms
        if vector is not out:
            self._copy(vector, out)
        if factor != 1:
            self._scale(factor, out)
        for factor, vector in rest:
            self._add(vector, out, len(out), factor)

    def products(self, *pairs: tuple[Vector, Vector]) -> list[float]:
        """Multiply."""
        return [self._dot(*pair) for pair in pairs]
