"""The line search of CG_DESCENT: brackets by slopes, the approximate Wolfe conditions. Imports no torch."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from optbench.numerics.armijo import decreases
from optbench.numerics.interpolation import clipped, power_minimum, secant_minimum
from optbench.numerics.line import ENDLESS, FAR, Found, Line, Trial, are_close, between_orders, lengthened, off_pole

Bracket: TypeAlias = tuple[Trial, Trial]

_STEEP = 1e4  # how often the promised decrease f must have risen for a step to be too long by orders
_SHORTEST = 1e-15  # of such a step: what may follow it


@dataclass(frozen=True, kw_only=True)
class HagerZhang:
    """Finds a step for the Wolfe conditions, or for the approximate ones where values of f can't decide.

    Wolfe: φ(α) ≤ φ(0) + c1·α·φ'(0) and φ'(α) ≥ c2·φ'(0). Approximate: (2·c1 − 1)·φ'(0) ≥ φ'(α) ≥ c2·φ'(0) and
    |φ(α) − φ(0)| ≤ omega·|φ(0)|, φ(α) ≤ φ(0) + epsilon·|φ(0)|. The first implies the second for a parabola, and slopes
    are exact to rounding where values are only to its square root.

    Hager & Zhang, SIAM J. Optim. 16 (2005), section 4, and ACM TOMS 32 (2006), algorithm 851; names in brackets are
    theirs. They switch to the approximate conditions for good once f changes by less than omega·|f| from one point to
    the next; here each trial is looked at, so that a search remembers nothing. And where values do decide, a trial
    without sufficient decrease counts as too high: otherwise brackets can close on a minimum that falls short of c1.
    """

    c1: float = 0.1  # [δ]
    c2: float = 0.9  # [σ]
    epsilon: float = 1e-6  # [ε]
    omega: float = 1e-3  # [ω]
    theta: float = 0.5  # [θ] where an interval is cut, from its left end
    gamma: float = 0.66  # [γ] a bracket that keeps more than this share of its width is cut, too
    rho: float = 5.0  # [ρ] how a step grows until it brackets
    max_evaluations: int = 50

    def search(self, line: Line, first: float) -> Found:
        """Bracket a minimum by slopes of opposite signs and shrink the bracket, until a trial is acceptable."""
        search = _Search(line, self, first)
        try:
            search.shrink(search.bracket())
        except _Ended as end:
            return end.found
        return search.failed()


class _Ended(Exception):  # noqa: N818 - no error: a trial within nested updates ends the search
    """The search is over."""

    def __init__(self, found: Found) -> None:
        super().__init__()
        self.found = found


@dataclass
class _Search:
    """One search; counts its evaluations. In a bracket (a, b) f falls at a, which isn't too high, and rises at b."""

    line: Line
    rules: HagerZhang
    first: float  # the step that is tried first
    count: int = 0
    best: Trial = field(init=False)  # the lowest that decreases f sufficiently
    lowest: Trial = field(init=False)  # whatever else holds there

    def __post_init__(self) -> None:
        self.best = self.lowest = self.line.start

    def bracket(self) -> Bracket:
        """Lengthen the step until f rises or is too high there (B0 to B3)."""
        low, step = self.line.start, self.first
        while True:
            trial = self.evaluate(step)
            if trial.slope >= 0:
                return low, trial
            if self.is_high(trial):
                return self.cut(self.line.start, trial)
            low, step = trial, lengthened(trial.step, self.first, self.rules.rho)
            if low.step > ENDLESS * self.first and not low.value < self.line.value - self.line.noise:
                raise _Ended(self.failed())
            if self.line.is_endless(low.step, self.first):
                self.end(low, "unbounded")

    def shrink(self, bracket: Bracket) -> None:
        """Narrow the bracket by double secant steps, and in the middle where they are too slow (L1 to L3)."""
        while not are_close(*bracket):
            low, high = self.secant_twice(*bracket)
            if high.step - low.step > self.rules.gamma * (bracket[1].step - bracket[0].step):
                low, high = self.update(low, high, self.inside(low, high))
            bracket = low, high

    def secant_twice(self, a: Trial, b: Trial) -> Bracket:
        """Take a secant step, and another from the end that moved (S1 to S4)."""
        step = self.from_afar(a, b) if self.is_steep(a, b) else secant_minimum(a, b)
        low, high = self.update(a, b, step)
        if step == high.step:
            return self.update(low, high, secant_minimum(b, high))
        if step == low.step:
            return self.update(low, high, secant_minimum(a, low))
        return low, high

    def is_steep(self, start: Trial, far: Trial) -> bool:
        """Tell whether a step is too long by orders: a secant from there would end beside its start."""
        rise, promise = far.value - start.value, abs(start.slope * far.step)
        return start.step == 0 and rise > _STEEP * promise + self.line.noise

    def from_afar(self, start: Trial, far: Trial) -> float:
        """Return where the power of such a rise has the minimum."""
        return clipped(power_minimum(start, far), _SHORTEST * far.step, FAR * far.step, otherwise=FAR * far.step)

    def update(self, low: Trial, high: Trial, step: float) -> Bracket:
        """Return the bracket with a trial at `step` as its new end, unless it lies outside (U0 to U3)."""
        if not low.step < step < high.step:
            return low, high
        trial = self.evaluate(step)
        if trial.slope >= 0:
            return low, trial
        return self.cut(low, trial) if self.is_high(trial) else (trial, high)

    def cut(self, low: Trial, high: Trial) -> Bracket:
        """Return a bracket between `low` and a point where f falls, but is too high (U3)."""
        while not are_close(low, high):
            trial = self.evaluate(self.inside(low, high))
            if trial.slope >= 0:
                return low, trial
            low, high = (low, trial) if self.is_high(trial) else (trial, high)
        return low, high

    def inside(self, low: Trial, high: Trial) -> float:
        """Return where to cut an interval; by orders where its ends differ by orders."""
        if by_orders := between_orders(low, high, self.first):
            return by_orders
        share = self.rules.theta if math.isfinite(high.value) else FAR
        return (1 - share) * low.step + share * high.step

    def evaluate(self, step: float) -> Trial:
        """Return the trial at `step`; ends the search where it is acceptable or none is left."""
        if self.count == self.rules.max_evaluations:
            raise _Ended(self.failed())
        self.count += 1
        trial = self.line.at(step)
        if trial.value == -math.inf:
            self.end(trial, "unbounded")
        if trial.value < self.lowest.value:
            self.lowest = trial
        if trial.value < self.best.value and decreases(self.line, trial, self.rules.c1):
            self.best = trial
        if self.is_acceptable(trial):
            self.end(trial, "accepted")
        return trial

    def is_acceptable(self, trial: Trial) -> bool:
        """Tell whether the Wolfe conditions hold, or the approximate ones where they may be asked (T1, T2)."""
        start = self.line.start
        if trial.slope < self.rules.c2 * start.slope or self.is_high(trial):
            return False
        return self.falls(trial) or trial.slope <= (2 * self.rules.c1 - 1) * start.slope

    def is_high(self, trial: Trial) -> bool:
        """Tell whether f hasn't decreased sufficiently, nor changed so little that slopes decide."""
        change, size = trial.value - self.line.value, abs(self.line.value)
        near = abs(change) <= max(self.rules.omega * size, self.line.noise)
        return not self.falls(trial) and not (near and change <= max(self.rules.epsilon * size, self.line.noise))

    def falls(self, trial: Trial) -> bool:
        """Tell whether f decreases sufficiently."""
        return trial.value <= self.line.value + self.rules.c1 * trial.step * self.line.slope

    def found(self, trial: Trial, outcome: Literal["accepted", "failed", "unbounded"]) -> Found:
        """Return the end of the search."""
        return Found(trial, outcome, self.count)

    def failed(self) -> Found:
        """Return the end of a search that no trial satisfies."""
        return self.found(self.best if self.best.step else off_pole(self.line, self.lowest), "failed")

    def end(self, trial: Trial, outcome: Literal["accepted", "failed", "unbounded"]) -> None:
        """Leave the search from wherever it is."""
        raise _Ended(self.found(trial, outcome))
