"""A published folder: the runs in it, and how each optimizer did from run to run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How one optimizer did in one run."""

    optimizer: str  # short label, unique in the run
    key: str  # what it is: the same text in every run that had it with the same options
    solved: float | None  # share of trials
    evaluations: float | None  # shifted geometric mean over problems, to the run's headline target
    seconds: float | None
    state_bytes: float | None  # median over problems


@dataclass(frozen=True, kw_only=True)
class SiteRun:
    """One run: what the index tells of it."""

    id: str  # the shard's name
    suite: str
    title: str
    started: str  # ISO 8601, UTC
    machine: str
    fingerprint: str  # times of different ones are never drawn on one axis
    processor: str
    libraries: Mapping[str, str]
    commit: str | None
    command: str
    budget: str
    target: float | None  # the relative gap that costs are counted to
    problems: tuple[str, ...]  # their expressions
    trials: int
    failed: int
    standings: tuple[Standing, ...]
    pages: tuple[str, ...] = ()  # of its report, relative to the folder

    def to_json(self) -> dict[str, Any]:
        """Return JSON's types; `from_json` is the inverse."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Return the run that `to_json` described."""
        standings = tuple(Standing(**item) for item in data["standings"])
        return cls(**{
            **data, "standings": standings, "problems": tuple(data["problems"]), "pages": tuple(data["pages"])
        })  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Site:
    """Everything that the pages of a published folder show."""

    title: str
    runs: tuple[SiteRun, ...]  # the one that began first stands first
    history: str = ""  # address of a site with the history by commit, such as asv's
