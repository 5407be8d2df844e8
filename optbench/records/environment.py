"""Where a run was measured: captured once a run, referenced by its results."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from optbench.records.canonical import content_hash


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
    load: float | None = None
    governor: str | None = None
    affinity: tuple[int, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)  # thread counts only, never the whole environment

    @property
    def fingerprint(self) -> str:
        """Name of what makes two times comparable: machine, processor, libraries."""
        keys = ("machine", "system", "architecture", "cpu", "cores", "python", "libraries")
        data = asdict(self)
        return content_hash({key: data[key] for key in keys})

    def to_json(self) -> dict[str, Any]:
        """Return JSON's types; `from_json` is the inverse."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Return the environment that `to_json` described."""
        return cls(**{**data, "affinity": tuple(data["affinity"])})
