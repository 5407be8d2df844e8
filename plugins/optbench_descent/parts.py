"""What `gradient-descent` takes as line search. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from types import NoneType

from optbench.api import Part
from optbench.numerics.line_searches import LINE_SEARCHES

STEPS: Mapping[str, Part] = {"none": Part(factory=NoneType, summary="The fixed step lr."), **LINE_SEARCHES}
