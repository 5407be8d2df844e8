"""What names a stored result, and what is known of a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from optbench.records import Environment, Pass


@dataclass(frozen=True, order=True)
class ResultKey:
    """The identity of a result: another machine, library or source makes another result of the same trial."""

    id: str  # the trial's; its `memory_id` where `pass_` is "memory" or "projection"
    pass_: Pass
    machine: str  # `Environment.fingerprint`
    source: str  # hash of the sources that were measured and of the engine


@dataclass(frozen=True, kw_only=True)
class Run:
    """One command that measured or reused results."""

    id: int
    suite: Mapping[str, Any]  # SuiteSpec.to_json()
    command: str
    environment: Environment
    started: str  # ISO 8601, UTC
