"""The engine's own meters, for CPU and CUDA, and the choice between them and those of plugins."""

from __future__ import annotations

import importlib
import time
from collections.abc import Sequence
from typing import Any

import torch

from optbench.api import Meter


class CpuMeter:
    """The host's clock. Its memory is measured by the memory pass itself, which knows when a reading is exact."""

    now = staticmethod(time.perf_counter)

    def sync(self) -> None:
        """Nothing to wait for."""

    def reset_peak(self) -> None:
        """Nothing to reset."""

    def peak_bytes(self) -> int | None:
        """Return None: see `optbench.measure.process_memory`."""
        return None


class CudaMeter:
    """Waits for the device at the ends of a region; events between cost no wait. Peak bytes come from the allocator."""

    now = staticmethod(time.perf_counter)

    def __init__(self, device: torch.device) -> None:
        """Meter one device."""
        self._device = device
        self._base = 0

    def sync(self) -> None:
        """Wait for every stream of the device."""
        torch.cuda.synchronize(self._device)

    def mark(self) -> torch.cuda.Event:
        """Record an event on the current stream."""
        event = torch.cuda.Event(enable_timing=True)
        event.record(torch.cuda.current_stream(self._device))
        return event

    def between(self, first: torch.cuda.Event, second: torch.cuda.Event) -> float:
        """Return the seconds between two events that the device has passed."""
        return float(first.elapsed_time(second)) / 1e3

    def reset_peak(self) -> None:
        """Count from what is allocated now."""
        torch.cuda.reset_peak_memory_stats(self._device)
        self._base = torch.cuda.memory_allocated(self._device)

    def peak_bytes(self) -> int | None:
        """Return the bytes that tensors and workspaces asked the allocator for, at their peak."""
        return int(torch.cuda.max_memory_allocated(self._device)) - self._base


def make_meter(device: torch.device, factories: Sequence[str] = ()) -> Meter:
    """Return the first meter that a plugin makes for the device, else the engine's own.

    `factories` are "package.module:name" of the plugins' `optbench_make_meter`, called with the device's name.
    Raises TypeError where a plugin returns something that is no meter.
    """
    for factory in factories:
        made = _call(factory, str(device))
        if made is None:
            continue
        if not isinstance(made, Meter):
            message = f"{factory} returned {type(made).__name__}, which lacks a method of optbench.api.Meter"
            raise TypeError(message)
        return made
    return CudaMeter(device) if device.type == "cuda" else CpuMeter()


def _call(factory: str, device: str) -> Any:
    module, _, name = factory.partition(":")
    found: Any = importlib.import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    return found(device)
