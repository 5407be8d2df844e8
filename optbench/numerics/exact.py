"""The minimum along a ray. Imports no torch."""

from __future__ import annotations

import math
from dataclasses import dataclass

from optbench.numerics.line import Found, Line
from optbench.numerics.strong_wolfe import StrongWolfe


@dataclass(frozen=True, kw_only=True)
class Exact:
    """Takes the problem's own line minimum where it has one (quadratics), else searches until the slope vanishes."""

    tolerance: float = 1e-8  # |φ'(step)| / |φ'(0)|, where the minimum must be searched
    max_evaluations: int = 60

    def search(self, line: Line, first: float) -> Found:
        """Return the minimising step; `first` only starts the search."""
        if line.minimum is None:
            return StrongWolfe(c2=self.tolerance, max_evaluations=self.max_evaluations).search(line, first)
        step = line.minimum()
        if not math.isfinite(step) or step == 0:
            return Found(line.start, "failed", 0)
        if step < 0:
            # Not convex along this ray: there is no minimum ahead.
            return Found(line.start, "unbounded", 0)
        return Found(line.at(step), "accepted", 1)
