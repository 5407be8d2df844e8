"""Where a run was measured: captured once a run, referenced by its results."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from optbench.records.canonical import content_hash

# Modes that decide which kernels run. The number of threads is part of a trial's own identity.
COMPARED_MODES = (
    "blas",
    "numpy_blas",
    "cpu_capability",
    "float32_matmul_precision",
    "tf32_matmul",
    "tf32_cudnn",
    "flush_denormal",
)


@dataclass(frozen=True, kw_only=True)
class Environment:
    """The machine, the libraries and what may disturb a measurement; None where it can't be read."""

    machine: str  # the host's name, or what OPTBENCH_MACHINE says
    system: str
    architecture: str
    cpu: str
    cores: int
    memory: int  # bytes
    python: str
    libraries: Mapping[str, str]  # distribution -> version
    commit: str | None = None  # of the working directory, "+" appended where it is dirty
    committed: str | None = None  # when that commit was made, ISO 8601
    # How busy the machine was.
    load: float | None = None  # average of the last minute
    runnable: int | None = None  # threads that ran or waited for a processor, optbench's own included
    swap_used: int | None = None  # bytes
    # How it is set up.
    governor: str | None = None
    turbo: bool | None = None
    smt: bool | None = None  # whether processors share cores
    hugepages: str | None = None  # always, madvise or never
    isolated: tuple[int, ...] = ()  # processors that the scheduler leaves alone
    # What this process may use.
    affinity: tuple[int, ...] = ()
    cpu_quota: float | None = None  # processors, by the container's limit
    memory_limit: int | None = None  # bytes, by the container's limit
    variables: Mapping[str, str] = field(default_factory=dict)  # thread counts only, never the whole environment
    modes: Mapping[str, Any] = field(default_factory=dict)  # of the libraries in the process that measures

    @property
    def fingerprint(self) -> str:
        """Name of what makes two times comparable: machine, processor, libraries, and their modes where known."""
        keys = ("machine", "system", "architecture", "cpu", "cores", "python", "libraries")
        data = asdict(self)
        known = {name: self.modes[name] for name in COMPARED_MODES if self.modes.get(name) is not None}
        return content_hash({key: data[key] for key in keys} | ({"modes": known} if known else {}))

    def to_json(self) -> dict[str, Any]:
        """Return JSON's types; `from_json` is the inverse."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Return the environment that `to_json` described; facts that it had not yet are unknown."""
        lists = {name: tuple(data.get(name, ())) for name in ("affinity", "isolated")}
        return cls(**{**data, **lists})
