"""What the control groups of this process allow it: None where there is no limit, or where it can't be read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

_UNLIMITED_BYTES = 2**60  # version 1 says "no limit" by the largest multiple of a page


@dataclass(frozen=True)
class Container:
    """The control groups of this process, from its own up to the root: the tightest limit counts.

    Inside a container the root of /sys/fs/cgroup is often the container's own group, so the path that the process
    is told may not exist there: the groups that do exist are looked at.
    """

    root: Path = field(default_factory=lambda: Path("/"))

    def cpu_quota(self) -> float | None:
        """Return how many processors' time the process may use."""
        return min(filter(None, (*self._quotas_2(), *self._quotas_1())), default=None)

    def memory_limit(self) -> int | None:
        """Return the bytes that the process may use."""
        names = (("", "memory.max"), ("memory", "memory.limit_in_bytes"))
        found = [_integer(folder / name) for controller, name in names for folder in self._groups(controller)]
        return min((limit for limit in found if limit is not None and limit < _UNLIMITED_BYTES), default=None)

    def throttled_periods(self) -> int | None:
        """Return in how many periods the groups were stopped for having used their quota, since they exist."""
        found = [_entry(folder / "cpu.stat", "nr_throttled") for name in ("", "cpu") for folder in self._groups(name)]
        return max((count for count in found if count is not None), default=None)

    def _quotas_2(self) -> Iterator[float | None]:
        for folder in self._groups(""):
            quota, _, period = (read_text(folder / "cpu.max") or "").partition(" ")
            yield float(quota) / float(period) if quota.isdecimal() and period.isdecimal() else None

    def _quotas_1(self) -> Iterator[float | None]:
        for folder in self._groups("cpu"):
            quota, period = _integer(folder / "cpu.cfs_quota_us"), _integer(folder / "cpu.cfs_period_us")
            yield quota / period if quota is not None and quota > 0 and period else None

    def _groups(self, controller: str) -> Iterator[Path]:
        """Yield the folders of a version 1 controller, of version 2 where it is "": own group first, root last."""
        mount = self.root / "sys/fs/cgroup" / controller
        own = Path(self._own_path(controller))
        for relative in (own, *own.parents):
            if (folder := mount / relative).is_dir():
                yield folder

    def _own_path(self, controller: str) -> str:
        for line in (read_text(self.root / "proc/self/cgroup") or "").splitlines():
            _, controllers, path = line.split(":", 2)
            if controller in controllers.split(","):  # "" is the only one of version 2
                return path.strip("/")
        return ""


def read_text(path: Path) -> str | None:
    """Return what a file holds; None where it can't be read."""
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return None


def _integer(path: Path) -> int | None:
    try:
        return int(read_text(path) or "")
    except ValueError:  # "max"
        return None


def _entry(path: Path, name: str) -> int | None:
    for line in (read_text(path) or "").splitlines():
        key, _, value = line.partition(" ")
        if key == name and value.isdecimal():
            return int(value)
    return None
