"""The diagnosis: every line, and the verdict that follows from them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from optbench.doctor import resources, timing
from optbench.doctor.line import Harm, Level, Line
from optbench.doctor.noise import Noise, noise_of
from optbench.doctor.observing import Observations

_LINES = (
    timing.load,
    timing.waiting,
    timing.frequency,
    timing.throttling,
    timing.hyperthreading,
    timing.clocks,
    timing.reference,
    resources.threads,
    resources.container,
    resources.swap,
    resources.memory,
    resources.memory_counters,
    resources.gpu,
    resources.python,
    resources.folders,
)


class Verdict(StrEnum):
    """What the machine is fit for."""

    FIT = "fit"
    NOT_FOR_TIMES = "fit for counts and memory, not for times"
    UNFIT = "unfit"


@dataclass(frozen=True)
class Diagnosis:
    """What was found."""

    lines: tuple[Line, ...]
    noise: Noise

    @property
    def verdict(self) -> Verdict:
        """Return what is left after what is bad; warnings and unknowns don't count."""
        harms = {line.harm for line in self.lines if line.level is Level.BAD}
        if Harm.EVERYTHING in harms:
            return Verdict.UNFIT
        return Verdict.NOT_FOR_TIMES if harms else Verdict.FIT

    @property
    def fit(self) -> bool:
        """Tell whether the machine is fit for everything."""
        return self.verdict is Verdict.FIT

    def to_json(self) -> dict[str, Any]:
        """Return JSON's types."""
        lines = [
            {"name": line.name, "level": line.level.value, "seen": line.seen, "advice": line.advice}
            for line in self.lines
        ]
        return {"verdict": self.verdict.value, "lines": lines, "reference": asdict(self.noise)}


def diagnose(seen: Observations) -> Diagnosis:
    """Judge what was seen."""
    return Diagnosis(tuple(line(seen) for line in _LINES), noise_of(seen.slices))
