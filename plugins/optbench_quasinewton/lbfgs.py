"""L-BFGS in compact form: two passes over the stored pairs a step, and no loop over them.

Shapes: n = number of parameters, m = pairs kept.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from optbench.numerics.descent import Descent, Move
from optbench.numerics.line_searches import build


def lbfgs(*, history: int, initial_scale: str, line_search: str) -> Descent[Pairs]:
    """Return the method that the options describe."""
    return Descent(CompactInverse(history, scaled=initial_scale == "scaled"), build(line_search))


@dataclass
class Pairs:
    """The last m displacements and gradient changes, a ring; every buffer is allocated once and updated in place.

    The small matrices are float64, in the ring's order; rows and columns of empty places are zero.
    """

    # the ring
    rows: Tensor  # (2m, n): displacements S, then gradient changes Y
    newest: int  # the place of the newest pair
    count: int  # pairs kept

    # products of the pairs
    inverse_upper: Tensor  # (m, m), the inverse of R, R[i, j] = s_i·y_j for i not newer than j
    changes_gram: Tensor  # (m, m), Y·Yᵀ
    curvatures: Tensor  # (m,), s_i·y_i

    # the inverse Hessian is scale·I + Wᵀ·middle·W, where W is `rows`
    scale: Tensor  # (), of the pairs' dtype
    middle: Tensor  # (2m, 2m), of the pairs' dtype

    direction: Tensor  # (n,)


class CompactInverse:
    """The direction −H·g with the inverse Hessian H of the last m pairs.

    Byrd, Nocedal & Schnabel, Math. Programming 63 (1994), equation 3.1: with R, D and γ = `scale`,
    H = γI + [S Y]·[[R⁻ᵀ(D + γYᵀY)R⁻¹, −γR⁻ᵀ], [−γR⁻¹, 0]]·[S Y]ᵀ.
    A new pair adds one column to R⁻¹ and the oldest leaves by zeros, so that nothing is ever solved or reordered.
    """

    def __init__(self, history: int, *, scaled: bool) -> None:
        """Keep `history` pairs; `scaled` takes γ = sᵀy/yᵀy of the newest, otherwise γ = 1."""
        self.history, self.scaled = history, scaled

    def start(self, point: Tensor) -> Pairs:
        """Return an empty ring for points like `point`."""
        m, exact = self.history, torch.float64
        return Pairs(
            rows=point.new_zeros(2 * m, point.numel()),
            newest=-1,
            count=0,
            inverse_upper=point.new_zeros(m, m, dtype=exact),
            changes_gram=point.new_zeros(m, m, dtype=exact),
            curvatures=point.new_zeros(m, dtype=exact),
            scale=point.new_ones(()),
            middle=point.new_zeros(2 * m, 2 * m),
            direction=torch.empty_like(point),
        )

    def direction(self, memory: Pairs, gradient: Tensor) -> Tensor:
        """Return −H·gradient: one pass over the pairs to project, one to combine."""
        torch.mul(gradient, memory.scale, out=memory.direction)
        if memory.count:
            weights = memory.middle @ (memory.rows @ gradient)
            memory.direction.addmv_(memory.rows.T, weights)
        return memory.direction.neg_()

    def learn(self, memory: Pairs, move: Move) -> None:
        """Put the pair in the oldest one's place; a pair without positive curvature is left out."""
        if not move.is_convex:
            return
        place = (memory.newest + 1) % self.history
        torch.mul(move.direction, move.step, out=memory.rows[place])
        torch.sub(move.next_gradient, move.gradient, out=memory.rows[self.history + place])
        memory.newest, memory.count = place, min(memory.count + 1, self.history)
        self._extend(memory, place)

    def forget(self, memory: Pairs) -> None:
        """Drop every pair."""
        for buffer in (memory.rows, memory.inverse_upper, memory.changes_gram, memory.curvatures, memory.middle):
            buffer.zero_()
        memory.scale.fill_(1)
        memory.newest, memory.count = -1, 0

    def knows_scale(self, memory: Pairs) -> bool:
        """Tell whether a pair has set the scale."""
        return memory.count > 0

    def _extend(self, memory: Pairs, place: int) -> None:
        """Update the small matrices by the products with the newest gradient change."""
        m = self.history
        products = (memory.rows @ memory.rows[m + place]).to(torch.float64)
        with_displacements, with_changes = products[:m], products[m:]
        curvature = with_displacements[place]
        extend_inverse(memory.inverse_upper, with_displacements, place)
        memory.changes_gram[place] = with_changes
        memory.changes_gram[:, place] = with_changes
        memory.curvatures[place] = curvature
        scale = curvature / with_changes[place] if self.scaled else torch.ones_like(curvature)
        memory.scale.copy_(scale)
        fill_middle(memory, scale)


def extend_inverse(inverse: Tensor, column: Tensor, place: int) -> None:
    """Replace the oldest row and column of an inverse upper triangle, at `place`, by those of a new last `column` of R.

    `inverse` (m, m) is updated in place; `column` (m,) holds the new column of R, its diagonal at `place`.
    """
    inverse[place] = 0
    inverse[:, place] = 0
    new = inverse @ column
    new.neg_()[place] = 1
    torch.div(new, column[place], out=new)
    inverse[:, place] = new


def fill_middle(memory: Pairs, scale: Tensor) -> None:
    """Write the middle matrix of the compact form, equation 3.1."""
    m = len(memory.curvatures)
    inverse = memory.inverse_upper
    inner = scale * memory.changes_gram
    inner.diagonal().add_(memory.curvatures)
    memory.middle[:m, :m] = inverse.T @ inner @ inverse
    memory.middle[m:, :m] = -scale * inverse
    memory.middle[:m, m:] = -scale * inverse.T
