"""What a quasi-Newton update takes from a move: which change of the gradient, for how much curvature.

Shapes: n = number of parameters.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Protocol

import torch
from torch import Tensor

from optbench.numerics.scalars import representable

_KEPT = 0.2  # of the model's curvature, where a damped change takes the place of the true one

ASYMMETRY = 0.3  # what s⁻·y and s·y⁻ may differ by where f counts as quadratic, of the curvature along s that is left
LEAST = 1e-3  # of the curvature along s that must be left

Weights = tuple[float, float]  # the change is the first times the gradient after the move plus the second times before

DIFFERENCE: Weights = (1.0, -1.0)  # the true change


class Moved(Protocol):
    """What is asked of a move."""

    @property
    def step(self) -> float:
        """Its length along the direction."""
        ...

    @property
    def slope(self) -> float:
        """gradient·direction before."""
        ...

    @property
    def next_slope(self) -> float:
        """gradient·direction after."""
        ...

    @property
    def stretch(self) -> float:
        """The curvature at the end of the step over its mean."""
        ...

    @property
    def is_convex(self) -> bool:
        """Tell whether f curves upwards along the step."""
        ...


def skipping(move: Moved, _has_scale: bool) -> Weights | None:
    """Return the weights of the true change; None, no update, where f does not curve upwards along the step."""
    return DIFFERENCE if move.is_convex else None


def damping(move: Moved, has_scale: bool) -> Weights | None:
    """Return the weights of the true change y or, where f does not curve upwards, of θy + (1 − θ)Bs.

    Powell 1978 (Nocedal & Wright 2006, procedure 18.2): θ is such that sᵀ(θy + (1 − θ)Bs) is a fifth of sᵀBs. Here
    the direction is −B⁻¹g, so that Bs = −step·g needs no B. A B that has no scale yet is taken as the multiple of I
    whose minimum the step has reached, with Bs = −g: the identity would depend on the unit of f.
    """
    if move.is_convex:
        return DIFFERENCE
    length = move.step if has_scale else 1.0
    model = -length * move.slope  # sᵀBs and sᵀy, both divided by the step
    kept = (1 - _KEPT) * model / (model - (move.next_slope - move.slope))
    return (kept, -kept - (1 - kept) * length) if kept > 0 and math.isfinite(length) else None


Secant = Callable[[Moved, bool], Weights | None]  # of a move, and of whether B has a scale

SECANTS: Mapping[str, Secant] = {"skip": skipping, "damp": damping}


def mean(_move: Moved, _weights: Weights) -> float:
    """Return 1: a change stands for itself, the mean curvature over the step."""
    return 1.0


def at_the_end(move: Moved, weights: Weights) -> float:
    """Return for how many times itself a change stands, so that it tells the curvature at the end of the step.

    An update with H·stretch·y = s is the modified one of Zhang, Deng & Chen (J. Optim. Theory Appl. 102 (1999)), in the
    direction of y. What was damped is no true change, and stands for itself.
    """
    return move.stretch if weights == DIFFERENCE else 1.0


Stretch = Callable[[Moved, Weights], float]

STRETCHES: Mapping[str, Stretch] = {"cubic": at_the_end, "secant": mean}


def combine(first: Tensor, of_first: float, second: Tensor, of_second: float, *, out: Tensor) -> Tensor:
    """Write of_first·first + of_second·second into `out`, and return it; one pass where `of_first` is 1."""
    torch.add(first, second, alpha=representable(of_second / of_first, out.dtype), out=out)
    return out if of_first == 1 else out.mul_(of_first)


def shared(before: float, curvature: float, along: float, across: float) -> float:
    """Return how much of the last pair, with ⁻, is in a new one; 0 where f is not quadratic along the two.

    `before` is s⁻·y⁻, `curvature` s·y, `along` s·y⁻ and `across` s⁻·y. On a quadratic with the Hessian A the last two
    are s·A·s⁻; where they differ by more than a share of what is left of s·A·s, both displacements of length 1 in the
    norm of A, there is no A (Nazareth, J. Optim. Theory Appl. 23 (1977)).
    """
    share = along / before
    left = 1 - share * across / curvature
    ratio = before / curvature
    apart = abs(share - across / before) * math.sqrt(ratio) if 0 < ratio < math.inf else math.inf
    return share if left > LEAST and apart <= ASYMMETRY * left else 0.0
