"""The small matrices of the compact form of L-BFGS. Shapes: m = pairs kept.

All of them are float64, in the order of the ring that the pairs are kept in; what belongs to empty places is zero.
On the CPU they are arrays that BLAS updates in place, and single numbers are floats: a call takes a tenth of the time
of one of torch, and a step makes dozens. Elsewhere they are tensors beside the pairs, and nothing is synchronised.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from scipy.linalg.blas import daxpy, dcopy, dgemv, dsbmv, dscal
from torch import Tensor

from optbench.numerics.scalars import in_numpy
from optbench_quasinewton.secant import ASYMMETRY, LEAST, Weights, shared

Small = Any  # an array or a tensor
Number = Any  # a float or a tensor of shape ()


@dataclass
class Mirrored:
    """A small vector in the pairs' dtype and its image among the small matrices; float64 is shared."""

    tensor: Tensor
    view: Small  # of the tensor
    image: Small  # float64
    shared: bool  # the image is the view

    @classmethod
    def zeros(cls, size: int, like: Tensor) -> Mirrored:
        """Allocate beside `like`."""
        tensor = like.new_zeros(size)
        wide = tensor.to(torch.float64)
        view, image = (tensor.numpy(), wide.numpy()) if in_numpy(like) else (tensor, wide)
        return cls(tensor, view, image, like.dtype == torch.float64)

    def to_image(self) -> None:
        """Bring the image up to date."""
        if not self.shared:
            self.image[...] = self.view

    def to_tensor(self) -> None:
        """Bring the tensor up to date."""
        if not self.shared:
            self.view[...] = self.image


class Products(Protocol):
    """Products of the pairs among themselves, updated in place; what they make of the products with a gradient.

    Byrd, Nocedal & Schnabel, Math. Programming 63 (1994), equation 3.1: with R[i, j] = s_i·y_j for i not newer than j
    and the diagonal D of s_i·y_i, H = γI + [S Y]·[[R⁻ᵀ(D + γYᵀY)R⁻¹, −γR⁻ᵀ], [−γR⁻¹, 0]]·[S Y]ᵀ.
    """

    scale: Number  # −γ

    def begin(
        self, place: int, later: Small, earlier: Small, weights: Weights, step: float, curvature: float
    ) -> Number:
        """Take up a pair for a place; return how much of the last pair it has, which is to be taken out. None: nothing.

        Its change is `weights` of two gradients with the projections `later` and `earlier` (2m,), which tell its
        products with all displacements, then all changes; s·y is `curvature`.

        Only where f is quadratic along the two is anything taken out, so that they become conjugate. With ⁻ for the
        last pair, on a quadratic with the Hessian A both s·y⁻ and s⁻·y are s·A·s⁻. The first follows from s⁻·H⁻¹·s,
        how far s, which is −step·H·g, leads back along s⁻. Where they differ by more than a share of what is left of
        s·A·s, both displacements of length 1 in the norm of A, there is no A (Nazareth, JOTA 23 (1977)).
        """
        ...

    def end(self, place: int, square: Number, stretch: float) -> None:
        """Put the pair that was begun in the place of the oldest, given y·y. Nothing is ever solved or reordered.

        The oldest row of R⁻¹ becomes zero, and a column is written to its place. What the pair says is
        H·stretch·y = s: an update by s and a multiple of y differs from that by s and y in its last term alone,
        s·sᵀ/(s·y), so that only the entry of D is divided.
        """
        ...

    def weigh(self, projection: Mirrored, out: Mirrored) -> None:
        """Write w (2m,) with −H·g = −γ·g − [S Y]·w into `out`, given the products of all pairs with g, `projection`."""
        ...

    def forget(self) -> None:
        """Drop every pair."""
        ...


def products(history: int, like: Tensor, *, scaled: bool, conjugate: bool) -> Products:
    """Return those of no pairs of vectors like `like`; γ is s·y/y·y of the newest pair where `scaled`, otherwise 1."""
    kind = OnHost if in_numpy(like) else OnDevice
    return kind(history, like, scaled=scaled, conjugate=conjugate)


class OnHost:
    """By BLAS; `place * m` is where a row begins in a matrix's entries."""

    def __init__(self, history: int, like: Tensor, *, scaled: bool, conjugate: bool) -> None:
        """Allocate for so many pairs; by torch, whose memory is measured."""

        def zeros(*shape: int) -> Small:
            return like.new_zeros(shape, dtype=torch.float64).numpy()

        self.scale, self._scaled, self._conjugate = -1.0, scaled, conjugate
        self._inverse_lower, self.changes = zeros(history, history), zeros(history, history)
        self.inverse_upper = self._inverse_lower.T  # R⁻¹
        self._rows = list(self.inverse_upper)
        self._entries = self._inverse_lower.reshape(-1), self.changes.reshape(-1)  # of R⁻ᵀ, and y_i·y_j
        self.curvatures = zeros(history)  # s_i·y_i over the stretch
        self._diagonal = self.curvatures.reshape(1, -1)
        self._latest, self._new = zeros(2 * history), zeros(2 * history)  # products with the newest change

    def begin(
        self, place: int, later: Small, earlier: Small, weights: Weights, step: float, curvature: float
    ) -> Number:
        """Subtract the projections."""
        after, before = weights
        new, size = self._new, len(self._new)
        dcopy(later, new)
        if after != 1:
            dscal(after, new)
        daxpy(earlier, new, size, before)
        m, last = size // 2, (place or size // 2) - 1
        share, left = self._shared(last, -step * earlier.item(last), new.item(last), curvature)
        new[place] = left
        if not share:
            return None
        daxpy(self._latest, new, size, -share)
        new[place] = left
        daxpy(later, later, 2, -share, last, m, place, m)  # of displacements and of changes
        return share

    def _shared(self, last: int, back: float, across: float, curvature: float) -> tuple[float, float]:
        """Return how much of the last pair is to be taken out of one with this s·y, and what is left of s·y."""
        was = self._latest.item(last)
        if not (self._conjugate and was > 0):
            return 0.0, curvature
        share = shared(was, curvature, back * self.curvatures.item(last) / was, across)
        return share, curvature - share * across

    def end(self, place: int, square: Number, stretch: float) -> None:
        """Write a row and a column of each matrix."""
        new, m = self._new, len(self.curvatures)
        inverse_lower, changes = self._entries
        curvature = new.item(place)
        self.curvatures[place] = curvature / stretch
        self.scale = -_ratio(curvature, stretch * square) if self._scaled else -1.0
        new[m + place] = square
        dcopy(new, changes, m, m, 1, place, m)
        dcopy(new, changes, m, m, 1, place * m)
        self._rows[place].fill(0.0)
        new[place] = 0.0  # the oldest column no longer counts
        diagonal = _ratio(1.0, curvature)
        column = dgemv(-diagonal, self.inverse_upper, new)
        column[place] = diagonal
        dcopy(column, inverse_lower, m, 0, 1, place * m)
        new[place] = curvature
        self._latest, self._new = new, self._latest

    def weigh(self, projection: Mirrored, out: Mirrored) -> None:
        """Multiply by three matrices and a diagonal. A call that names its arguments takes twice as long."""
        given, weights, scale, m = projection.image, out.image, self.scale, len(self.curvatures)
        # α, A, x, β, y, offsets and strides of x and y, transposed, in place
        dgemv(1.0, self.inverse_upper, given, 0.0, weights, 0, 1, m, 1, 0, 1)
        # no bands beside the diagonal, α, D, x, its stride and offset, β, y, its stride and offset
        inner = dsbmv(0, 1.0, self._diagonal, weights, 1, m, scale, given, 1, m)
        dgemv(-scale, self.changes, weights, 1.0, inner, m, 1, m, 1, 1, 1)
        dgemv(1.0, self.inverse_upper, inner, 0.0, weights, m, 1, 0, 1, 1, 1)
        dscal(scale, weights, m, m)
        out.to_tensor()

    def forget(self) -> None:
        """Set to zero."""
        for array in (self._inverse_lower, self.changes, self.curvatures, self._latest):
            array.fill(0.0)


def _ratio(above: float, below: float) -> float:
    return above / below if below else math.inf


class OnDevice:
    """By torch; nothing is read, and a share that is 0 is taken out like any other."""

    def __init__(self, history: int, like: Tensor, *, scaled: bool, conjugate: bool) -> None:
        """Allocate for so many pairs, beside `like`."""

        def zeros(*shape: int) -> Tensor:
            return like.new_zeros(shape, dtype=torch.float64)

        self.scale, self._scaled, self._conjugate = -like.new_ones(()), scaled, conjugate
        self.inverse_upper, self.changes = zeros(history, history), zeros(history, history)
        self.curvatures, self._latest, self._new = zeros(history), zeros(2 * history), zeros(2 * history)

    def begin(
        self, place: int, later: Small, earlier: Small, weights: Weights, step: float, curvature: float
    ) -> Number:
        """Subtract the projections."""
        after, before = weights
        new, last = torch.mul(later, after, out=self._new), (place or len(self.curvatures)) - 1
        new.add_(earlier, alpha=before)
        new[place] = curvature
        if not self._conjugate:
            return None
        share, left = self._shared(last, -step * earlier[last], new[last], curvature)
        new -= share * self._latest
        new[place] = left
        halves = later.view(2, -1)
        halves[:, place] -= share * halves[:, last]
        return share

    def _shared(self, last: int, back: Tensor, across: Tensor, curvature: float) -> tuple[Tensor, Tensor]:
        """Return how much of the last pair is to be taken out of one with this s·y, and what is left of s·y."""
        was = self._latest[last]
        along = back * self.curvatures[last] / was
        share = along / was
        left = 1 - share * across / curvature
        allowed = ASYMMETRY * left * was**0.5 * math.sqrt(curvature)
        quadratic = (left > LEAST) & (abs(along - across) <= allowed)
        share, left = torch.where(quadratic, share, torch.zeros_like(share)), torch.where(quadratic, left, 1.0)
        return share, left * curvature

    def end(self, place: int, square: Number, stretch: float) -> None:
        """Write a row and a column of each matrix."""
        new, m = self._new, len(self.curvatures)
        curvature = new[place].clone()
        self.curvatures[place] = curvature / stretch
        scale = -curvature / (stretch * square) if self._scaled else -torch.ones_like(curvature)
        self.scale = scale.to(self.scale.dtype)
        new[m + place] = square
        self.changes[place] = new[m:]
        self.changes[:, place] = new[m:]
        self.inverse_upper[place] = 0
        new[place] = 0  # the oldest column no longer counts
        self.inverse_upper[:, place] = torch.mv(self.inverse_upper, new[:m]) / -curvature
        self.inverse_upper[place, place] = 1 / curvature
        new[place] = curvature
        self._latest, self._new = new, self._latest

    def weigh(self, projection: Mirrored, out: Mirrored) -> None:
        """Multiply by three matrices and a diagonal."""
        m, scale = len(self.curvatures), self.scale.to(torch.float64)
        solved = torch.mv(self.inverse_upper, projection.image[:m])
        inner = scale * (projection.image[m:] - torch.mv(self.changes, solved)) + self.curvatures * solved
        torch.mv(self.inverse_upper.T, inner, out=out.image[:m])
        torch.mul(solved, scale, out=out.image[m:])
        out.to_tensor()

    def forget(self) -> None:
        """Set to zero."""
        for tensor in (self.inverse_upper, self.changes, self.curvatures, self._latest):
            tensor.zero_()
