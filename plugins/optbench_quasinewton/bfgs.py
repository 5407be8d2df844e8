"""BFGS with a dense inverse Hessian, updated in place. Shapes: n = number of parameters."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from optbench.numerics.descent import Descent, Move
from optbench.numerics.line_searches import build


def bfgs(*, initial_scale: str, line_search: str) -> Descent[Inverse]:
    """Return the method that the options describe."""
    return Descent(DenseInverse(scaled=initial_scale == "scaled"), build(line_search))


@dataclass
class Inverse:
    """The inverse Hessian; every buffer is allocated once and updated in place."""

    matrix: Tensor  # (n, n), meaningless before the first update
    updated: bool
    factors: Tensor  # (2, n): the two vectors of a rank-two update
    change: Tensor  # (n,), of the gradient
    direction: Tensor  # (n,)


class DenseInverse:
    """The direction −H·g with H updated by BFGS (Nocedal & Wright 2006, equation 6.17).

    Three passes over H a step: H·y, the update in place, and the direction.
    """

    def __init__(self, *, scaled: bool) -> None:
        """Before its first update H is (sᵀy/yᵀy)·I where `scaled` (equation 6.20), otherwise I."""
        self.scaled = scaled

    def start(self, point: Tensor) -> Inverse:
        """Allocate for points like `point`."""
        n = point.numel()
        return Inverse(
            matrix=point.new_empty(n, n),
            updated=False,
            factors=point.new_empty(2, n),
            change=torch.empty_like(point),
            direction=torch.empty_like(point),
        )

    def direction(self, memory: Inverse, gradient: Tensor) -> Tensor:
        """Return −H·gradient."""
        if not memory.updated:
            return torch.neg(gradient, out=memory.direction)
        torch.mv(memory.matrix, gradient, out=memory.direction)
        return memory.direction.neg_()

    def learn(self, memory: Inverse, move: Move) -> None:
        """Update H; a move without positive curvature is left out."""
        if not move.is_convex:
            return
        displacement, work = memory.factors
        torch.mul(move.direction, move.step, out=displacement)
        change = torch.sub(move.next_gradient, move.gradient, out=memory.change)
        curvature = torch.dot(displacement, change)
        if not memory.updated:
            self._fill(memory, curvature, change)
        torch.mv(memory.matrix, change, out=work)
        rank_two_update(memory.matrix, memory.factors, change, curvature)

    def forget(self, memory: Inverse) -> None:
        """Start again from a multiple of the identity."""
        memory.updated = False

    def knows_scale(self, memory: Inverse) -> bool:
        """Tell whether an update has set the scale."""
        return memory.updated

    def _fill(self, memory: Inverse, curvature: Tensor, change: Tensor) -> None:
        memory.matrix.zero_()
        diagonal = memory.matrix.diagonal()
        diagonal.copy_(curvature / torch.dot(change, change)) if self.scaled else diagonal.fill_(1)
        memory.updated = True


def rank_two_update(matrix: Tensor, factors: Tensor, change: Tensor, curvature: Tensor) -> None:
    """Update the inverse Hessian H in place so that H·y = s.

    H ← H + s·zᵀ + z·sᵀ with z = (½(1 + yᵀHy/sᵀy)·s − Hy)/sᵀy, which is equation 6.17 written out.
    `factors` (2, n) holds s and Hy, and is overwritten by s and z; `change` is y; `curvature` is sᵀy.
    """
    displacement, product = factors
    weight = 0.5 * (1 + torch.dot(change, product) / curvature)
    product.neg_().addcmul_(displacement, weight).div_(curvature)
    matrix.addmm_(factors.T, factors.flip(0))
