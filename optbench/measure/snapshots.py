"""Snapshots of the scored point at log-spaced steps, spooled to a file, so that metrics are computed afterwards."""

from __future__ import annotations

import math
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from optbench.api import Layout, Point
from optbench.records import SNAPSHOT_COLUMNS, Trace

PER_DECADE = 20
MOST = 200
MOST_BYTES = 256 * 2**20
_HEADER = struct.Struct("<QQQ")  # snapshots, bytes a slot, whether points are kept
_ROW = struct.Struct(f"<{len(SNAPSHOT_COLUMNS) + 2}d")  # the columns, then numbers of parameters and of statistics
_TABLE = 64
_POINTS = 2**16


class Schedule:
    """Log-spaced steps: 0, 1, 2, …, then 20 a decade; `coarsen` halves the density."""

    def __init__(self) -> None:
        """Begin at step 0."""
        self.due = 0
        self._per_decade = float(PER_DECADE)

    def advance(self, step: int) -> None:
        """Set the next step after `step`."""
        self.due = max(step + 1, math.ceil(max(step, 1) * 10 ** (1 / self._per_decade)))

    def coarsen(self) -> None:
        """Halve the density."""
        self._per_decade /= 2


class SnapshotSpool:
    """At most 200 snapshots and 256 MB: when full, every other one is dropped. Larger points keep scalars only."""

    def __init__(self, path: Path | None, slot_bytes: int, most: int = MOST) -> None:
        """Open the file; without a path (or with points too large) only the rows are kept."""
        self._file = None if path is None else os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
        self._slot_bytes = slot_bytes
        room = MOST_BYTES // max(slot_bytes, 1)
        self._keeps_points = room >= 2  # the first and the last
        self._most = min(most, room) if self._keeps_points else most
        self._count = 0
        self.schedule = Schedule()

    def take(self, row: tuple[float, ...], point: Point, *, last: bool = False) -> None:
        """Write the row and, where there is room for points, the point."""
        if self._file is None:
            return
        if self._count >= self._most:
            self._thin() if not last else self._drop_last()
        statistics = point.statistics
        sizes = (point.parameters.numel(), 0 if statistics is None else statistics.numel())
        os.pwrite(self._file, _ROW.pack(*row, *sizes), _TABLE + _ROW.size * self._count)
        if self._keeps_points:
            offset = _POINTS + self._slot_bytes * self._count
            os.pwrite(self._file, _bytes(point.parameters), offset)
            if statistics is not None:
                os.pwrite(self._file, _bytes(statistics), offset + point.parameters.nbytes)
        self._count += 1
        self._write_header()

    def _thin(self) -> None:
        if self._file is None:
            return
        for kept, index in enumerate(range(0, self._count, 2)):
            self._move(index, kept)
        self._count = (self._count + 1) // 2
        self._write_header()
        self.schedule.coarsen()

    def _drop_last(self) -> None:
        self._count -= 1

    def _move(self, source: int, target: int) -> None:
        if self._file is None or source == target:
            return
        os.pwrite(self._file, os.pread(self._file, _ROW.size, _TABLE + _ROW.size * source), _TABLE + _ROW.size * target)
        if self._keeps_points:
            point = os.pread(self._file, self._slot_bytes, _POINTS + self._slot_bytes * source)
            os.pwrite(self._file, point, _POINTS + self._slot_bytes * target)

    def _write_header(self) -> None:
        if self._file is not None:
            os.pwrite(self._file, _HEADER.pack(self._count, self._slot_bytes, self._keeps_points), 0)


def read_rows(path: Path) -> Trace:
    """Return the rows of a spool file; empty where there is none."""
    rows = [row[: len(SNAPSHOT_COLUMNS)] for row, _ in _entries(path)]
    return Trace.from_columns({name: [row[index] for row in rows] for index, name in enumerate(SNAPSHOT_COLUMNS)})


def read_points(
    path: Path, *, device: torch.device, dtype: torch.dtype, layouts: dict[int, Layout]
) -> Iterator[Point | None]:
    """Yield the point of each row (None where points were too large); `layouts` by stage."""
    itemsize = torch.empty((), dtype=dtype).itemsize
    for row, content in _entries(path):
        if content is None:
            yield None
            continue
        parameters, statistics = int(row[-2]), int(row[-1])
        flat = torch.frombuffer(bytearray(content[: itemsize * (parameters + statistics)]), dtype=dtype).to(device)
        yield Point(
            parameters=flat[:parameters].clone(),
            statistics=flat[parameters:].clone() if statistics else None,
            layout=layouts.get(int(row[0]), {}),
        )


def _entries(path: Path) -> Iterator[tuple[tuple[float, ...], bytes | None]]:
    if not path.exists():
        return
    with path.open("rb") as file:
        header = file.read(_HEADER.size)
        if len(header) < _HEADER.size:
            return
        count, slot_bytes, keeps_points = _HEADER.unpack(header)
        for index in range(count):
            file.seek(_TABLE + _ROW.size * index)
            row = _ROW.unpack(file.read(_ROW.size))
            content = None
            if keeps_points:
                file.seek(_POINTS + slot_bytes * index)
                content = file.read(slot_bytes)
            yield row, content


def _bytes(tensor: Tensor) -> memoryview:
    array: Any = tensor.detach().contiguous().cpu().numpy()
    return memoryview(array).cast("B")
