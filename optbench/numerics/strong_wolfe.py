"""The strong Wolfe conditions by bracketing and zooming. Imports no torch."""

from __future__ import annotations

import math
from dataclasses import dataclass

from optbench.numerics.armijo import decreases
from optbench.numerics.interpolation import clipped, cubic_minimum, power_minimum, rounded, secant_minimum
from optbench.numerics.line import FAR, Found, Line, Trial, are_close, between_orders, lengthened, off_pole

_EDGE = 0.02  # of a bracket: a trial stays this far from its ends
_STEEP = 1e4  # how often the promised decrease f must have risen for a step to be too long by orders
_SHORTEST = 1e-15  # of such a step: what may follow it
_SLOW = 2 / 3  # a bracket that keeps more than this share of its width is bisected next
_GROWTH = 10.0  # a step grows by no more than this factor, until it has outgrown the first by many orders


@dataclass(frozen=True, kw_only=True)
class StrongWolfe:
    """Finds a step where f decreases sufficiently (c1) and |φ'(step)| ≤ c2·|φ'(0)|.

    Nocedal & Wright (2006), algorithms 3.5 and 3.6, with cubic interpolation; where values differ by rounding alone the
    slopes decide (Hager & Zhang 2005).

    With `bits`, rounding of f does not show in the trial points: steps are rounded to so many binary digits, one into a
    bracket as a share of it, and lengthened by slopes alone, since values that still fall may differ by little.
    """

    c1: float = 1e-4
    c2: float = 0.9
    max_evaluations: int = 25
    bits: int = 0  # binary digits of a step; 0: all

    def search(self, line: Line, first: float) -> Found:
        """Bracket an acceptable step, then zoom into the bracket; most searches end with their first trial."""
        first = self.in_bits(first) if self.bits else first
        trial = line.at(first)
        enough = line.value + self.c1 * first * line.slope
        if abs(trial.slope) <= -self.c2 * line.slope and -math.inf < trial.value <= enough:
            return Found(trial, "accepted", 1)
        return _Search(line, self, first).bracket(trial)

    def in_bits(self, step: float, origin: float = 0.0, width: float = 1.0) -> float:
        """Return the step, its way from `origin` rounded as a share of `width`."""
        share = (step - origin) / width
        return origin + width * rounded(share, self.bits) if self.bits and math.isfinite(share) else step


class _Search:
    """One search; counts its evaluations."""

    def __init__(self, line: Line, conditions: StrongWolfe, first: float) -> None:
        self.line, self.conditions, self.first = line, conditions, first
        self.count = 1
        self.lowest = line.start  # trial, whatever else holds there

    def bracket(self, trial: Trial) -> Found:
        """Lengthen the first step until it is acceptable or an acceptable one lies before it."""
        previous = self.line.start
        self.lowest = min(previous, trial, key=_height)
        while True:
            if trial.value == -math.inf:
                return self._found(trial, "unbounded")
            if self._is_beyond(trial, previous):
                return self.zoom(previous, trial)
            if self._is_flat(trial):
                return self._found(trial, "accepted")
            if trial.slope >= 0:
                return self.zoom(trial, previous)
            if self._is_endless(trial):
                return self._found(trial, "unbounded")
            previous, step = trial, self.conditions.in_bits(self._longer(previous, trial))
            if not self._more():
                return self._failed(previous)
            trial = self._evaluate(step)

    def zoom(self, low: Trial, high: Trial) -> Found:
        """Shrink the bracket: `low` is its best end and f falls from there towards `high`."""
        bisect = False
        while self._more() and not are_close(low, high):
            width = abs(high.step - low.step)
            guess = self._inside(low, high, bisect=bisect)
            trial = self._evaluate(self.conditions.in_bits(guess, low.step, high.step - low.step))
            if _are_equal(trial, low) or _are_equal(trial, high):
                break
            if self._is_beyond(trial, low):
                high = trial
            elif self._is_flat(trial):
                return self._found(trial, "accepted")
            else:
                low, high = trial, low if trial.slope * (high.step - low.step) >= 0 else high
            bisect = abs(high.step - low.step) > _SLOW * width
        return self._failed(low)

    def _more(self) -> bool:
        return self.count < self.conditions.max_evaluations

    def _evaluate(self, step: float) -> Trial:
        self.count += 1
        trial = self.line.at(step)
        self.lowest = min(self.lowest, trial, key=_height)
        return trial

    def _found(self, trial: Trial, outcome: str) -> Found:
        return Found(trial, outcome, self.count)  # type: ignore[arg-type]

    def _failed(self, best: Trial) -> Found:
        return self._found(best if best.step else off_pole(self.line, self.lowest), "failed")

    def _is_beyond(self, trial: Trial, best: Trial) -> bool:
        """Tell whether acceptable steps lie between `best` and `trial`, judging by the values."""
        return not decreases(self.line, trial, self.conditions.c1) or trial.value > best.value + self.line.noise

    def _is_flat(self, trial: Trial) -> bool:
        return abs(trial.slope) <= -self.conditions.c2 * self.line.slope

    def _is_endless(self, trial: Trial) -> bool:
        return trial.value < self.line.value - self.line.noise and self.line.is_endless(trial.step, self.first)

    def _longer(self, previous: Trial, trial: Trial) -> float:
        """Return the step to try after `trial`, where f still falls."""
        longest = lengthened(trial.step, self.first, _GROWTH)
        guess = (secant_minimum if self.conditions.bits else cubic_minimum)(previous, trial)
        if not guess > trial.step:  # no minimum ahead
            return longest
        return clipped(guess, 2 * trial.step - previous.step, longest, otherwise=longest)

    def _inside(self, low: Trial, high: Trial, *, bisect: bool) -> float:
        width = high.step - low.step
        if by_orders := between_orders(low, high, self.first):
            return by_orders
        if high.value == math.inf or _is_plateau(high, low):
            return low.step + FAR * width
        if low.step == 0 and high.value - low.value > _STEEP * abs(low.slope * width) + self.line.noise:
            return clipped(power_minimum(low, high), _SHORTEST * width, FAR * width, otherwise=FAR * width)
        middle = low.step + 0.5 * width
        if bisect:
            return middle
        by_rounding = abs(high.value - low.value) <= self.line.noise
        guess = secant_minimum(low, high) if by_rounding else cubic_minimum(low, high)
        return clipped(guess, low.step + _EDGE * width, high.step - _EDGE * width, otherwise=middle)


def _height(trial: Trial) -> float:
    return trial.value


def _is_plateau(far: Trial, near: Trial) -> bool:
    """Tell whether f is constant beyond a rise: values and slopes there say nothing of how far it has risen."""
    return far.slope == 0 and far.value > near.value


def _are_equal(a: Trial, b: Trial) -> bool:
    """Tell whether two steps lead to the same point: the floats between them are exhausted.

    On a plateau, where f has no slope, steps to different points look alike, too.
    """
    return a.value == b.value and a.slope == b.slope != 0 and math.isfinite(a.value)
