"""Vectors and numbers that conjugate gradients calculate with, and what they know of a move. Shapes: n = parameters.

Short vectors on the CPU are numpy's arrays, and single numbers are floats: a call takes a third of the time of one of
torch, and a step makes dozens. Elsewhere both are tensors, and nothing is synchronised. What is written here with
operators works for both.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from optbench.numerics.descent import Move
from optbench.numerics.reproducible import dot

Vector = Any  # (n,), an array or a tensor
Number = Any  # a float or a tensor of shape ()
Flag = Any  # a bool or a tensor of shape ()


@dataclass
class Pair:
    """A displacement and the change of the gradient that came with it."""

    displacement: Vector  # (n,), s
    change: Vector  # (n,), y
    curvature: Number  # s·y

    @classmethod
    def of(cls, move: Move, like: Vector) -> Pair:
        """Return those of a move, as tensors or as arrays."""
        displacement = same_kind(like, move.direction) * move.step
        change = same_kind(like, move.next_gradient) - same_kind(like, move.gradient)
        return cls(displacement, change, dot(displacement, change))

    def take_out(self, shared: Number, last: Pair) -> None:
        """Subtract so much of another pair, in place."""
        combine(self.displacement, (1.0, self.displacement), (-shared, last.displacement))
        combine(self.change, (1.0, self.change), (-shared, last.change))
        self.curvature = dot(self.displacement, self.change)


def new(like: Vector, number: float) -> Vector:
    """Return a vector like another one, with equal entries; of torch's memory, which is measured."""
    if isinstance(like, Tensor):
        return torch.full_like(like, number)
    return torch.full_like(torch.from_numpy(like), number).numpy()


def rounding(like: Vector) -> float:
    """Return the spacing of floats at 1, in the dtype of a vector."""
    kind = torch if isinstance(like, Tensor) else np
    return float(kind.finfo(like.dtype).eps)


def same_kind(like: Vector, vector: Tensor) -> Vector:
    """Return an array of the same memory where `like` is an array."""
    return vector if isinstance(like, Tensor) else vector.numpy()


def combine(out: Vector, first: tuple[Number, Vector], *others: tuple[Number, Vector]) -> None:
    """Write the sum of vectors times numbers; only the first may be `out` itself."""
    number, vector = first
    if isinstance(out, Tensor):
        torch.mul(vector, number, out=out)
        for number, vector in others:
            out.addcmul_(vector, torch.as_tensor(number, dtype=out.dtype, device=out.device))
        return
    np.multiply(vector, number, out=out)
    for number, vector in others:
        out += vector * number


def raise_to(least: Number, vector: Vector) -> None:
    """Raise entries that lie below a number to it, in place."""
    (torch if isinstance(vector, Tensor) else np).maximum(vector, least, out=vector)


def quotient(a: Number, b: Number) -> Number:
    """Return a/b, also of floats where b is 0: then no number."""
    return a / b if isinstance(b, Tensor) or b else math.nan


def negated(flag: Flag) -> Flag:
    """Return whether it doesn't hold."""
    return ~flag if isinstance(flag, Tensor) else not flag


def where(flag: Flag, number: Number) -> Number:
    """Return the number where the flag holds, otherwise 0."""
    return torch.where(flag, number, 0.0) if isinstance(flag, Tensor) else number if flag else 0.0
