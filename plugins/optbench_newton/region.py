"""Trust in a Newton step as a radius."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from optbench.numerics.position import Visit
from optbench.numerics.trust import Trust
from optbench.numerics.trust_region import ModelStep, Region

_GROWTH = 2.0  # of the radius after a good step
# Least gain at which a step is taken. Where f fell by less of what the model promised, a shorter step from the same
# point falls further, while this one may have led out of the basin (Nocedal & Wright 2006, algorithm 4.1: up to 1/4).
_ACCEPTED = 0.1
# The first radius where the Hessian is indefinite, as a share of max(1, ‖x‖): there the model says nothing of how far
# to go, and a step as long as the point itself often leads far out.
_FIRST = 0.1


@dataclass
class Radius:
    """The model's minimiser within a ball.

    It is −(H + αI)⁻¹·g, α the least for which H + αI is positive definite and the step lies within the radius. A failed
    Cholesky factorisation raises α; the radius, and with it 1/α, grows where f falls as the model says
    (Moré & Sorensen, SIAM J. Sci. Stat. Comput. 4 (1983)). The first step is Newton's where H is positive definite.
    """

    trust: Trust = field(default_factory=lambda: Trust(growth=_GROWTH))
    accepted: float = _ACCEPTED

    def propose(self, region: Region, here: Visit) -> ModelStep:
        """Return the full Newton step where it lies within the radius, else one on the boundary."""
        if math.isinf(self.trust.radius):
            full = region.damped(0.0)
            if full is not None:
                return full
            self.trust.radius = _FIRST * max(1.0, region.distance)
        return region.within(self.trust.radius)

    def judge(self, proposed: ModelStep | None, gained: float) -> None:
        """Let the radius follow; a first Newton step, however long, is what it begins with."""
        assert proposed is not None
        if math.isinf(self.trust.radius):
            self.trust.radius = proposed.length
        self.trust.judge(proposed.length, gained)
