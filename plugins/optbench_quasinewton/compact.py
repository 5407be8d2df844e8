"""The small matrices of the compact form of L-BFGS. Shapes: m = pairs kept.

All of them are float64, in the order of the ring that the pairs are kept in; what belongs to empty places is zero. They
are tensors beside the pairs, updated without synchronisation; on the CPU numpy's views of them, whose operations take a
third of the time. What is written here is valid for both.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from optbench.numerics.scalars import in_numpy

Small = Any  # a tensor or an array

_ASYMMETRY = 0.3  # what s⁻·y and s·y⁻ may differ by where f counts as quadratic, of the curvature along s that is left
_LEAST = 1e-3  # of the curvature along s that must be left


def small(tensor: Tensor) -> Small:
    """Return numpy's view of a tensor on the CPU, elsewhere the tensor itself."""
    return tensor.numpy() if in_numpy(tensor) else tensor


@dataclass
class Mirrored:
    """A small tensor of the pairs' dtype and its image among the small matrices; float64 is shared."""

    tensor: Tensor
    view: Small  # of the tensor
    image: Small  # float64
    halves: tuple[Small, Small]  # of the image, where it has two
    shared: bool  # the image is the view

    @classmethod
    def zeros(cls, shape: tuple[int, ...], like: Tensor) -> Mirrored:
        """Allocate beside `like`."""
        tensor = like.new_zeros(shape)
        image = small(tensor.to(torch.float64))
        middle = image.shape[0] // 2 if shape else 0
        halves = (image[:middle], image[middle:]) if shape else (image, image)
        return cls(tensor, small(tensor), image, halves, like.dtype == torch.float64)

    def to_image(self) -> None:
        """Bring the image up to date."""
        if not self.shared:
            self.image[...] = self.view

    def to_tensor(self) -> None:
        """Bring the tensor up to date."""
        if not self.shared:
            self.view[...] = self.image


@dataclass
class Products:
    """Products of the pairs among themselves, updated in place."""

    inverse_upper: Small  # (m, m), the inverse of R, R[i, j] = s_i·y_j for i not newer than j
    inverse_lower: Small  # (m, m), a view: its transpose
    changes: Small  # (m, m), y_i·y_j
    latest: Small  # (2m,), of all displacements, then all changes, with the newest change, when it was new
    columns: Small  # (m, 2m), a view: the columns of the inverse, each followed by that of the changes
    curvatures: Small  # (m,), s_i·y_i over the stretch, by which y_i is too short: H·stretch·y_i = s_i for the newest
    scale: Mirrored  # (), −γ: the first inverse Hessian is γ·I

    @classmethod
    def empty(cls, history: int, like: Tensor) -> Products:
        """Return those of no pairs, beside `like`."""
        both = small(like.new_zeros(2 * history, history, dtype=torch.float64))
        curvatures = small(like.new_zeros(history, dtype=torch.float64))
        latest = small(like.new_zeros(2 * history, dtype=torch.float64))
        inverse, changes = both[:history], both[history:]
        return cls(inverse, inverse.T, changes, latest, both.T, curvatures, Mirrored.zeros((), like))

    def forget(self) -> None:
        """Drop every pair."""
        for array in (self.columns, self.curvatures, self.latest):
            array[...] = 0

    def extend(self, place: int, with_new: Small, *, scaled: bool, stretch: float = 1.0) -> None:
        """Put a new pair in the place of the oldest.

        `with_new` (2m,), which is overwritten, holds the products of all displacements, then of all gradient changes,
        with the new change. What the pair says is H·stretch·y = s: an update by s and a multiple of y differs from that
        by s and y in its last term alone, s·sᵀ/(s·y). γ becomes s·y/y·y of the new pair where `scaled`, otherwise 1.
        """
        m = len(self.curvatures)
        self.latest[...] = with_new
        curvature = with_new[place]
        self.curvatures[place] = curvature / stretch
        self.scale.image[...] = -curvature / (stretch * with_new[m + place]) if scaled else -1
        self.scale.to_tensor()
        self.changes[place] = with_new[m:]
        with_new[:m] = extended(self.inverse_upper, with_new[:m], place)
        self.columns[place] = with_new

    def shared(self, last: int, curvature: Small, back: Small, across: Small) -> Small:
        """Return how much of the pair at `last` is in a new one, shape (); 0 where f isn't quadratic along the two.

        `curvature` is s·y, `back` how far s leads back along s⁻, s·H⁻¹·s⁻, and `across` s⁻·y, with ⁻ for the last pair.
        On a quadratic with the Hessian A both s·y⁻, which follows from the second, and s⁻·y are s·A·s⁻; where they
        differ by more than a share of what is left of s·A·s, both displacements of length 1 in the norm of A, there is
        no A. Without as much of it the new pair is conjugate.
        """
        before = self.latest[last]
        along = back * self.curvatures[last] / before
        share = along / before
        left = 1 - share * across / curvature
        allowed = _ASYMMETRY * left * before**0.5 * curvature**0.5
        return only_where((abs(along - across) <= allowed) & (left > _LEAST), share)

    def weigh(self, projection: Mirrored, out: Mirrored) -> None:
        """Write w (2m,) with −H·g = −γ·g − [S Y]·w into `out`, given the products of all pairs with g, `projection`.

        Byrd, Nocedal & Schnabel, Math. Programming 63 (1994), equation 3.1: with R and the diagonal D,
        H = γI + [S Y]·[[R⁻ᵀ(D + γYᵀY)R⁻¹, −γR⁻ᵀ], [−γR⁻¹, 0]]·[S Y]ᵀ.
        """
        (along, across), (of_displacements, of_changes), scale = projection.halves, out.halves, self.scale.image
        solved = product(self.inverse_upper, along, of_changes)
        inner = across - product(self.changes, solved)
        inner *= scale
        inner += self.curvatures * solved
        product(self.inverse_lower, inner, of_displacements)
        solved *= scale
        out.to_tensor()


def only_where(condition: Small, number: Small) -> Small:
    """Return a number, shape (), or 0; a tensor is not read."""
    if isinstance(condition, Tensor):
        return torch.where(condition, number, torch.zeros_like(number))
    return number if condition else 0.0


def product(matrix: Small, vector: Small, out: Small | None = None) -> Small:
    """Return a matrix times a vector; numpy's method takes a third of its operator's time."""
    return torch.mv(matrix, vector, out=out) if isinstance(matrix, Tensor) else matrix.dot(vector, out)


def extended(inverse: Small, column: Small, place: int) -> Small:
    """Return the column at `place` with which an inverse upper triangle belongs to R with a new last `column`.

    The oldest row of `inverse` (m, m), that at `place`, becomes zero; its column no longer counts. `column` (m,) holds
    the new column of R, its diagonal at `place`, and is overwritten. Nothing is ever solved or reordered.
    """
    diagonal = 1 / column[place]
    column[place] = 0
    inverse[place] = 0
    new = product(inverse, column)
    new *= -diagonal
    new[place] = diagonal
    return new
