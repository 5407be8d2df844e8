"""What goes on around a timed loop: how fast the machine is, and who else wants it."""

from __future__ import annotations

import os
import resource
from collections.abc import Callable, Mapping
from dataclasses import dataclass

_REPETITIONS = 5  # of the reference kernel, before and after each trial: milliseconds


def load_average() -> float | None:
    """Return how many processes ran or wanted to, on average over the last minute; None where it can't be read."""
    try:
        return os.getloadavg()[0]
    except OSError:
        return None


def usable_cores() -> int:
    """Return the number of processors that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def preemptions() -> int:
    """Return how often this process lost its processor to another one."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw


def reference() -> float:
    """Return the reference kernel's seconds, from a few repetitions."""
    from optbench.measure.reference import reference_seconds  # torch: for the process that measures

    return reference_seconds(repetitions=_REPETITIONS)


@dataclass(frozen=True)
class Surroundings:
    """Where each fact is read."""

    reference: Callable[[], float] = reference
    load: Callable[[], float | None] = load_average
    cores: Callable[[], int] = usable_cores
    preemptions: Callable[[], int] = preemptions

    def before(self) -> Observation:
        """Look, just before the loop."""
        return Observation(self, self.reference(), self.load(), self.preemptions())


@dataclass(frozen=True)
class Observation:
    """What was seen before a loop."""

    around: Surroundings
    reference: float
    load: float | None
    preemptions: int

    def after(self) -> Mapping[str, float | None]:
        """Look again, just after the loop; returns what a record keeps as `conditions`."""
        preempted = self.around.preemptions() - self.preemptions
        return {
            "load": self.load,
            "cores": float(self.around.cores()),
            "preemptions": float(preempted),
            "reference_before": self.reference,
            "reference_after": self.around.reference(),
        }
