"""What `gradient-descent` and `cg` take as line search. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from types import NoneType

from optbench.api import Part
from optbench.numerics.line_searches import LINE_SEARCHES

# A part that is None leaves the step to the method.
STEPS: Mapping[str, Part] = {"none": Part(factory=NoneType, summary="The fixed step lr."), **LINE_SEARCHES}

SEARCHES: Mapping[str, Part] = {
    "auto": Part(
        factory=NoneType, summary="What suits beta: strong-wolfe, with bits=8 for memoryless, else c2=0.1 and bits=20."
    ),
    **LINE_SEARCHES,
}
