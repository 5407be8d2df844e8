"""What spans a trial's stages: the pausing clock, the counts and the budget."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from optbench.measure.device_clock import DeviceClock
from optbench.records import EVALUATED, Budget

Clock = Callable[[], float]
BRIEF_SIZE = 8192  # numbers in a point whose bookkeeping (a norm, a copy) takes microseconds
_BRIEF = 50e-6
_CPU_EVERY = 5e-3  # seconds between two readings of the CPU clock for events


def brief(seconds: float) -> float:
    """Return the CPU time of bookkeeping that took so much wall time.

    Reading the CPU clock costs a system call, as much as the bookkeeping. It is pure computing, so its CPU time is its
    wall time, unless the process was preempted meanwhile: what is longer than 50 µs was.
    """
    return min(_BRIEF, seconds)


class Ledger:
    """Counts and seconds of a trial so far; seconds run only while the optimizer works.

    `seconds_at(t) = t - origin - excluded`: pausing adds to `excluded`, so that reading the clock costs one call.
    """

    def __init__(
        self,
        clock: Clock = time.perf_counter,
        cpu_clock: Clock = time.process_time,
        device: DeviceClock | None = None,
    ) -> None:
        """Start paused at zero; `device` is what works asynchronously, None for the CPU."""
        self.now, self.cpu_now, self.device = clock, cpu_clock, device
        self.counts = dict.fromkeys(EVALUATED, 0)
        self.examples = 0
        self.steps = 0
        self.cost = 0.0  # model FLOPs
        self.evaluating = 0.0  # seconds on the clock that evaluations took, as far as the host waits for them
        self.stopped = ""  # the budget or target that ended the trial
        self.excluded = self._paused_at = clock()
        self.cpu_excluded = cpu_clock()
        self._cpu_paused_at: float | None = self.cpu_excluded
        self._cpu_read, self._cpu_read_at = self.cpu_excluded, self._paused_at
        self._cpu_told = self.cpu_excluded
        self.running = False
        self._begun_at: float | None = None  # the wall time at which the device's timed region began

    @property
    def evaluations(self) -> int:
        """The largest of the counted kinds."""
        return max(self.counts.values())

    def resume(self) -> None:
        """Let the clock run; a region's first resumption waits until the device has done the bookkeeping."""
        device = self.device
        if device is not None and self._begun_at is None:
            device.sync()
        self.running = True
        if self._cpu_paused_at is not None:
            self.cpu_excluded += self.cpu_now() - self._cpu_paused_at
        resumed_at = self.now()
        if self._cpu_paused_at is None:
            self.cpu_excluded += brief(resumed_at - self._paused_at)
        self.excluded += resumed_at - self._paused_at
        if device is not None:
            if self._begun_at is None:
                self._begun_at = resumed_at
                device.begin(resumed_at - self.excluded)
            device.enter()

    def pause(self, *, long: bool = True) -> None:
        """Stop the clock; a pause that is not `long` is bookkeeping of microseconds, see `brief`."""
        if self.device is not None:
            self.device.leave()
        self._paused_at = self.now()
        self._cpu_paused_at = self.cpu_now() if long else None
        self.running = False

    def cpu_at(self, moment: float) -> float:
        """Return the process's CPU clock at `moment`, which is now: read every 5 ms, as fast as the wall clock between.

        Reading it costs a system call, more than the rest of an event's bookkeeping but the norm; see `brief`, too.
        """
        if moment - self._cpu_read_at >= _CPU_EVERY:
            self._cpu_read, self._cpu_read_at = self.cpu_now(), moment
        told = self._cpu_read + (moment - self._cpu_read_at)
        self._cpu_told = max(self._cpu_told, told)
        return self._cpu_told

    def wait(self) -> None:
        """Wait until the device has done what it was told; nothing on the CPU."""
        if self.device is not None:
            self.device.sync()

    def end_region(self) -> None:
        """End the timed region: stop the clock when the device has done what it was told; nothing on the CPU."""
        if self.running:
            self.pause()
        device = self.device
        if device is None or self._begun_at is None:
            return
        asked_at = self.now()
        device.settle()
        self._paused_at += self.now() - asked_at  # the device worked on
        if device.marks_time:
            region = device.region
            seconds = region.base + (self._paused_at - self._begun_at) - region.bookkeeping
            self.excluded = self._paused_at - seconds
        self._begun_at = None

    @property
    def seconds(self) -> float:
        """Seconds on the clock, running or paused."""
        return (self.now() if self.running else self._paused_at) - self.excluded

    @property
    def cpu_seconds(self) -> float:
        """Process CPU seconds on the clock."""
        paused_at = None if self.running else self._cpu_paused_at
        return (self.cpu_now() if paused_at is None else paused_at) - self.cpu_excluded

    def snapshot(self) -> dict[str, int]:
        """Return every count so far, `examples` and `steps` included."""
        return {**self.counts, "examples": self.examples, "steps": self.steps}


@dataclass(frozen=True)
class StageLimits:
    """The budget up to the end of a stage; an early end passes the rest on, since limits are cumulative."""

    evaluations: float = float("inf")
    steps: float = float("inf")
    examples: float = float("inf")
    flops: float = float("inf")
    seconds: float = float("inf")

    @classmethod
    def of(cls, budget: Budget, share: float) -> StageLimits:
        """Return `share` (the sum of this stage's and all earlier shares) of the budget; at least one evaluation."""

        def part(total: float | None) -> float:
            return float("inf") if total is None else total * share

        return cls(
            evaluations=max(1, round(part(budget.evaluations))) if budget.evaluations is not None else float("inf"),
            steps=max(1, round(part(budget.steps))) if budget.steps is not None else float("inf"),
            examples=part(budget.examples),
            flops=part(budget.flops),
            seconds=part(budget.seconds),
        )
