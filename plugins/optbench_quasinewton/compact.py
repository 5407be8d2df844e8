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

Small = Any  # a tensor or an array


def in_numpy(like: Tensor) -> bool:
    """Tell whether small matrices beside `like` are numpy's: it is on the CPU, and no stand-in without memory."""
    return type(like) is Tensor and like.is_cpu


def small(tensor: Tensor) -> Small:
    """Return numpy's view of a tensor on the CPU, elsewhere the tensor itself."""
    return tensor.numpy() if in_numpy(tensor) else tensor


@dataclass
class Mirrored:
    """A small tensor of the pairs' dtype and its image among the small matrices; float64 is shared."""

    tensor: Tensor
    image: Small  # float64

    @classmethod
    def zeros(cls, shape: tuple[int, ...], like: Tensor) -> Mirrored:
        """Allocate beside `like`."""
        tensor = like.new_zeros(shape)
        return cls(tensor, small(tensor.to(torch.float64)))

    def to_image(self) -> None:
        """Bring the image up to date."""
        if self.tensor.dtype != torch.float64:
            self.image[...] = small(self.tensor)

    def to_tensor(self) -> None:
        """Bring the tensor up to date."""
        if self.tensor.dtype != torch.float64:
            small(self.tensor)[...] = self.image


@dataclass
class Products:
    """Products of the pairs among themselves, updated in place."""

    inverse_upper: Small  # (m, m), the inverse of R, R[i, j] = s_i·y_j for i not newer than j
    inverse_lower: Small  # (m, m), a view: its transpose
    changes: Small  # (m, m), y_i·y_j
    curvatures: Small  # (m,), s_i·y_i
    scale: Mirrored  # (), −γ: the first inverse Hessian is γ·I

    @classmethod
    def empty(cls, history: int, like: Tensor) -> Products:
        """Return those of no pairs, beside `like`."""
        square, row = (history, history), (history,)
        inverse, changes, curvatures = (
            small(like.new_zeros(shape, dtype=torch.float64)) for shape in (square, square, row)
        )
        return cls(inverse, inverse.T, changes, curvatures, Mirrored.zeros((), like))

    def forget(self) -> None:
        """Drop every pair."""
        for array in (self.inverse_upper, self.changes, self.curvatures):
            array[...] = 0

    def extend(self, place: int, with_new: Small, *, scaled: bool) -> None:
        """Put a new pair in the place of the oldest.

        `with_new` (2m,) holds the products of all displacements, then of all gradient changes, with the new change.
        γ becomes s·y/y·y of the new pair where `scaled`, otherwise 1.
        """
        m = len(self.curvatures)
        with_displacements, with_changes = with_new[:m], with_new[m:]
        extend_inverse(self.inverse_upper, with_displacements, place)
        self.changes[place] = with_changes
        self.changes[:, place] = with_changes
        self.curvatures[place] = with_displacements[place]
        self.scale.image[...] = -with_displacements[place] / with_changes[place] if scaled else -1
        self.scale.to_tensor()

    def weigh(self, projection: Small, out: Small) -> None:
        """Write w (2m,) with −H·g = −γ·g − [S Y]·w into `out`, given the products of all pairs with g, `projection`.

        Byrd, Nocedal & Schnabel, Math. Programming 63 (1994), equation 3.1: with R and the diagonal D,
        H = γI + [S Y]·[[R⁻ᵀ(D + γYᵀY)R⁻¹, −γR⁻ᵀ], [−γR⁻¹, 0]]·[S Y]ᵀ.
        """
        m, scale = len(self.curvatures), self.scale.image
        solved = product(self.inverse_upper, projection[:m])
        inner = projection[m:] - product(self.changes, solved)
        inner *= scale
        inner += self.curvatures * solved
        out[:m] = product(self.inverse_lower, inner)
        out[m:] = solved * scale


def product(matrix: Small, vector: Small) -> Small:
    """Return a matrix times a vector; numpy's method takes a third of its operator's time."""
    return torch.mv(matrix, vector) if isinstance(matrix, Tensor) else matrix.dot(vector)


def extend_inverse(inverse: Small, column: Small, place: int) -> None:
    """Replace the oldest row and column of an inverse upper triangle, at `place`, by those of a new last `column` of R.

    `inverse` (m, m) is updated in place; `column` (m,) holds the new column of R, its diagonal at `place`. Nothing is
    ever solved or reordered.
    """
    inverse[place] = 0
    inverse[:, place] = 0
    new = product(inverse, column)
    new /= -column[place]
    new[place] = 1 / column[place]
    inverse[:, place] = new
