"""A dense symmetric matrix that is multiplied with vectors and grows by rank-two updates. Shapes: n = its rows."""

from __future__ import annotations

from typing import Any

import torch
from scipy.linalg import get_blas_funcs
from torch import Tensor

from optbench.numerics.scalars import in_numpy, representable
from optbench_quasinewton.sums import Vector, sums

_LARGEST = 1e100  # a factor beyond which it is multiplied into the matrix
_WAITING = 8  # updates that are added in one pass


class Symmetric:
    """The matrix `scale`·(`entries` + Σ s·zᵀ + z·sᵀ), the sum over the updates that still wait to be added.

    `entries` (n, n) is allocated once. It is read once a product, and written once in eight updates, which are added
    together as a product of matrices: one by one each would read and write all of it for two multiplications an entry.
    On the CPU only its lower triangle is kept up to date: half the memory traffic; elsewhere both are, by torch. A
    growth of the whole matrix changes `scale` alone, and is divided out of the next update.
    """

    def __init__(self, like: Tensor) -> None:
        """Allocate for vectors like `like`, shape (n,); meaningless before `fill`."""
        n = like.numel()
        self.entries = like.new_empty(n, n)
        self.scale = 1.0
        self._waiting = like.new_zeros(2, _WAITING, n)  # s, z/scale; zeros where there is none
        self._count = 0
        self._rows = self._waiting.view(2 * _WAITING, n)
        self._columns = self._rows.T
        self._weights = like.new_zeros(2 * _WAITING)  # products of what waits with a vector
        self._blas = _Triangle(self.entries, self._waiting, self._weights) if in_numpy(like) else None
        of = sums(like).of
        self._room = [(of(first), of(second)) for first, second in zip(*self._waiting, strict=True)]

    def fill(self, value: float) -> None:
        """Become `value` times the identity."""
        self.entries.zero_().diagonal().fill_(1)
        self._waiting.zero_()
        self._count, self.scale = 0, value

    def times(self, vector: Vector, out: Vector) -> Vector:
        """Write the product with `vector` (n,) into `out` (n,), and return it."""
        if self._blas is not None:
            self._blas.times(self.scale, vector, out, waiting=self._count > 0)
            return out
        torch.mv(self.entries, vector, out=out).mul_(self.scale)
        if self._count:
            torch.mv(self._rows, vector, out=self._weights)
            out.addmv_(self._columns, self._weights.roll(_WAITING), alpha=representable(self.scale, out.dtype))
        return out

    def room(self) -> tuple[Vector, Vector]:
        """Return where to write s and z of the next update, (n,) each; a product is wrong between that and `update`."""
        return self._room[self._count]

    def update(self, growth: float) -> None:
        """Become growth·(itself) + s·zᵀ + z·sᵀ with what was written to `room`."""
        self.scale *= growth
        if self._blas is not None:
            self._blas.divide(self._count, self.scale)
        else:
            self._waiting[1, self._count].mul_(1 / self.scale)
        self._count += 1
        if self._count == _WAITING or not 1 / _LARGEST < self.scale < _LARGEST:
            self._add()

    def _add(self) -> None:
        """Add the updates that wait."""
        if self._blas is not None:
            self._blas.add()
        else:
            first, second = self._waiting
            self.entries.addmm_(first.T, second).addmm_(second.T, first)
        self._waiting.zero_()
        self._count = 0
        if not 1 / _LARGEST < self.scale < _LARGEST:
            self.entries.mul_(self.scale)
            self.scale = 1.0

    def dense(self) -> Tensor:
        """Return a full copy."""
        entries = self.entries
        if self._blas is not None:
            lower = entries.tril()
            entries = lower + lower.tril(-1).T
        first, second = self._waiting
        return self.scale * (entries + first.T @ second + second.T @ first)


class _Triangle:
    """BLAS on the lower triangle of a row-major matrix, which is the upper one of BLAS's column-major view."""

    def __init__(self, entries: Tensor, waiting: Tensor, weights: Tensor) -> None:
        self._view: Any = entries.numpy().T
        rows = waiting.numpy()
        self._first, self._second = rows[0].T, rows[1].T  # (n, _WAITING)
        self._both = rows.reshape(2 * _WAITING, -1).T
        self._of_second = list(rows[1])
        self._weights = weights.numpy()
        self._symv, self._gemv, self._scal, self._syr2k = get_blas_funcs(
            ("symv", "gemv", "scal", "syr2k"), (self._view,)
        )

    def times(self, scale: float, given: Any, result: Any, *, waiting: bool) -> None:
        # α, A, x, β, y, four offsets and strides of x and y, lower or transposed, in place: named, they take longer
        self._symv(scale, self._view, given, 0.0, result, 0, 1, 0, 1, 0, 1)
        if waiting:
            self._gemv(1.0, self._second, given, 0.0, self._weights, 0, 1, 0, 1, 1, 1)
            self._gemv(1.0, self._first, given, 0.0, self._weights, 0, 1, _WAITING, 1, 1, 1)
            self._gemv(scale, self._both, self._weights, 1.0, result, 0, 1, 0, 1, 0, 1)

    def divide(self, place: int, scale: float) -> None:
        if scale != 1:
            self._scal(1 / scale, self._of_second[place])

    def add(self) -> None:
        self._syr2k(1.0, self._first, self._second, beta=1.0, c=self._view, overwrite_c=True)
