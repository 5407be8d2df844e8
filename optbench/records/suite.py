"""A suite after its file was read: what to cross with what, and within which budget."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from optbench.records.trial import Budget, Component, Limits

DEFAULT_TARGETS = (
    "relative:1e-01",
    "relative:1e-03",
    "relative:1e-05",
    "relative:1e-08",
    "relative:1e-10",
    "absolute:1e-10",
    "gradient:1e-06",
)


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One problem, or one optimizer with its meta-algorithms; entries of a common group meet."""

    use: Component
    meta_algorithms: tuple[Component, ...] = ()
    groups: tuple[str, ...] = ("main",)
    budget: Budget | None = None  # of this problem; None: the suite's
    dtype: str | None = None  # of this problem; None: the suite's dtypes


@dataclass(frozen=True, kw_only=True)
class SuiteSpec:
    """Everything that a suite file says, names qualified, options resolved and grids expanded."""

    name: str
    title: str
    summary: str = ""
    source: str = ""  # the file that it came from
    problems: tuple[Entry, ...]
    optimizers: tuple[Entry, ...]
    seeds: tuple[int, ...] = (0,)
    repetitions: int = 1
    devices: tuple[str, ...] = ("cpu",)
    dtypes: tuple[str, ...] = ("float64",)
    threads: int = 1
    budget: Budget = Budget()
    limits: Limits = Limits()
    targets: tuple[str, ...] = DEFAULT_TARGETS  # what is scored, whether or not it ends a trial
    metrics: tuple[str, ...] = ()  # qualified names; evaluated on snapshots
    memory: bool = True  # whether the memory pass runs

    def to_json(self) -> dict[str, Any]:
        """Return JSON's types."""
        return asdict(self)
