"""BFGS with a dense inverse Hessian, updated in place. Shapes: n = number of parameters."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from optbench.numerics.descent import Descent, Move
from optbench.numerics.line_searches import build
from optbench.numerics.scalars import read
from optbench_quasinewton.secant import SECANTS, Secant, Weights, combine, skipping
from optbench_quasinewton.symmetric import Symmetric


def bfgs(*, initial_scale: str, negative_curvature: str, self_scaling: bool, line_search: str) -> Descent[Inverse]:
    """Return the method that the options describe."""
    secant = SECANTS[negative_curvature]
    return Descent(
        DenseInverse(scaled=initial_scale == "scaled", grows=self_scaling, secant=secant), build(line_search)
    )


@dataclass
class Inverse:
    """The inverse Hessian; every buffer is allocated once and updated in place."""

    matrix: Symmetric  # (n, n), meaningless before the first update
    updated: bool
    factors: Tensor  # (2, n): the two vectors of a rank-two update
    change: Tensor  # (n,), of the gradient
    product: Tensor  # (n,), the matrix times the gradient after the move

    direction: Tensor  # (n,)
    ahead: Tensor | None  # the gradient for which `direction` is known already


class DenseInverse:
    """The direction −H·g with H updated by BFGS (Nocedal & Wright 2006, equation 6.17).

    Two passes over H a step: a product with the gradient after the move and the update in place. H·y is the difference
    of two directions, and the next direction follows from the product and the update's two vectors.
    """

    def __init__(self, *, scaled: bool, grows: bool, secant: Secant = skipping) -> None:
        """Before its first update H is (sᵀy/yᵀy)·I where `scaled` (equation 6.20), otherwise I; `secant` chooses y.

        Where it `grows`, H is multiplied by sᵀy/yᵀHy before an update if that is more than 1: H was then too small
        along the newest step (Oren & Luenberger, Management Science 20, 1974; upwards only, as in Al-Baali,
        Comput. Optim. Appl. 9, 1998).
        """
        self.scaled, self.grows, self.secant = scaled, grows, secant

    def start(self, point: Tensor) -> Inverse:
        """Allocate for points like `point`."""
        n = point.numel()
        return Inverse(
            matrix=Symmetric(point),
            updated=False,
            factors=point.new_empty(2, n),
            change=torch.empty_like(point),
            product=torch.empty_like(point),
            direction=torch.empty_like(point),
            ahead=None,
        )

    def direction(self, memory: Inverse, gradient: Tensor) -> Tensor:
        """Return −H·gradient."""
        if memory.ahead is gradient:
            return memory.direction
        if not memory.updated:
            return torch.neg(gradient, out=memory.direction)
        return memory.matrix.times(gradient, memory.direction).neg_()

    def learn(self, memory: Inverse, move: Move) -> None:
        """Update H and prepare the next direction."""
        memory.ahead = None
        weights = self.secant(move)
        if weights is None:
            return
        change = self._take(memory, move, weights)
        displacement, image = memory.factors
        curvature, bend = read(torch.dot(displacement, change), torch.dot(change, image))
        growth = max(1.0, curvature / bend) if self.grows and bend > 0 else 1.0
        second_factor(memory.factors, curvature=curvature, bend=bend, growth=growth)
        memory.matrix.update(growth, memory.factors)
        crossed = (memory.factors @ move.next_gradient).flip(0)
        torch.addmv(memory.product, memory.factors.T, crossed, beta=growth, out=memory.direction)
        memory.direction.neg_()
        memory.ahead = move.next_gradient

    def forget(self, memory: Inverse) -> None:
        """Start again from a multiple of the identity."""
        memory.updated, memory.ahead = False, None

    def knows_scale(self, memory: Inverse) -> bool:
        """Tell whether an update has set the scale."""
        return memory.updated

    def _take(self, memory: Inverse, move: Move, weights: Weights) -> Tensor:
        """Write s and Hy into the factors and Hg⁺ into the product; returns y. At most one product with H."""
        after, before = weights
        displacement, image = memory.factors
        torch.mul(move.direction, move.step, out=displacement)
        change = combine(move.next_gradient, after, move.gradient, before, out=memory.change)
        if memory.updated:
            memory.matrix.times(move.next_gradient, memory.product)
            combine(memory.product, after, move.direction, -before, out=image)
        else:
            scale = self._fill(memory, displacement, change)
            torch.mul(move.next_gradient, scale, out=memory.product)
            torch.mul(change, scale, out=image)
        return change

    def _fill(self, memory: Inverse, displacement: Tensor, change: Tensor) -> float:
        """Set H to a multiple of the identity; returns the factor."""
        scale = 1.0
        if self.scaled:
            curvature, square = read(torch.dot(displacement, change), torch.dot(change, change))
            scale = curvature / square
        memory.matrix.fill(scale)
        memory.updated = True
        return scale


def second_factor(factors: Tensor, *, curvature: float, bend: float, growth: float = 1.0) -> None:
    """Turn `factors` (2, n), s and Hy, into s and z, with which H ← growth·H + s·zᵀ + z·sᵀ makes H·y = s.

    z = (½(1 + growth·yᵀHy/sᵀy)·s − growth·Hy)/sᵀy: equation 6.17 written out, for growth·H in the place of H.
    `curvature` is sᵀy, `bend` yᵀHy.
    """
    displacement, image = factors
    image.mul_(-growth / curvature).add_(displacement, alpha=0.5 * (1 + growth * bend / curvature) / curvature)
