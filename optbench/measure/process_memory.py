"""Level 2 of memory: the peak of the process's resident memory, the one figure that other libraries' solvers have, too.

Linux only: the kernel keeps the peak as VmHWM in /proc/self/status, and lets a process reset it through clear_refs.
Neither `ru_maxrss`, which is inherited from the parent and never falls, nor tracemalloc, which sees no tensor, will do.
"""

from __future__ import annotations

import ctypes
import gc
from pathlib import Path

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # glibc's malloc.h
_THRESHOLD = 65536  # bytes: larger blocks come from the system and go back when they are freed
_LARGEST = 2**25  # what glibc allows on 64 bits
_RESET_PEAK = "5"  # proc(5): reset the peak resident set size


def return_freed_memory() -> None:
    """Make malloc give blocks above 64 KiB back at once; for the rest of the process, so that freed memory is seen.

    Without it the growth was wrong by up to 65 %. It costs time: no process that is timed may call it. Elsewhere than
    with glibc nothing happens.
    """
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):
        libc.mallopt(_M_MMAP_THRESHOLD, _THRESHOLD)
        libc.mallopt(_M_TRIM_THRESHOLD, _THRESHOLD)


def keep_freed_memory() -> None:
    """Undo `return_freed_memory`: where the process is not looked at, to get blocks anew only costs time."""
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):
        libc.mallopt(_M_MMAP_THRESHOLD, _LARGEST)
        libc.mallopt(_M_TRIM_THRESHOLD, _LARGEST)


class ProcessPeak:
    """The growth of the resident memory's peak above what was resident at `begin`."""

    def __init__(self, proc: Path = Path("/proc/self")) -> None:
        """Read the process at `proc`."""
        self._status, self._clear_refs = proc / "status", proc / "clear_refs"
        self._base: int | None = None
        self.why_not = "" if self._status.exists() else f"this system has no {self._status}"

    def begin(self) -> None:
        """Drop what is garbage, reset the peak and note what is resident."""
        gc.collect()
        libc = ctypes.CDLL(None)
        if hasattr(libc, "malloc_trim"):
            libc.malloc_trim(0)
        try:
            self._clear_refs.write_text(_RESET_PEAK, encoding="ascii")
            self._base = self._bytes("VmRSS")
        except OSError as error:
            self.why_not = f"the peak can't be reset: {self._clear_refs}: {error.strerror}"

    def growth(self) -> int | None:
        """Return the bytes by which the peak has grown since `begin`; None where `why_not` says why."""
        return None if self._base is None else max(self._bytes("VmHWM") - self._base, 0)

    def _bytes(self, key: str) -> int:
        for line in self._status.read_text(encoding="ascii").splitlines():
            name, _, value = line.partition(":")
            if name == key:
                return int(value.split()[0]) * 1024
        raise OSError(0, f"has no {key}", str(self._status))
