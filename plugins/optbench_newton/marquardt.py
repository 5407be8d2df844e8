"""Trust in a Newton step as a damping."""

from __future__ import annotations

from dataclasses import dataclass

from optbench.numerics.position import Visit
from optbench.numerics.trust import ACCEPTED
from optbench.numerics.trust_region import ModelStep, Region

_FIRST = 1e-3  # the first damping, relative to the norm of the Hessian


@dataclass
class Marquardt:
    """The step −(H + αI)⁻¹·g; α falls where f decreases as the model says and rises where it does not.

    Marquardt, SIAM J. Appl. Math. 11 (1963), with the rule for α of Nielsen, IMM-REP-1999-05: times
    max(1/3, 1 − (2ρ − 1)³) after a gain of ρ, and times 2, 4, 8, … where steps in a row fail. A factorisation that
    fails counts as a step that does, without an evaluation. Unlike a radius, α is carried from Hessian to Hessian as it
    is: one factorisation a trial, and no step that is short only because H is large there.
    """

    damping: float = 0.0  # until a Hessian has been seen
    growth: float = 2.0  # of the damping, where the next step fails
    accepted: float = ACCEPTED

    def propose(self, region: Region, here: Visit) -> ModelStep | None:
        """Return the damped step, None where the damped Hessian is not positive definite."""
        self.damping = self.damping or _FIRST * region.hessian_norm or region.gradient_norm
        return region.damped(self.damping)

    def judge(self, proposed: ModelStep | None, gained: float) -> None:
        """Raise the damping after a step that fails, faster each time; lower it the more the gain exceeds a half."""
        if gained > 0:
            self.damping *= max(1 / 3, 1 - (2 * min(gained, 1.0) - 1) ** 3)
            self.growth = 2.0
        else:
            self.damping *= self.growth
            self.growth *= 2
