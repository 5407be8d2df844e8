"""L-BFGS in compact form: two passes over the stored pairs a step, and no loop over them.

Shapes: n = number of parameters, m = pairs kept.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from optbench.numerics.descent import Descent, DescentState, Move
from optbench.numerics.line_searches import build
from optbench.numerics.minibatches import INNER_STEPS, MEMORY, OnMinibatches
from optbench_quasinewton.compact import Mirrored, Products, Small
from optbench_quasinewton.passes import Passes, passes
from optbench_quasinewton.secant import SECANTS, STRETCHES, Secant, Stretch, Weights, mean, skipping


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
            products=Products.empty(m, point),
            projection=Projection(Mirrored.zeros((2 * m,), point)),
            earlier=Projection(Mirrored.zeros((2 * m,), point)),
            weights=Mirrored.zeros((2 * m,), point),
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

    @np.errstate(all="ignore")
    def learn(self, memory: Pairs, move: Move) -> None:
        """Put the pair in the oldest one's place, and project the gradient after the move."""
        weights = self.secant(move)
        if weights is None:
            return
        if memory.projection.gradient is not move.gradient and memory.count:
            memory.projection.project(memory, move.gradient)
        last, place = memory.newest, (memory.newest + 1) % self.history
        memory.newest, memory.count = place, min(memory.count + 1, self.history)
        memory.passes.put(place, move, weights)
        memory.projection, memory.earlier = memory.earlier, memory.projection
        memory.earlier.gradient = None
        memory.projection.project(memory, move.next_gradient)
        with_new = self._with_new(memory, place, move, weights)
        if self.conjugate and memory.count > 1:
            self._separate(memory, last, place, move, with_new)
        with_new[self.history + place] = memory.passes.square(place)
        stretch = self.stretch(move, weights)
        memory.products.extend(place, with_new, scaled=self.scaled, stretch=stretch)
        memory.products.weigh(memory.projection.values, memory.weights)

    def forget(self, memory: Pairs) -> None:
        """Drop every pair."""
        memory.rows.zero_()
        memory.products.forget()
        memory.projection.forget()
        memory.newest, memory.count = -1, 0

    def knows_scale(self, memory: Pairs) -> bool:
        """Tell whether a pair has set the scale."""
        return memory.count > 0

    def _with_new(self, memory: Pairs, place: int, move: Move, weights: Weights) -> Small:
        """Return the products of all pairs with the new change, a sum of two gradients; its square is still missing."""
        after, before = weights
        later, earlier = memory.projection.values.image, memory.earlier.values.image
        with_new = later - earlier if after == 1 else after * later + before * earlier
        with_new[place] = move.step * (after * move.next_slope + before * move.slope)
        return with_new

    def _separate(self, memory: Pairs, last: int, place: int, move: Move, with_new: Small) -> None:
        """Leave out of the new pair what it has of the last one, and of its products what follows.

        Nazareth, J. Optim. Theory Appl. 23 (1977). The new displacement is −step·H·g.
        """
        back, across = -move.step * memory.earlier.values.image[last], with_new[last]
        share = memory.products.shared(last, with_new[place], back, across)
        if isinstance(share, float) and not share:
            return
        memory.passes.take_out(last, share, place)
        projection = memory.projection.values.image
        for half in (0, self.history):
            projection[half + place] -= share * projection[half + last]
        left = with_new[place] - share * across
        with_new -= share * memory.products.latest
        with_new[place] = left

    @np.errstate(all="ignore")
    def _take(self, memory: Pairs, gradient: Tensor) -> None:
        """Make a gradient that no move led to the one whose direction is known."""
        memory.projection.project(memory, gradient)
        memory.products.weigh(memory.projection.values, memory.weights)
