"""What `newton` takes as line search. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping

from optbench.api import Part
from optbench.numerics.line import Found, Line
from optbench.numerics.line_searches import LINE_SEARCHES


class FullStep:
    """Takes the first step as it is, whatever f does."""

    def search(self, line: Line, first: float) -> Found:
        """Return the trial at `first`."""
        trial = line.at(first)
        return Found(trial, "unbounded" if trial.value == -float("inf") else "accepted", 1)


LENGTHS: Mapping[str, Part] = {"none": Part(factory=FullStep, summary="The full step."), **LINE_SEARCHES}
