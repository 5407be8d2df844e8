"""BFGS with a dense inverse Hessian, updated in place. Shapes: n = number of parameters."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from optbench.numerics.descent import Descent, DescentState, Move
from optbench.numerics.line_searches import build
from optbench.numerics.minibatches import OnMinibatches
from optbench_quasinewton.secant import SECANTS, STRETCHES, Secant, Stretch, Weights, mean, shared, skipping
from optbench_quasinewton.sums import Sums, Terms, Vector, sums
from optbench_quasinewton.symmetric import Symmetric

_GROWING = 12  # updates; what more of them say of directions that none of them took has been said


def bfgs(
    *,
    initial_scale: str,
    negative_curvature: str,
    self_scaling: bool,
    line_search: str,
    curvature: str = "cubic",
    pairs: str = "conjugate",
) -> OnMinibatches[DescentState[Inverse]]:
    """Return the method that the options describe."""
    rule = DenseInverse(
        scaled=initial_scale == "scaled",
        grows=self_scaling,
        secant=SECANTS[negative_curvature],
        stretch=STRETCHES[curvature],
        conjugate=pairs == "conjugate",
    )
    return OnMinibatches(Descent(rule, build(line_search)), inner_steps=1, memory="keep")


@dataclass
class Pair:
    """The newest with which H agrees: H·stretch·y = s."""

    displacement: Vector  # (n,), s
    curvature: float = 0.0  # sᵀy; 0 where there is none
    stretch: float = 1.0


@dataclass
class Inverse:
    """The inverse Hessian; every buffer is allocated once and updated in place."""

    matrix: Symmetric  # (n, n), meaningless before the first update
    updates: int
    last: Pair

    # (n,) each, as `sums` takes them
    sums: Sums
    product: Vector  # the matrix times the gradient after the move
    leads: Vector  # the direction

    direction: Tensor  # (n,)
    ahead: Tensor | None  # the gradient for which `direction` is known already


@dataclass
class Plane:
    """What an update is made of: s and Hy, of which only these products count. −Hg is the direction times `scale`."""

    weights: Weights  # y is the first times g⁺ plus the second times g
    scale: float  # 1, and that of an H that begins here
    curvature: float  # sᵀy
    bend: float  # yᵀHy
    along: float  # sᵀg⁺
    across: float  # g⁺ᵀHy
    with_last: list[float]  # the last displacement times g, and times g⁺; empty where nothing is taken out


class DenseInverse:
    """The direction −H·g with H updated by BFGS (Nocedal & Wright 2006, equation 6.17).

    One product with H a step, that of the gradient after the move, g⁺: H·y is the difference of two directions, every
    other product follows from the slopes, and the next direction lies in the plane of Hg⁺ and the last one.
    """

    def __init__(
        self,
        *,
        scaled: bool,
        grows: bool,
        secant: Secant = skipping,
        stretch: Stretch = mean,
        conjugate: bool = False,
    ) -> None:
        """Before its first update H is (sᵀy/yᵀy)·I where `scaled` (equation 6.20), otherwise I.

        `secant` chooses y, and `stretch` for how much it stands.
        Where `conjugate`, and f is quadratic along two moves in a row, what the second has of the first is left out:
        the update then keeps what H says of the first (Nazareth, J. Optim. Theory Appl. 23 (1977)).

        Where it `grows`, H is multiplied by sᵀy/yᵀHy before one of the first updates if that is more than 1: H was then
        too small along the newest step (Oren & Luenberger, Management Science 20, 1974; upwards only, as in Al-Baali,
        Comput. Optim. Appl. 9, 1998). That says something of other directions only where H was `scaled`: I may be too
        large there by orders, and would grow again with each step, rounding with it.
        """
        self.scaled, self.grows, self.secant, self.stretch = scaled, grows and scaled, secant, stretch
        self.conjugate = conjugate

    def start(self, point: Tensor) -> Inverse:
        """Allocate for points like `point`."""
        direction, made = torch.empty_like(point), sums(point)
        return Inverse(
            matrix=Symmetric(point),
            updates=0,
            last=Pair(made.of(torch.empty_like(point))),
            sums=made,
            product=made.of(torch.empty_like(point)),
            leads=made.of(direction),
            direction=direction,
            ahead=None,
        )

    def direction(self, memory: Inverse, gradient: Tensor) -> Tensor:
        """Return −H·gradient."""
        if memory.ahead is gradient:
            return memory.direction
        if not memory.updates:
            return torch.neg(gradient, out=memory.direction)
        memory.matrix.times(memory.sums.of(gradient), memory.product)
        memory.sums.write(memory.leads, (-1.0, memory.product))
        return memory.direction

    def learn(self, memory: Inverse, move: Move) -> None:
        """Update H and prepare the next direction."""
        memory.ahead = None
        weights = self.secant(move, not self.scaled or memory.updates > 0)
        if weights is None:
            return
        change = weights[0] * move.next_slope + weights[1] * move.slope  # y·(the direction)
        if not 0 < move.step * change < math.inf:  # by underflow or overflow
            return
        stretch = self.stretch(move, weights)
        plane = self._apply(memory, move, weights, stretch)
        share = self._separate(memory, move, plane)
        displacement, image = memory.matrix.room()
        rises = self.grows and memory.updates < _GROWING and plane.bend > 0
        growth = max(1.0, plane.curvature / (stretch * plane.bend)) if rises else 1.0
        factors = second_factor(curvature=plane.curvature, bend=plane.bend, growth=growth, stretch=stretch)
        memory.sums.write(image, (factors[1], image), (factors[0], displacement))
        self._prepare(memory, move, plane, share, growth, factors)
        memory.sums.write(memory.last.displacement, (1.0, displacement))
        memory.last.curvature, memory.last.stretch = plane.curvature, stretch
        memory.matrix.update(growth)
        memory.updates += 1

    def forget(self, memory: Inverse) -> None:
        """Start again from a multiple of the identity."""
        memory.updates, memory.last.curvature, memory.ahead = 0, 0.0, None

    def knows_scale(self, memory: Inverse) -> bool:
        """Tell whether an update has set the scale."""
        return memory.updates > 0

    def _apply(self, memory: Inverse, move: Move, weights: Weights, stretch: float) -> Plane:
        """Write Hg⁺ into the product, s and Hy into the matrix's room; returns what is known of them."""
        (after, before), made = weights, memory.sums
        leads = memory.leads if move.direction is memory.direction else made.of(move.direction)
        gradient, next_gradient = made.of(move.gradient), made.of(move.next_gradient)
        begins, scale, across = not memory.updates, 1.0, 0.0
        if begins:
            terms = (after, next_gradient), (before, gradient)
            scale, across = self._fill(memory, leads, terms, move.step / stretch)
        else:
            memory.matrix.times(next_gradient, memory.product)
        displacement, image = memory.matrix.room()
        made.write(displacement, (move.step, leads))
        made.write(image, (after, memory.product), (-before * scale, leads))
        with_last: list[float] = []
        if not begins:
            of_last = [(gradient, memory.last.displacement), (next_gradient, memory.last.displacement)]
            across, *with_last = made.products((next_gradient, image), *(of_last if self.conjugate else ()))
        change = after * move.next_slope + before * move.slope
        return Plane(
            weights=weights,
            scale=scale,
            curvature=move.step * change,
            bend=after * across - before * scale * change,
            along=move.step * move.next_slope,
            across=across,
            with_last=with_last,
        )

    def _fill(self, memory: Inverse, leads: Vector, of_change: Terms, step: float) -> tuple[float, float]:
        """Set H to a multiple of the identity, the product to Hg⁺; returns the factor, and g⁺·Hy.

        `of_change` are the terms of y, g⁺ first; `step` is that of the direction over the stretch.
        """
        made, change, (_, next_gradient) = memory.sums, memory.product, of_change[0]
        made.write(change, *of_change)
        curvature, square, across = made.products((leads, change), (change, change), (next_gradient, change))
        scale = step * curvature / square if self.scaled and 0 < square < math.inf else 1.0
        memory.matrix.fill(scale)
        made.write(memory.product, (scale, next_gradient))
        return scale, scale * across

    @staticmethod
    def _separate(memory: Inverse, move: Move, plane: Plane) -> float:
        """Leave out of s and Hy what the pair has of the last one; returns how much of it.

        H·y⁻ is s⁻ over its stretch, and s is −step·Hg, so that no product with H is needed.
        """
        if not plane.with_last:
            return 0.0
        last, (back, ahead) = memory.last, plane.with_last
        after, before = plane.weights
        across = after * ahead + before * back  # s⁻·y
        share = shared(last.curvature, plane.curvature, -move.step * back / last.stretch, across)
        if share:
            displacement, image = memory.matrix.room()
            memory.sums.write(displacement, (1.0, displacement), (-share, last.displacement))
            memory.sums.write(image, (1.0, image), (-share / last.stretch, last.displacement))
            plane.curvature -= share * across
            plane.bend += share * (share * last.curvature - 2 * across) / last.stretch
            plane.along -= share * ahead
            plane.across -= share * ahead / last.stretch
        return share

    @staticmethod
    def _prepare(
        memory: Inverse, move: Move, plane: Plane, share: float, growth: float, factors: tuple[float, float]
    ) -> None:
        """Write −H⁺g⁺, with g⁺ projected on s and z, in terms of what these are made of: Hg⁺, the direction and s⁻."""
        (after, before), (of_displacement, of_image) = plane.weights, factors
        on_displacement = 2 * of_displacement * plane.along + of_image * plane.across
        on_image = of_image * plane.along
        terms = [
            (before * plane.scale * on_image - move.step * on_displacement, memory.leads),
            (-growth - after * on_image, memory.product),
        ]
        if share:
            terms.append((share * (on_displacement + on_image / memory.last.stretch), memory.last.displacement))
        memory.sums.write(memory.leads, *terms)
        memory.ahead = move.next_gradient


def second_factor(*, curvature: float, bend: float, growth: float = 1.0, stretch: float = 1.0) -> tuple[float, float]:
    """Return the multiples of s and Hy of which z is made, with which H ← growth·H + s·zᵀ + z·sᵀ makes H·stretch·y = s.

    z = (½(1/stretch + growth·yᵀHy/sᵀy)·s − growth·Hy)/sᵀy: equation 6.17 written out, for growth·H in the place of H
    and stretch·y in that of y. `curvature` is sᵀy, `bend` yᵀHy.
    """
    return 0.5 * (1 / stretch + growth * bend / curvature) / curvature, -growth / curvature
