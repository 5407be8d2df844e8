"""BFGS with a dense inverse Hessian, updated in place. Shapes: n = number of parameters."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from optbench.numerics.descent import Descent, DescentState, Move
from optbench.numerics.line_searches import build
from optbench.numerics.minibatches import OnMinibatches
from optbench.numerics.scalars import read, representable
from optbench_quasinewton.secant import SECANTS, STRETCHES, Secant, Stretch, Weights, combine, mean, skipping
from optbench_quasinewton.symmetric import Symmetric


def bfgs(
    *, initial_scale: str, negative_curvature: str, self_scaling: bool, line_search: str, curvature: str = "cubic"
) -> OnMinibatches[DescentState[Inverse]]:
    """Return the method that the options describe."""
    rule = DenseInverse(
        scaled=initial_scale == "scaled",
        grows=self_scaling,
        secant=SECANTS[negative_curvature],
        stretch=STRETCHES[curvature],
    )
    return OnMinibatches(Descent(rule, build(line_search)), inner_steps=1, memory="keep")


@dataclass
class Inverse:
    """The inverse Hessian; every buffer is allocated once and updated in place."""

    matrix: Symmetric  # (n, n), meaningless before the first update
    updated: bool
    product: Tensor  # (n,), the matrix times the gradient after the move

    direction: Tensor  # (n,)
    ahead: Tensor | None  # the gradient for which `direction` is known already


class DenseInverse:
    """The direction −H·g with H updated by BFGS (Nocedal & Wright 2006, equation 6.17).

    One product with H a step, that of the gradient after the move, g⁺: H·y is the difference of two directions, every
    other product follows from the slopes, and the next direction lies in the plane of Hg⁺ and the last one.
    """

    def __init__(self, *, scaled: bool, grows: bool, secant: Secant = skipping, stretch: Stretch = mean) -> None:
        """Before its first update H is (sᵀy/yᵀy)·I where `scaled` (equation 6.20), otherwise I.

        `secant` chooses y, and `stretch` for how much it stands.

        Where it `grows`, H is multiplied by sᵀy/yᵀHy before an update if that is more than 1: H was then too small
        along the newest step (Oren & Luenberger, Management Science 20, 1974; upwards only, as in Al-Baali,
        Comput. Optim. Appl. 9, 1998). That says something of other directions only where H was `scaled`: I may be too
        large there by orders, and would grow again with each step, rounding with it.
        """
        self.scaled, self.grows, self.secant, self.stretch = scaled, grows and scaled, secant, stretch

    def start(self, point: Tensor) -> Inverse:
        """Allocate for points like `point`."""
        return Inverse(
            matrix=Symmetric(point),
            updated=False,
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
        after, before = weights
        change = after * move.next_slope + before * move.slope  # y·(the direction)
        curvature = move.step * change
        if not 0 < curvature < math.inf:  # by underflow or overflow
            return
        stretch = self.stretch(move, weights)
        scale, across = self._apply(memory, move, weights, stretch)
        displacement, image = memory.matrix.room()
        torch.mul(move.direction, move.step, out=displacement)
        bend = after * across - before * scale * change
        growth = max(1.0, curvature / (stretch * bend)) if self.grows and bend > 0 else 1.0
        of_displacement, of_image = second_factor(
            displacement, image, curvature=curvature, bend=bend, growth=growth, stretch=stretch
        )
        memory.matrix.update(growth)
        # −H⁺g⁺ with g⁺ projected on s and z: in terms of Hg⁺ and the last direction, of which s and Hy are made
        along = move.step * move.next_slope
        on_displacement = 2 * of_displacement * along + of_image * across
        on_image = of_image * along
        memory.direction.mul_(before * scale * on_image - move.step * on_displacement)
        memory.direction.add_(memory.product, alpha=representable(-growth - after * on_image, image.dtype))
        memory.ahead = move.next_gradient

    def forget(self, memory: Inverse) -> None:
        """Start again from a multiple of the identity."""
        memory.updated, memory.ahead = False, None

    def knows_scale(self, memory: Inverse) -> bool:
        """Tell whether an update has set the scale."""
        return memory.updated

    def _apply(self, memory: Inverse, move: Move, weights: Weights, stretch: float) -> tuple[float, float]:
        """Write Hg⁺ into the product and Hy into the matrix's room; returns −Hg over the direction, and g⁺·Hy.

        −Hg is the direction, times the scale of an H that begins here.
        """
        after, before = weights
        if not memory.updated:
            scale, across = self._fill(memory, move, weights, stretch)
            _, image = memory.matrix.room()
            combine(memory.product, after, move.direction, -before * scale, out=image)
            return scale, across
        memory.matrix.times(move.next_gradient, memory.product)
        _, image = memory.matrix.room()
        combine(memory.product, after, move.direction, -before, out=image)
        (across,) = read(torch.dot(move.next_gradient, image))
        return 1.0, across

    def _fill(self, memory: Inverse, move: Move, weights: Weights, stretch: float) -> tuple[float, float]:
        """Set H to a multiple of the identity, the product to Hg⁺; returns the factor, and g⁺·Hy."""
        change = combine(move.next_gradient, weights[0], move.gradient, weights[1], out=memory.product)
        curvature, square, across = read(
            torch.dot(move.direction, change), torch.dot(change, change), torch.dot(move.next_gradient, change)
        )
        scale = move.step * curvature / (stretch * square) if self.scaled and 0 < square < math.inf else 1.0
        memory.matrix.fill(scale)
        memory.updated = True
        torch.mul(move.next_gradient, scale, out=memory.product)
        return scale, scale * across


def second_factor(
    displacement: Tensor, image: Tensor, *, curvature: float, bend: float, growth: float = 1.0, stretch: float = 1.0
) -> tuple[float, float]:
    """Turn `image`, Hy, into z, with which H ← growth·H + s·zᵀ + z·sᵀ makes H·stretch·y = s; returns its s and Hy.

    z = (½(1/stretch + growth·yᵀHy/sᵀy)·s − growth·Hy)/sᵀy: equation 6.17 written out, for growth·H in the place of H
    and stretch·y in that of y. `displacement` is s, `curvature` sᵀy, `bend` yᵀHy.
    """
    of_displacement, of_image = 0.5 * (1 / stretch + growth * bend / curvature) / curvature, -growth / curvature
    image.mul_(of_image).add_(displacement, alpha=representable(of_displacement, image.dtype))
    return of_displacement, of_image
