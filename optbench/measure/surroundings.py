"""What goes on around a timed loop: how fast the machine is, and who else wants it."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

_REPETITIONS = 5  # of the reference kernel, before and after each trial: milliseconds


def load_average() -> float | None:
    """Return how many processes ran or wanted to, on average over the last minute; None where it can't be read."""
    try:
        return os.getloadavg()[0]
    except OSError:
        return None


def waited() -> float | None:
    """Return the seconds that threads of this process wanted a processor and had none; None where it can't be read.

    From Linux's scheduler statistics: unlike wall less CPU time, what waits of its own will is left out.
    """
    try:
        texts = [path.read_text(encoding="ascii") for path in Path("/proc/self/task").glob("*/schedstat")]
    except OSError:
        return None
    return sum(int(text.split()[1]) for text in texts) / 1e9 if texts else None


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
    cores: Callable[[], int | None] = os.cpu_count  # all of them: the load is the whole machine's
    preemptions: Callable[[], int] = preemptions
    waited: Callable[[], float | None] = waited
    clock: Callable[[], float] = time.perf_counter

    def before(self) -> Observation:
        """Look, just before the loop."""
        return Observation(self, self.reference(), self.load(), self.preemptions(), self.waited(), self.clock())


@dataclass(frozen=True)
class Observation:
    """What was seen before a loop."""

    around: Surroundings
    reference: float
    load: float | None
    preemptions: int
    waited: float | None
    at: float

    def after(self) -> Mapping[str, float | None]:
        """Look again, just after the loop; returns what a record keeps as `conditions`."""
        elapsed, waited = self.around.clock() - self.at, self.around.waited()
        known = waited is not None and self.waited is not None and elapsed > 0
        return {
            "load": self.load,
            "cores": self.around.cores(),
            "preemptions": self.around.preemptions() - self.preemptions,
            "waiting": (waited - self.waited) / elapsed if known else None,  # type: ignore[operator]  # both are known
            "reference_before": self.reference,
            "reference_after": self.around.reference(),
        }
