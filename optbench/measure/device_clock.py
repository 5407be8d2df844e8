"""The time of a device that works asynchronously: waits at the two ends of a timed region only, marks between."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from optbench.api import Meter

_MOST_MARKS = 4096  # what waits between two settlements
_BETWEEN_WAITS = 512  # evaluations on a device without marks; `DeviceScalars` holds twice as many


class DeviceClock:
    """Follows when the device was on the clock.

    Between two waits the host runs ahead, so its clock says nothing of the device. Marks do: each `enter` and `leave`
    asks the device to note when it gets there. They are read when the region is settled, after a wait. A meter without
    marks is waited for just the same; then only the host's share of the bookkeeping can be left out.
    """

    def __init__(self, meter: Meter, set_seconds: Callable[[int, float], None] = lambda *_: None) -> None:
        """Use the meter; `set_seconds(row, seconds)` corrects the time of a row of the event log."""
        self.sync = meter.sync
        self.marks_time = hasattr(meter, "mark") and hasattr(meter, "between")
        self.seconds = 0.0  # that the device was on the clock in all regions, by its own marks
        self.region = _Region(0.0)
        self._meter: Any = meter
        self._set_seconds = set_seconds
        self._open = False
        self._evaluations = 0
        self._marks: list[Any] = []  # enter, leave, enter, leave, …; after a settlement the last leave comes first
        self._rows: list[tuple[int, int]] = []  # a row of the log and the mark at which its evaluation ended

    @property
    def full(self) -> bool:
        """Whether so many marks wait that they should be read."""
        return len(self._marks) >= _MOST_MARKS

    def begin(self, base: float) -> None:
        """Begin a timed region, after a wait; `base` seconds stand on the clock."""
        self.region = _Region(base)
        self._marks, self._rows, self._open = [], [], False

    def enter(self) -> None:
        """Note that what the device is told from here on is on the clock."""
        if self.marks_time and not self._open:
            self._marks.append(self._meter.mark())
            self._open = True

    def evaluated(self) -> None:
        """Note an evaluation. Without marks wait now and then, lest the reading of buffers waits off the clock."""
        self._evaluations += 1
        if not self.marks_time and self._evaluations % _BETWEEN_WAITS == 0:
            self.sync()

    def leave(self) -> None:
        """Note that what the device is told from here on is bookkeeping."""
        if self._open:
            self._marks.append(self._meter.mark())
            self._open = False

    def logged(self, row: int) -> None:
        """Note that the evaluation which ended at the last `leave` has this row in the log; −1: none."""
        if self._marks and row >= 0:
            self._rows.append((row, len(self._marks) - 1))

    def settle(self) -> None:
        """Wait, read the marks and give the rows their times; called while off the clock."""
        self.sync()
        if not self._marks:
            return
        region, ends = self.region, [self.region.on_clock]
        first_is_leave = len(self._marks) % 2 == 1
        for index, (mark, following) in enumerate(itertools.pairwise(self._marks)):
            passed = self._meter.between(mark, following)
            if (index % 2 == 0) is first_is_leave:
                region.bookkeeping += passed
            else:
                region.on_clock += passed
                self.seconds += passed
            ends.append(region.on_clock)
        for row, index in self._rows:
            self._set_seconds(row, region.base + ends[index])
        self._marks, self._rows = self._marks[-1:], []


@dataclass
class _Region:
    """A timed region between two waits."""

    base: float  # seconds on the clock when it began
    on_clock: float = 0.0  # by the device's marks
    bookkeeping: float = 0.0  # between `leave` and `enter`
