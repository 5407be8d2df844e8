"""Descent that nothing bends upwards: steps grow until f is known to be unbounded. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass

from optbench.numerics.line import ENDLESS, Found, Line

_SHARE = 0.99  # of what the slope promises: f that falls as much along a step does not bend upwards
_GROWTH = 10.0  # of the next first trial


@dataclass
class Steady:
    """Counts steps in a row along which f fell as its slope promised; updated in place.

    A line search that meets the conditions of Wolfe lengthens such a step itself; one that only shortens would take
    steps of one length for ever.
    """

    eps: float  # of the dtype
    steps: int = 0
    first: float = 0.0  # what the slope promised of the first of them
    last: float = 0.0  # and of the last
    is_vast: bool = False  # whether the last led beyond any scale of the problem

    @property
    def growth(self) -> float:
        """Return by how much the next step is tried longer than the last."""
        return _GROWTH if self.steps else 1.0

    @property
    def is_endless(self) -> bool:
        """Tell whether f is unbounded below, for all that was seen: it fell on over steps that grew by many orders.

        Where f bends downwards the promise grows as the step's square: next to a saddle the first ones are minute, so
        that the last must also lead beyond any scale of the problem.
        """
        return self.steps > 1 and self.is_vast

    @property
    def _has_grown(self) -> bool:
        return self.last > ENDLESS**2 * self.first

    def forget(self) -> None:
        """Have seen no step: how f falls from one point, or on one minibatch, promises nothing of another."""
        self.steps = 0

    def note(self, line: Line, found: Found) -> None:
        """Take the end of a search into account."""
        trial, promise = found.trial, -found.trial.step * line.slope
        if found.outcome == "accepted" and trial.value <= line.value - max(_SHARE * promise, line.noise):
            rounding = 10 * self.eps * max(-line.slope, abs(trial.slope))
            self.steps = self.steps + 1 if trial.slope - line.slope <= rounding else 0
            self.first, self.last = (promise if self.steps == 1 else self.first), promise
            self.is_vast = self.steps > 1 and self._has_grown and line.is_vast(trial.step)
        else:
            self.steps = 0
