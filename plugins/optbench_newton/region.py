"""Trust in a Newton step as a radius."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from optbench.numerics.position import Visit
from optbench.numerics.scalars import read
from optbench.numerics.trust_region import ModelStep, Region

_POOR, _GOOD = 0.25, 0.75  # shares below and above which the radius shrinks and grows
_GROWTH = 2.0


@dataclass
class Radius:
    """The model's minimiser within a ball.

    It is −(H + αI)⁻¹·g, α the least for which H + αI is positive definite and the step lies within the radius. A failed
    Cholesky factorisation raises α; the radius, and with it 1/α, grows where f falls as the model says
    (Moré & Sorensen, SIAM J. Sci. Stat. Comput. 4 (1983)). The first step is Newton's where H is positive definite.
    """

    radius: float = math.inf  # until a step has been tried

    def propose(self, region: Region, here: Visit) -> ModelStep:
        """Return the full Newton step where it lies within the radius, else one on the boundary."""
        if math.isinf(self.radius):
            full = region.damped(0.0)
            if full is not None:
                return full
            self.radius = max(1.0, *read(torch.linalg.vector_norm(here.point)))
        return region.within(self.radius)

    def judge(self, proposed: ModelStep | None, gain: float) -> None:
        """Shrink after a poor step, to the minimum of a parabola through what was seen; grow after a good one."""
        assert proposed is not None
        if gain < _POOR:
            self.radius = proposed.length * min(max(0.5 / (1 - gain), 0.1), 0.5)
            return
        known = self.radius if math.isfinite(self.radius) else proposed.length
        self.radius = max(proposed.length * _GROWTH, known) if gain > _GOOD else known

    def forget(self) -> None:
        """Trust the first Newton step."""
        self.radius = math.inf
