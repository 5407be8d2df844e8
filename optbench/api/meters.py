"""Meters: how a device's time and memory are read. The engine has them for CPU and CUDA; plugins bring others."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable


@runtime_checkable
class Meter(Protocol):
    """Reads one device's clock and peak memory, in the process of the trial."""

    def sync(self) -> None:
        """Wait until the device has done everything that it was told."""
        ...

    def now(self) -> float:
        """Return seconds of a monotonic wall clock."""
        ...

    def reset_peak(self) -> None:
        """Let `peak_bytes` count from now on."""
        ...

    def peak_bytes(self) -> int | None:
        """Return the most bytes that were in use above what was in use at `reset_peak`; None where it can't be read."""
        ...


@runtime_checkable
class MarkingMeter(Meter, Protocol):
    """A meter of a device that works asynchronously and can note where it stands without being waited for."""

    def mark(self) -> Any:
        """Have the device note the time when it gets here; costs the host no wait."""
        ...

    def between(self, first: Any, second: Any) -> float:
        """Return the seconds from one mark to another; called after `sync`."""
        ...
