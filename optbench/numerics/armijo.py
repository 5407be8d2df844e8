"""Backtracking until f decreases sufficiently. Imports no torch."""

from __future__ import annotations

import math
from dataclasses import dataclass

from optbench.numerics.interpolation import clipped, quadratic_minimum
from optbench.numerics.line import FAR, Found, Line, Trial, off_pole


@dataclass(frozen=True, kw_only=True)
class Armijo:
    """Shrinks the step until φ(step) ≤ φ(0) + c1·step·φ'(0); each new step minimises a parabola, safeguarded.

    Armijo, Pacific J. Math. 16 (1966); Nocedal & Wright (2006), section 3.5.
    """

    c1: float = 1e-4
    shrink: float = 0.1  # a step falls to no less than this share of the one before, and to no more than half of it
    max_evaluations: int = 40

    def search(self, line: Line, first: float) -> Found:
        """Try `first`, then shorter steps."""
        step, lowest = first, line.start
        for count in range(1, self.max_evaluations + 1):
            trial = line.at(step)
            if trial.value == -math.inf:
                return Found(trial, "unbounded", count)
            if decreases(line, trial, self.c1):
                return Found(trial, "accepted", count)
            lowest = trial if trial.value < lowest.value else lowest
            step = self._shorter(line, trial)
        return Found(off_pole(line, lowest), "failed", self.max_evaluations)

    def _shorter(self, line: Line, trial: Trial) -> float:
        if not math.isfinite(trial.value):
            return FAR * trial.step
        guess = quadratic_minimum(line.start, trial)
        return clipped(guess, self.shrink * trial.step, 0.5 * trial.step, otherwise=0.5 * trial.step)


def decreases(line: Line, trial: Trial, c1: float) -> bool:
    """Tell whether f decreases sufficiently: by its values or, only where they differ by rounding, by its slopes.

    The second is the approximate condition of Hager & Zhang, SIAM J. Optim. 16 (2005), equation 4.1: equivalent on a
    quadratic, and accurate to rounding in the slope rather than to its square root.
    """
    if trial.value <= line.value + c1 * trial.step * line.slope:
        return True
    return abs(trial.value - line.value) <= line.noise and trial.slope <= (2 * c1 - 1) * line.slope
