"""A dense symmetric matrix that is multiplied with vectors and grows by rank-two updates. Shapes: n = its rows."""

from __future__ import annotations

from typing import Any

import torch
from scipy.linalg import get_blas_funcs
from torch import Tensor

_LARGEST = 1e100  # a factor beyond which it is multiplied into the matrix


class Symmetric:
    """The matrix `scale`·`entries`. On the CPU only its lower triangle is kept up to date: half the memory traffic.

    `entries` (n, n) is allocated once and updated in place. A growth of the whole matrix changes `scale` alone, and is
    divided out of the next update. Elsewhere than on the CPU both triangles are kept, by torch.
    """

    def __init__(self, like: Tensor) -> None:
        """Allocate for vectors like `like`, shape (n,); meaningless before `fill`."""
        n = like.numel()
        self.entries = like.new_empty(n, n)
        self.scale = 1.0
        self._on_cpu = like.device.type == "cpu"
        self._blas = _Triangle(self.entries) if self._on_cpu and type(like) is Tensor else None

    def fill(self, value: float) -> None:
        """Become `value` times the identity."""
        self.entries.zero_().diagonal().fill_(1)
        self.scale = value

    def times(self, vector: Tensor, out: Tensor) -> Tensor:
        """Write the product with `vector` (n,) into `out` (n,), and return it."""
        if self._blas is not None:
            return self._blas.times(self.scale, vector, out)
        return torch.mv(self.entries, vector, out=out).mul_(self.scale)

    def update(self, growth: float, factors: Tensor) -> None:
        """Become growth·(itself) + s·zᵀ + z·sᵀ, where `factors` (2, n) holds s and z; one pass."""
        self.scale *= growth
        if not 1 / _LARGEST < self.scale < _LARGEST:
            self.entries.mul_(self.scale)
            self.scale = 1.0
        if self._blas is not None:
            self._blas.add(1 / self.scale, factors)
        elif self._on_cpu:  # a stand-in without memory, such as a fake tensor: allocates as little as BLAS does
            first, second = factors
            self.entries.addr_(first, second, alpha=1 / self.scale).addr_(second, first, alpha=1 / self.scale)
        else:
            self.entries.addmm_(factors.T, factors.flip(0), alpha=1 / self.scale)

    def dense(self) -> Tensor:
        """Return a full copy."""
        if self._blas is None:
            return self.scale * self.entries
        lower = self.entries.tril()
        return self.scale * (lower + lower.tril(-1).T)


class _Triangle:
    """BLAS on the lower triangle of a row-major matrix, which is the upper one of BLAS's column-major view."""

    def __init__(self, entries: Tensor) -> None:
        self._view: Any = entries.numpy().T
        self._symv, self._syr2 = get_blas_funcs(("symv", "syr2"), (self._view,))

    def times(self, scale: float, vector: Tensor, out: Tensor) -> Tensor:
        self._symv(scale, self._view, vector.numpy(), beta=0.0, y=out.numpy(), overwrite_y=True)
        return out

    def add(self, weight: float, factors: Tensor) -> None:
        first, second = factors.numpy()
        self._syr2(weight, first, second, a=self._view, overwrite_a=True)
