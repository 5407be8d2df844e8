"""What does not change while a machine is watched: limits, libraries, devices, folders."""

from __future__ import annotations

import ctypes
import os
import platform
import shutil
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from optbench.measure.surroundings import usable_cores
from optbench.runner.machine import Machine, thread_pools

_SMI_SECONDS = 20


@dataclass(frozen=True)
class Card:
    """A GPU as its driver describes it."""

    name: str
    persistent: bool  # the driver stays loaded between programs
    busy: float | None  # share of the time, by anybody


@dataclass(frozen=True)
class Gpus:
    """How many torch can use, what the driver tells, and which processes use them."""

    usable: int = 0
    cards: tuple[Card, ...] = ()
    users: tuple[str, ...] = ()


@dataclass(frozen=True)
class Place:
    """A folder that is written to."""

    path: Path
    writable: bool
    free: int  # bytes
    remedy: str


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What this process may use and what it is surrounded by."""

    processors: int  # that this process may use
    all_processors: int
    cpu_quota: float | None  # processors, by the container's limit
    memory_limit: int | None  # bytes, by the container's limit
    variables: Mapping[str, str]
    pools: Mapping[str, int]  # thread pools of the loaded libraries, with their sizes
    governors: tuple[str, ...]
    turbo: bool | None
    smt: bool | None
    swappiness: int | None
    clock_source: str | None
    gpus: Gpus
    places: tuple[Place, ...]
    burdens: tuple[str, ...]  # what slows this interpreter, in words
    resets_peak: bool  # the system forgets a process's peak memory on demand
    sets_allocator: bool  # the C library gives large blocks back at once on demand


def read_setting(places: Mapping[Path, str], machine: Machine, variables: Mapping[str, str]) -> Setting:
    """Return this process's setting; imports torch.

    Args:
        places: folders that optbench writes to, each with what to do where it can't.
        machine: what the system tells.
        variables: the environment's.
    """
    return Setting(
        processors=usable_cores(),
        all_processors=os.cpu_count() or 1,
        cpu_quota=machine.container.cpu_quota(),
        memory_limit=machine.container.memory_limit(),
        variables=variables,
        pools=_pools(),
        governors=machine.governors(),
        turbo=machine.turbo(),
        smt=machine.smt(),
        swappiness=machine.swappiness(),
        clock_source=machine.clock_source(),
        gpus=read_gpus(_ask_driver, _usable_gpus()),
        places=tuple(look_at(path, remedy) for path, remedy in places.items()),
        burdens=burdens(variables),
        resets_peak=_can_reset_peak(),
        sets_allocator=platform.libc_ver()[0] == "glibc" and hasattr(ctypes.CDLL(None), "mallopt"),
    )


def _pools() -> dict[str, int]:
    """Return the thread pools that torch and numpy bring."""
    import numpy as np  # noqa: F401 -- loads its pool
    import torch

    return {"torch": torch.get_num_threads(), **thread_pools()}


def _usable_gpus() -> int:
    import torch

    return int(torch.cuda.device_count())


def _ask_driver(*query: str) -> str | None:
    """Return what nvidia-smi answers; None where there is none, or where it fails."""
    command = ["nvidia-smi", *query, "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SMI_SECONDS, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout


def read_gpus(ask: Callable[..., str | None], usable: int) -> Gpus:
    """Return the state of the GPUs; `ask` puts a query to the driver, `usable` is torch's count."""
    cards = []
    for line in (ask("--query-gpu=name,persistence_mode,utilization.gpu") or "").splitlines():
        name, persistence, busy = (word.strip() for word in line.rsplit(",", 2))
        cards.append(Card(name, persistence == "Enabled", float(busy) / 100 if busy.isdecimal() else None))
    answer = ask("--query-compute-apps=process_name,pid") if cards else None
    users = (line.rpartition(",") for line in (answer or "").splitlines())
    return Gpus(usable, tuple(cards), tuple(f"{Path(name).name} ({pid.strip()})" for name, _, pid in users))


def look_at(path: Path, remedy: str) -> Place:
    """Tell whether files can be written in a folder, or in the nearest one above it that exists."""
    existing = next((folder for folder in (path, *path.absolute().parents) if folder.exists()), path)
    writable = existing.is_dir() and os.access(existing, os.W_OK | os.X_OK)
    try:
        free = shutil.disk_usage(existing).free
    except OSError:
        free = 0
    return Place(path, writable, free, remedy)


def burdens(variables: Mapping[str, str]) -> tuple[str, ...]:
    """Return what slows this interpreter or makes its memory grow."""
    found = {
        "a debug build": hasattr(sys, "gettotalrefcount"),
        "development mode": sys.flags.dev_mode,
        "a trace function (debugger, coverage)": sys.gettrace() is not None,
        "a profile function": sys.getprofile() is not None,
        "tracemalloc": tracemalloc.is_tracing(),
        "PYTHONMALLOC=" + variables.get("PYTHONMALLOC", ""): "debug" in variables.get("PYTHONMALLOC", ""),
    }
    return tuple(name for name, burdened in found.items() if burdened)


def _can_reset_peak() -> bool:
    from optbench.measure.process_memory import ProcessPeak

    peak = ProcessPeak()
    peak.begin()
    return peak.growth() is not None
