"""The passes of L-BFGS over its pairs: by torch, or for short vectors on the CPU by numpy and BLAS.

A call of numpy takes a third of the time of one of torch; with tens of thousands of parameters the memory decides, and
torch's sum of the pairs is faster. Shapes: n = number of parameters, m = pairs kept.
"""

from __future__ import annotations

from typing import Any, Protocol

import torch
from scipy.linalg import get_blas_funcs
from torch import Tensor

from optbench.numerics.descent import Move
from optbench.numerics.scalars import representable
from optbench.numerics.vectors import are_short
from optbench_quasinewton.compact import Mirrored, Number, Small
from optbench_quasinewton.secant import Weights, combine


class Passes(Protocol):
    """What is done with the stored vectors; all of it in place."""

    def put(self, place: int, move: Move, weights: Weights) -> None:
        """Write the move's displacement and its gradient change, of these weights, to a place."""
        ...

    def take_out(self, last: int, share: Small, place: int) -> None:
        """Take so much of the pair at `last` out of the one at `place`."""
        ...

    def square(self, place: int) -> Small:
        """Return y·y of the pair at a place, shape ()."""
        ...

    def project(self, gradient: Tensor, out: Mirrored) -> None:
        """Write the products of all pairs with a gradient, shape (2m,)."""
        ...

    def combine(self, gradient: Tensor, scale: Number, weights: Mirrored) -> None:
        """Write scale·gradient − rowsᵀ·weights into the direction."""
        ...


def passes(rows: Tensor, direction: Tensor) -> Passes:
    """Return the fastest over `rows` (2m, n), the displacements and then the gradient changes, for `direction` (n,)."""
    return ByNumpy(rows, direction) if are_short(direction) else ByTorch(rows, direction)


class ByTorch:
    """On every device."""

    def __init__(self, rows: Tensor, direction: Tensor) -> None:
        """Allocate nothing."""
        self._rows, self._columns, self._direction = rows, rows.T, direction
        half = len(rows) // 2
        self._displacements, self._changes = rows[:half].unbind(), rows[half:].unbind()
        self._pairs = rows.view(2, half, -1)

    def put(self, place: int, move: Move, weights: Weights) -> None:
        """Write in two passes."""
        after, before = weights
        torch.mul(move.direction, move.step, out=self._displacements[place])
        combine(move.next_gradient, after, move.gradient, before, out=self._changes[place])

    def take_out(self, last: int, share: Small, place: int) -> None:
        """Subtract in two passes; on another device both at once, where nobody knows whether the share is 0."""
        if isinstance(share, Tensor):
            self._pairs[:, place].addcmul_(self._pairs[:, last], share.to(self._rows.dtype), value=-1)
            return
        for vectors in (self._displacements, self._changes):
            vectors[place].sub_(vectors[last], alpha=representable(float(share), vectors[place].dtype))

    def square(self, place: int) -> Small:
        """Multiply in one pass."""
        change = self._changes[place]
        square = torch.dot(change, change)
        return square.item() if square.is_cpu else square.to(torch.float64)

    def project(self, gradient: Tensor, out: Mirrored) -> None:
        """Multiply in one pass over the pairs."""
        torch.mv(self._rows, gradient, out=out.tensor)
        out.to_image()

    def combine(self, gradient: Tensor, scale: Number, weights: Mirrored) -> None:
        """Add up in one pass over the pairs."""
        torch.mul(gradient, scale, out=self._direction)
        self._direction.addmv_(self._columns, weights.tensor, alpha=-1)


class ByNumpy:
    """On views of the same memory."""

    def __init__(self, rows: Tensor, direction: Tensor) -> None:
        """Allocate nothing."""
        self._rows: Any = rows.numpy()
        self._columns = self._rows.T
        half = len(rows) // 2
        self._displacements, self._changes = list(self._rows[:half]), list(self._rows[half:])
        self._direction, self._direction_view = direction, direction.numpy()
        self._gradient, self._gradient_view = direction, self._direction_view  # the gradient seen last
        self._multiply_add, self._add, self._dot, self._copy, self._scale = get_blas_funcs(
            ("gemv", "axpy", "dot", "copy", "scal"), (self._rows,)
        )

    def put(self, place: int, move: Move, weights: Weights) -> None:
        """Write in two passes."""
        direction = self._direction_view if move.direction is self._direction else move.direction.numpy()
        before, after = (
            self._view(move.gradient),
            move.next_gradient.numpy() if move.next_view is None else move.next_view,
        )
        self._gradient, self._gradient_view = move.next_gradient, after
        self._write(self._displacements[place], move.step, direction)
        change = self._changes[place]
        self._write(change, weights[0], after)
        self._add(before, change, len(change), weights[1])

    def take_out(self, last: int, share: Small, place: int) -> None:
        """Subtract in two passes."""
        for vectors in (self._displacements, self._changes):
            target = vectors[place]
            self._add(vectors[last], target, len(target), -share)

    def square(self, place: int) -> Small:
        """Multiply in one pass."""
        change = self._changes[place]
        return self._dot(change, change)

    def project(self, gradient: Tensor, out: Mirrored) -> None:
        """Multiply in one pass over the pairs."""
        self._multiply_add(1.0, self._columns, self._view(gradient), 0.0, out.view, 0, 1, 0, 1, 1, 1)
        out.to_image()

    def combine(self, gradient: Tensor, scale: Number, weights: Mirrored) -> None:
        """Add up in one pass over the pairs."""
        out = self._direction_view
        self._copy(self._view(gradient), out)
        # α, A, x, β, y, four offsets and steps, not transposed, in place: named, the same takes twice as long
        self._multiply_add(-1.0, self._columns, weights.view, scale, out, 0, 1, 0, 1, 0, 1)

    def _write(self, target: Any, factor: float, vector: Any) -> None:
        self._copy(vector, target)
        if factor != 1:
            self._scale(factor, target)

    def _view(self, gradient: Tensor) -> Any:
        """Return the gradient as an array; the same one is asked for several times."""
        if self._gradient is not gradient:
            self._gradient, self._gradient_view = gradient, gradient.numpy()
        return self._gradient_view
