"""Reads the values of evaluations, keeps the best point, and says when the targets are reached.

On the CPU at once; elsewhere scalars wait in a device buffer and are read at snapshots: no evaluation synchronises.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from optbench.measure.event_log import EventLog
from optbench.measure.place import Place

SMALL = 64  # below this many numbers, Python's max over a list is faster than a reduction
_BUFFER = 1024  # evaluations between two reads of the device

Cells = tuple[float, ...]
Gradient = Tensor | tuple[Tensor, ...]  # flat, or by tensors


@dataclass(frozen=True)
class Thresholds:
    """What ends a trial: reached once the best value and the least gradient norm (|g|∞) are both at most these."""

    value: float | None = None
    gradient_norm: float | None = None


class Scalars(Protocol):
    """Where the values of evaluations go."""

    best_value: float
    best_point: Tensor | None
    doubtful: (
        bool  # whether a value or gradient norm that was read is not finite; whoever has looked into it says False
    )

    def logged(self, before: Cells, after: Cells, x: Tensor, value: Tensor | None, gradient: Gradient | None) -> bool:
        """Append a row: its cells before and after the two scalars are given; tells whether the targets are reached."""
        ...

    def flush(self) -> bool:
        """Read what still waits on the device; tells whether the targets are reached."""
        ...


class HostScalars:
    """Reads each scalar as it comes."""

    def __init__(self, log: EventLog, thresholds: Thresholds, *, keep_best: bool) -> None:
        """Log to `log`; `keep_best` copies each better point."""
        self._log, self._keep_best = log, keep_best
        self._reached = _Reached(thresholds)
        self.best_value = math.inf
        self.best_point: Tensor | None = None
        self.doubtful = False

    def logged(self, before: Cells, after: Cells, x: Tensor, value: Tensor | None, gradient: Gradient | None) -> bool:
        """Append the row and remember the point if its value is the best so far."""
        number = math.nan if value is None else value.item()
        norm = math.nan if gradient is None else largest_magnitude(gradient)
        if not math.isfinite(number + norm):
            unsound = value is not None and not math.isfinite(number)
            self.doubtful = self.doubtful or unsound or (gradient is not None and not math.isfinite(norm))
        self._log.append((*before, number, norm, *after))
        if number < self.best_value:
            self.best_value = number
            if self._keep_best:
                kept = self.best_point  # of another size where a stage with another model came before
                self.best_point = x.clone() if kept is None or kept.shape != x.shape else kept.copy_(x)
        return self._reached.update(number, norm)

    def flush(self) -> bool:
        """Nothing waits."""
        return self._reached.all


class DeviceScalars:
    """Keeps scalars and the best point on the device until `flush`; `logged` never synchronises."""

    def __init__(
        self, log: EventLog, thresholds: Thresholds, *, keep_best: bool, device: torch.device, dtype: torch.dtype
    ) -> None:
        """Allocate the buffer on the device."""
        self._log, self._keep_best = log, keep_best
        self._reached = _Reached(thresholds)
        self._buffer = torch.full((_BUFFER, 2), math.nan, device=device, dtype=dtype)
        self._rows: list[int] = []
        self._best = torch.full((), math.inf, device=device, dtype=dtype)
        self.best_value = math.inf
        self.best_point: Tensor | None = None
        self.doubtful = False  # the published point is looked at whenever the device is read

    def logged(self, before: Cells, after: Cells, x: Tensor, value: Tensor | None, gradient: Gradient | None) -> bool:
        """Append the row with its scalars to be filled in; a full buffer is flushed."""
        slot = len(self._rows)
        self._rows.append(self._log.append((*before, math.nan, math.nan, *after)))
        if value is not None:
            self._buffer[slot, 0].copy_(value)
            if self._keep_best:
                better = value < self._best
                kept = self.best_point  # of another size where a stage with another model came before
                same = kept is not None and kept.shape == x.shape
                self.best_point = torch.where(better, x, kept) if kept is not None and same else x.clone()
                self._best = torch.where(better, value, self._best)
        if gradient is not None:
            tensors = gradient if isinstance(gradient, tuple) else (gradient,)
            norms = [torch.linalg.vector_norm(tensor, math.inf) for tensor in tensors]
            self._buffer[slot, 1].copy_(norms[0] if len(norms) == 1 else torch.stack(norms).max())
        return self.flush() if slot + 1 == _BUFFER else False

    def flush(self) -> bool:
        """Copy the buffer to the host and fill in the rows."""
        reached = self._reached.all
        waiting = self._buffer[: len(self._rows)].tolist()
        for index, (value, norm) in zip(self._rows, waiting, strict=True):
            if index >= 0:
                self._log.set_value(index, value, norm)
            self.best_value = min(self.best_value, value) if value == value else self.best_value  # noqa: PLR0124 -- NaN
            reached = self._reached.update(value, norm)
        self._rows.clear()
        self._buffer.fill_(math.nan)
        return reached


def make_scalars(log: EventLog, thresholds: Thresholds, place: Place, *, keep_best: bool) -> Scalars:
    """Return what reads the scalars of evaluations on the trial's device."""
    if place.device.type == "cpu":
        return HostScalars(log, thresholds, keep_best=keep_best)
    return DeviceScalars(log, thresholds, keep_best=keep_best, device=place.device, dtype=place.dtype)


class _Reached:
    def __init__(self, thresholds: Thresholds) -> None:
        self._value = thresholds.value
        self._norm = thresholds.gradient_norm
        self._any = self._value is not None or self._norm is not None

    @property
    def all(self) -> bool:
        return self._any and self._value is None and self._norm is None

    def update(self, value: float, norm: float) -> bool:
        if not self._any:
            return False
        if self._value is not None and -math.inf < value <= self._value:
            self._value = None
        if self._norm is not None and norm <= self._norm:
            self._norm = None
        return self.all


def largest_magnitude(vector: Gradient) -> float:
    """Return |v|∞ of a vector, or of the tensors that it is cut into, on the CPU; NaN where it has one."""
    if isinstance(vector, tuple):
        return _largest([largest_magnitude(tensor) for tensor in vector])
    if vector.numel() > SMALL:
        least, largest = torch.aminmax(vector)
        return max(-least.item(), largest.item())  # both are NaN where there is one
    return _largest(vector.reshape(-1).tolist())


def _largest(numbers: list[float]) -> float:
    if math.isfinite(sum(numbers)):
        return max(map(abs, numbers), default=0.0)
    return math.nan if any(map(math.isnan, numbers)) else max(map(abs, numbers))


def is_finite(vector: Tensor) -> bool:
    """Tell whether every entry is finite: the sum tells, unless it overflows."""
    total = sum(vector.tolist()) if vector.numel() <= SMALL else vector.sum()
    return math.isfinite(total) or bool(torch.isfinite(vector).all())
