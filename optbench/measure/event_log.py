"""The event log: one row an evaluation in a preallocated memory-mapped file, so that a killed trial keeps its curve."""

from __future__ import annotations

import math
import mmap
import struct
from pathlib import Path
from typing import NamedTuple

from optbench.records import EVENT_COLUMNS, Trace

CAPACITY = 2**20
_TAIL = 2**14  # rows for improvements and log-spaced events once CAPACITY is full
_HEADER = struct.Struct(
    "<QQQdd"
)  # rows, phase, whether complete; clock seconds, when the clock was last resumed (0: paused)
_ROW = struct.Struct(f"<{len(EVENT_COLUMNS)}d")
_START = 64
_VALUE = EVENT_COLUMNS.index("value")
_SECONDS = EVENT_COLUMNS.index("seconds")

SETUP, LOOP, DONE, WARM = 0, 1, 2, 3


class Heartbeat(NamedTuple):
    """What the parent reads while the child runs."""

    rows: int
    phase: int
    seconds: float  # on the clock when it was last resumed
    resumed_at: float  # perf_counter then; 0 while paused


class EventLog:
    """Appends rows of EVENT_COLUMNS. After CAPACITY rows only log-spaced events and the last improvements are kept."""

    def __init__(self, path: Path | None = None, capacity: int = CAPACITY) -> None:
        """Map the file sparsely (it occupies only what is written); without a path, anonymous memory."""
        length = _START + _ROW.size * (capacity + _TAIL)
        if path is None:
            self._map = mmap.mmap(-1, length)
        else:
            with path.open("w+b") as file:
                file.truncate(length)
                self._map = mmap.mmap(file.fileno(), length)
        self._capacity = capacity
        self.events = 0  # all of them, kept or not
        self.rows = 0
        self.last = -1  # the row of the last event, −1 where it was left out
        self._complete = 1
        self._best = math.inf
        self._next_kept = capacity
        self._provisional = False  # whether the last row may still give way to a later improvement
        self.running = False  # whether the last beat said that the clock runs
        self.beat(0.0, 0.0, SETUP)

    def append(self, row: tuple[float, ...]) -> int:
        """Write one row, which readers see after the next `beat`; returns its index, −1 where it was left out."""
        self.events += 1
        value = row[_VALUE]
        index = self.rows if self.rows < self._capacity else self._late_row(value)
        if index >= 0:
            _ROW.pack_into(self._map, _START + _ROW.size * index, *row)
            self.rows = index + 1
        self._best = min(self._best, value)
        self.last = index
        return index

    def set_value(self, index: int, value: float, gradient_norm: float) -> None:
        """Fill in the scalars of a row that were still on a device when it was appended."""
        struct.pack_into("<2d", self._map, _START + _ROW.size * index + 8 * _VALUE, value, gradient_norm)

    def set_seconds(self, index: int, seconds: float) -> None:
        """Correct the time of a row, once the device has told it."""
        struct.pack_into("<d", self._map, _START + _ROW.size * index + 8 * _SECONDS, seconds)

    def beat(self, seconds: float, resumed_at: float, phase: int = LOOP) -> None:
        """Tell the parent where the clock stands; `resumed_at` 0 while it is paused."""
        self.running = resumed_at > 0.0
        _HEADER.pack_into(self._map, 0, self.rows, phase, self._complete, seconds, resumed_at)

    def trace(self) -> Trace:
        """Return what was logged."""
        return Trace.from_rows(
            EVENT_COLUMNS, self._map[_START : _START + _ROW.size * self.rows], self.rows, complete=bool(self._complete)
        )

    def _late_row(self, value: float) -> int:
        """Return where a row goes once the log is full: log-spaced rows stay, of improvements between them the last."""
        self._complete = 0
        due, better = self.events >= self._next_kept, value < self._best
        if not (due or better) or self.rows >= self._capacity + _TAIL:
            return -1
        index = self.rows - 1 if better and self._provisional else self.rows
        self._provisional = better and not due
        if due:
            self._next_kept = math.ceil(self.events * 10 ** (1 / 50))
        return index


def read_heartbeat(path: Path) -> Heartbeat | None:
    """Return the header of a log that another process writes; None before it exists."""
    header = _read_header(path)
    if header is None:
        return None
    rows, phase, _, seconds, resumed_at = header
    return Heartbeat(rows, phase, seconds, resumed_at)


def read_log(path: Path) -> Trace:
    """Return the trace in a log file, also one of a killed process."""
    header = _read_header(path)
    if header is None:
        return Trace.from_rows(EVENT_COLUMNS, b"", 0)
    rows, _, complete, _, _ = header
    with path.open("rb") as file:
        file.seek(_START)
        return Trace.from_rows(EVENT_COLUMNS, file.read(_ROW.size * rows), rows, complete=bool(complete))


def _read_header(path: Path) -> tuple[int, int, int, float, float] | None:
    """Return the header; None where there is none yet."""
    try:
        with path.open("rb") as file:
            content = file.read(_HEADER.size)
    except FileNotFoundError:
        return None
    return _HEADER.unpack(content) if len(content) == _HEADER.size else None
