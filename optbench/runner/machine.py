"""What the operating system and the libraries tell of the machine; None where they do not tell."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import SubprocessError
from typing import Any, TypeVar

from optbench.runner.container import Container, read_text

Mode = str | int | bool | None
T = TypeVar("T")
_CPUS = "sys/devices/system/cpu"


@dataclass(frozen=True)
class Processors:
    """Seconds of all processors together since the machine started, and events since then."""

    busy: float
    idle: float
    stolen: float  # the hypervisor ran somebody else


@dataclass(frozen=True)
class Machine:
    """What Linux tells in /proc and /sys below `root`."""

    root: Path = field(default_factory=lambda: Path("/"))

    @property
    def container(self) -> Container:
        """The limits of the control groups."""
        return Container(self.root)

    def cpu(self) -> str | None:
        """Return the name of the first processor."""
        for line in (self.text("proc/cpuinfo") or "").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
        return None

    def governors(self) -> tuple[str, ...]:
        """Return the distinct frequency governors of the processors; empty where they can't be read."""
        return tuple(sorted(set(self._each("cpu[0-9]*/cpufreq/scaling_governor"))))

    def frequencies(self) -> tuple[tuple[float, float], ...]:
        """Return each processor's current and highest frequency in Hz."""
        current = self._each("cpu[0-9]*/cpufreq/scaling_cur_freq")
        highest = self._each("cpu[0-9]*/cpufreq/cpuinfo_max_freq")
        if len(current) != len(highest) or not all(map(str.isdecimal, current + highest)):
            return ()
        return tuple((1e3 * int(now), 1e3 * int(most)) for now, most in zip(current, highest, strict=True))

    def turbo(self) -> bool | None:
        """Tell whether processors may run above their nominal frequency."""
        if (text := self.text(f"{_CPUS}/intel_pstate/no_turbo")) is not None:
            return text == "0"
        boost = self.text(f"{_CPUS}/cpufreq/boost")
        return None if boost is None else boost == "1"

    def smt(self) -> bool | None:
        """Tell whether processors share cores (hyperthreading)."""
        active = self.text(f"{_CPUS}/smt/active")
        return None if active is None else active == "1"

    def hugepages(self) -> str | None:
        """Return the mode of transparent huge pages: always, madvise or never."""
        chosen = re.search(r"\[(\w+)\]", self.text("sys/kernel/mm/transparent_hugepage/enabled") or "")
        return chosen[1] if chosen else None

    def isolated(self) -> tuple[int, ...]:
        """Return the processors that the scheduler leaves alone."""
        return _processors(self.text(f"{_CPUS}/isolated") or "")

    def throttles(self) -> int | None:
        """Return how often processors were slowed down for heat since the machine started."""
        counts = self._each("cpu[0-9]*/thermal_throttle/core_throttle_count")
        return sum(map(int, counts)) if counts else None

    def processors(self) -> Processors | None:
        """Return what the processors did so far."""
        line = (self.text("proc/stat") or "").partition("\n")[0].split()
        if len(line) < 9:
            return None
        user, nice, system, idle, waiting, interrupts, soft, stolen = (int(word) / _ticks() for word in line[1:9])
        return Processors(busy=user + nice + system + interrupts + soft, idle=idle + waiting, stolen=stolen)

    def runnable(self) -> int | None:
        """Return how many threads run or wait for a processor now, the caller included."""
        words = (self.text("proc/loadavg") or "").split()
        return int(words[3].partition("/")[0]) if len(words) >= 4 else None

    def clock_source(self) -> str | None:
        """Return the hardware clock behind the clocks."""
        return self.text("sys/devices/system/clocksource/clocksource0/current_clocksource")

    def memory_free(self) -> int | None:
        """Return the bytes that programs can have without swapping."""
        return self._kilobytes("MemAvailable")

    def swap_used(self) -> int | None:
        """Return the bytes that lie in swap."""
        total, free = self._kilobytes("SwapTotal"), self._kilobytes("SwapFree")
        return None if total is None or free is None else total - free

    def swappiness(self) -> int | None:
        """Return how eagerly the system swaps: 0 to 200."""
        text = self.text("proc/sys/vm/swappiness")
        return None if text is None else int(text)

    def pages_swapped(self) -> int | None:
        """Return how many pages went into or came out of swap since the machine started."""
        counts = dict(line.split() for line in (self.text("proc/vmstat") or "").splitlines())
        return int(counts["pswpin"]) + int(counts["pswpout"]) if "pswpin" in counts else None

    def text(self, path: str) -> str | None:
        """Return what a file below the root holds."""
        return read_text(self.root / path)

    def _each(self, pattern: str) -> list[str]:
        paths = sorted((self.root / _CPUS).glob(pattern))
        return [text for path in paths if (text := self.text(str(path.relative_to(self.root)))) is not None]

    def _kilobytes(self, name: str) -> int | None:
        for line in (self.text("proc/meminfo") or "").splitlines():
            key, _, value = line.partition(":")
            if key == name:
                return 1024 * int(value.split()[0])
        return None


def _ticks() -> int:
    return os.sysconf("SC_CLK_TCK")


def _processors(ranges: str) -> tuple[int, ...]:
    """Return the numbers in a list such as "0-2,5"."""
    bounds = [part.partition("-") for part in ranges.split(",") if part]
    return tuple(number for low, _, high in bounds for number in range(int(low), int(high or low) + 1))


def torch_modes() -> dict[str, Mode]:
    """Return the modes of torch and of the linear algebra libraries in this process: what decides which kernels run.

    Imports torch and numpy: for the process that measures, not for the one that only reports.
    """
    import torch

    facts: dict[str, Callable[[], Mode]] = {
        "threads": torch.get_num_threads,
        "interop_threads": torch.get_num_interop_threads,
        "pools": lambda: ", ".join(f"{name} {size}" for name, size in sorted(thread_pools().items())),
        "blas": lambda: _torch_blas(torch.__config__.show()),
        "numpy_blas": _numpy_blas,
        "cpu_capability": torch.backends.cpu.get_cpu_capability,
        "default_dtype": lambda: str(torch.get_default_dtype()).removeprefix("torch."),
        "float32_matmul_precision": torch.get_float32_matmul_precision,
        "tf32_matmul": lambda: torch.backends.cuda.matmul.allow_tf32,
        "tf32_cudnn": lambda: torch.backends.cudnn.allow_tf32,
        "cudnn_benchmark": lambda: torch.backends.cudnn.benchmark,
        "deterministic_algorithms": torch.are_deterministic_algorithms_enabled,
        "flush_denormal": _flushes_denormal,
        "cuda": lambda: torch.version.cuda,
    }
    return {name: quietly(read) for name, read in facts.items()}


def quietly(read: Callable[[], T]) -> T | None:
    """Return what `read` returns, None where the system or this build of a library lacks it or refuses."""
    try:
        return read()
    except (AttributeError, ImportError, LookupError, OSError, RuntimeError, TypeError, ValueError, SubprocessError):
        return None


def _torch_blas(configuration: str) -> str | None:
    """Return the library's name, and of MKL its version, from what torch says of its build."""
    name = re.search(r"BLAS_INFO=(\w+)", configuration)
    mkl = re.search(r"Math Kernel Library Version ([\d.]+)", configuration)
    if name is None:
        return None
    return f"{name[1]} {mkl[1]}" if mkl and name[1] == "mkl" else name[1]


def _numpy_blas() -> str | None:
    import numpy as np

    configuration: Any = np.show_config(mode="dicts")
    library = configuration["Build Dependencies"]["blas"]
    return f"{library['name']} {library['version']}"


def thread_pools() -> dict[str, int]:
    """Return the thread pools of the libraries that are loaded, with their sizes: of two with one name the larger."""
    from threadpoolctl import threadpool_info

    found: dict[str, int] = {}
    for pool in threadpool_info():
        name = pool["internal_api"]
        found[name] = max(pool["num_threads"], found.get(name, 0))
    return found


def _flushes_denormal() -> bool:
    """Tell whether results below the least normal number become zero; torch sets the mode but does not tell it."""
    import torch

    return bool((torch.full((16,), 1e-310, dtype=torch.float64) * 0.5 == 0).all())
