"""L-BFGS in compact form: two passes over the stored pairs a step, and no loop over them.

Shapes: n = number of parameters, m = pairs kept.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from optbench.numerics.descent import Descent, DescentState, Move
from optbench.numerics.line_searches import build
from optbench.numerics.minibatches import INNER_STEPS, MEMORY, OnMinibatches
from optbench_quasinewton.compact import Mirrored, Products, products
from optbench_quasinewton.passes import Passes, passes
from optbench_quasinewton.secant import SECANTS, STRETCHES, Secant, Stretch, mean, skipping


def lbfgs(
    *,
    history: int,
    initial_scale: str,
    negative_curvature: str,
    line_search: str,
    pairs: str = "conjugate",
    curvature: str = "cubic",
    inner_steps: int = INNER_STEPS.default,
    memory: str = MEMORY.default,
) -> OnMinibatches[DescentState[Pairs]]:
    """Return the method that the options describe."""
    rule = CompactInverse(
        history,
        scaled=initial_scale == "scaled",
        secant=SECANTS[negative_curvature],
        conjugate=pairs == "conjugate",
        stretch=STRETCHES[curvature],
    )
    return OnMinibatches(Descent(rule, build(line_search)), inner_steps=inner_steps, memory=memory)


@dataclass
class Pairs:
    """The last m displacements and gradient changes, a ring, conjugate or as made.

    Every buffer is allocated once and updated in place.
    """

    # the ring
    rows: Tensor  # (2m, n): displacements S, then gradient changes Y; empty places are zero
    passes: Passes  # over them
    newest: int  # the place of the newest pair
    count: int  # pairs kept

    # products of the pairs, with each other and with a gradient
    products: Products
    projection: Projection
    earlier: Projection  # with the gradient before; changes places with `projection`

    # −H·g is −γ·g − rowsᵀ·weights
    weights: Mirrored  # (2m,)
    direction: Tensor  # (n,)


@dataclass
class Projection:
    """The products of all pairs with one gradient."""

    values: Mirrored  # (2m,)
    gradient: Tensor | None = None  # (n,), the oracle's; None: of no gradient

    def project(self, pairs: Pairs, gradient: Tensor) -> None:
        """Multiply: one pass over the pairs."""
        pairs.passes.project(gradient, self.values)
        self.gradient = gradient

    def forget(self) -> None:
        """Become the products of no pairs."""
        self.values.image[...] = 0
        self.gradient = None


class CompactInverse:
    """The direction −H·g with the inverse Hessian H of the last m pairs.

    Two passes over the pairs a step, one to project the gradient and one to combine. The products with the newest
    gradient change are differences of projections, so that learning has no pass of its own.
    """

    def __init__(
        self,
        history: int,
        *,
        scaled: bool,
        secant: Secant = skipping,
        conjugate: bool = False,
        stretch: Stretch = mean,
    ) -> None:
        """Keep `history` pairs; γ is s·y/y·y of the newest where `scaled`, otherwise 1.

        `secant` chooses y, and `stretch` for how much it stands.
        Where `conjugate`, and f is quadratic along two moves in a row, what the second has of the first is left out.
        """
        self.history, self.scaled, self.secant = history, scaled, secant
        self.conjugate, self.stretch = conjugate, stretch

    def start(self, point: Tensor) -> Pairs:
        """Return an empty ring for points like `point`."""
        m = self.history
        rows, direction = point.new_zeros(2 * m, point.numel()), torch.empty_like(point)
        return Pairs(
            rows=rows,
            passes=passes(rows, direction),
            newest=-1,
            count=0,
            products=products(m, point, scaled=self.scaled, conjugate=self.conjugate and m > 1),
            projection=Projection(Mirrored.zeros(2 * m, point)),
            earlier=Projection(Mirrored.zeros(2 * m, point)),
            weights=Mirrored.zeros(2 * m, point),
            direction=direction,
        )

    def direction(self, memory: Pairs, gradient: Tensor) -> Tensor:
        """Return −H·gradient."""
        if not memory.count:
            return torch.neg(gradient, out=memory.direction)
        if memory.projection.gradient is not gradient:
            self._take(memory, gradient)
        memory.passes.combine(gradient, memory.products.scale, memory.weights)
        return memory.direction

    def learn(self, memory: Pairs, move: Move) -> None:
        """Put the pair in the oldest one's place, and project the gradient after the move."""
        weights = self.secant(move, not self.scaled or memory.count > 0)
        if weights is None:
            return
        after, before = weights
        curvature = move.step * (after * move.next_slope + before * move.slope)
        if not 0 < curvature < math.inf:
            return
        if memory.projection.gradient is not move.gradient and memory.count:
            memory.projection.project(memory, move.gradient)
        last, place = memory.newest, (memory.newest + 1) % self.history
        memory.newest, memory.count = place, min(memory.count + 1, self.history)
        small, later, earlier = memory.products, memory.earlier, memory.projection
        memory.projection, memory.earlier, earlier.gradient = later, earlier, None
        memory.passes.put(place, move, weights)
        later.project(memory, move.next_gradient)
        share = small.begin(place, later.values.image, earlier.values.image, weights, move.step, curvature)
        if share is not None:
            memory.passes.take_out(last, share, place)
        small.end(place, memory.passes.square(place), self.stretch(move, weights))
        small.weigh(later.values, memory.weights)

    def forget(self, memory: Pairs) -> None:
        """Drop every pair."""
        memory.rows.zero_()
        memory.products.forget()
        memory.projection.forget()
        memory.newest, memory.count = -1, 0

    def knows_scale(self, memory: Pairs) -> bool:
        """Tell whether a pair has set the scale."""
        return memory.count > 0

    def _take(self, memory: Pairs, gradient: Tensor) -> None:
        """Make a gradient that no move led to the one whose direction is known."""
        memory.projection.project(memory, gradient)
        memory.products.weigh(memory.projection.values, memory.weights)
