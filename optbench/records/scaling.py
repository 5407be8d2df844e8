"""How bytes and seconds grow with the size of a problem."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from optbench.records.text import interval_text, number_text

BYTES = {  # fields of TrialRecord -> the word for them in tables
    "state_bytes": "state",
    "peak_live_bytes": "peak",
    "transient_bytes": "transient",
    "peak_process_bytes": "process",
    "peak_device_bytes": "device",
}

STEP = "step_seconds"
SWEPT = {**BYTES, STEP: "step"}  # what a suite may fit against a size


@dataclass(frozen=True, kw_only=True)
class ScalingFit:
    """How a figure of an optimizer grows with the size of a problem, fitted on what was measured."""

    optimizer: str
    name: str  # qualified
    options: Mapping[str, Any]
    problem: str  # expression without the swept option
    device: str
    dtype: str
    quantity: str  # key of SWEPT
    exponent: float | None  # None: fewer than three sizes
    low: float | None  # 95 % interval
    high: float | None
    top_octave: float | None  # the exponent over the sizes of at least half the largest
    points: int  # different sizes
    declared: str  # "O(n^2)"; empty: nothing
    declared_exponent: float | None
    verdict: str  # "as declared", "above declared", "below declared", "not fitted", "nothing declared"

    @property
    def is_memory(self) -> bool:
        """Tell whether the figure is bytes; otherwise seconds."""
        return self.quantity in BYTES

    @property
    def cells(self) -> tuple[str, str, str, str]:
        """What was fitted, its exponent with the 95 % interval, and that of the top octave."""
        interval = interval_text(self.low, self.high)
        return SWEPT[self.quantity], number_text(self.exponent), interval, number_text(self.top_octave)


@dataclass(frozen=True, kw_only=True)
class ScalingPoint:
    """Bytes, or seconds a step beyond the evaluations, of an optimizer at one size."""

    optimizer: str
    name: str  # qualified
    problem: str  # expression without the swept option
    device: str
    dtype: str
    quantity: str
    size: int
    value: float  # whole where it is bytes
    projected: bool  # worked out without running
    doubted: bool = False  # whether times of its trials are not to be believed
