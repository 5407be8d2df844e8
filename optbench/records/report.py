"""What a reporter gets: everything that a report shows, aggregated, without a single trial's trace.

Numbers that don't exist (unsolved, not measured, not finite) are None. A cost is listed per target, in the order of
`ReportModel.targets`, for each of `ReportModel.measures`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from optbench.records.environment import Environment
from optbench.records.gate import GateResult

MEASURES = ("evaluations", "gradients", "seconds")
FAILED = ("timeout", "diverged", "oom", "killed", "crashed", "error")  # statuses that end a curve before its time

Quantiles = tuple[float | None, float | None, float | None]  # 10 %, median, 90 %


@dataclass(frozen=True, kw_only=True)
class ReportOptimizer:
    """An optimizer with its options and meta-algorithms: one line of each figure."""

    id: str  # unique, safe in file names and addresses
    label: str  # short: only what tells it from the others
    expression: str  # everything: parses to the optimizer again
    family: str
    summary: str = ""
    cite: str = ""
    state_memory: str = ""  # as declared, "O(n)"
    gradients: bool = True  # False: no run asked for a gradient


@dataclass(frozen=True, kw_only=True)
class ReportProblem:
    """A problem on a device in a precision."""

    id: str  # unique, safe in file names and addresses
    label: str
    expression: str
    kind: str
    device: str
    dtype: str
    size: int | None = None
    batch_size: int | None = None
    f0: float | None = None
    f_star: float | None = None  # what gaps are measured from
    reference: str = ""  # where `f_star` comes from, in words; "best in this set" where nothing better is known
    summary: str = ""
    cite: str = ""
    deterministic: bool = True  # curves show the best value so far; otherwise the last iterate's


@dataclass(frozen=True, kw_only=True)
class Cell:
    """An optimizer on a problem, over its seeds; a seed with several repetitions counts once, with their median."""

    optimizer: str
    problem: str
    seeds: int  # that ran; 0: all were skipped
    hits: tuple[int, ...]  # seeds that reached each target
    costs: Mapping[str, tuple[Quantiles, ...]]  # measure -> per target; over all seeds, None: not reached by that share
    statuses: Mapping[str, int]  # trials by status
    gap: float | None = None  # medians over trials from here on
    value: float | None = None
    evaluations: float | None = None
    seconds: float | None = None
    state_bytes: int | None = None
    peak_live_bytes: int | None = None
    peak_process_bytes: int | None = None
    metrics: Mapping[str, float | None] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ReportCurve:
    """The relative gap of an optimizer on a problem, aggregated over seeds at equal evaluations."""

    optimizer: str
    problem: str
    costs: Mapping[str, tuple[float | None, ...]]  # measure -> the median cost at each point
    median: tuple[float | None, ...]
    low: tuple[float | None, ...]
    high: tuple[float | None, ...]
    ends: tuple[tuple[float | None, ...], ...] = ()  # of failed seeds: a cost for each measure, then the gap


@dataclass(frozen=True, kw_only=True)
class Score:
    """An optimizer over all problems, by one measure at one target."""

    optimizer: str
    measure: str
    target: float
    trials: int  # seeds over all problems
    hits: int
    low: float  # 95 % Wilson interval of hits / trials
    high: float
    problems: int  # that it was run on
    solved: int  # problems that at least half of the seeds solve
    solved_by_kind: Mapping[str, tuple[int, int]]  # kind -> (solved, run)
    slowdown: float | None  # median over its problems of cost / best cost; None: more than half are unsolved
    wins: int  # problems on which nothing is cheaper
    cost: float | None  # median over the problems that it solves


@dataclass(frozen=True, kw_only=True)
class Failure:
    """Trials of one optimizer on one problem that ended alike."""

    optimizer: str
    problem: str
    status: str
    message: str
    seeds: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class ReportModel:
    """A report of one suite."""

    name: str
    title: str
    summary: str = ""
    source: str = ""
    created: str
    command: str
    environment: Environment
    budget: str  # in words
    seeds: int
    targets: tuple[float, ...]  # relative gaps, loosest first
    measures: tuple[str, ...] = MEASURES
    optimizers: tuple[ReportOptimizer, ...] = ()
    problems: tuple[ReportProblem, ...] = ()
    cells: tuple[Cell, ...] = ()
    curves: tuple[ReportCurve, ...] = ()
    scores: tuple[Score, ...] = ()
    failures: tuple[Failure, ...] = ()
    gates: tuple[GateResult, ...] = ()
    notes: tuple[str, ...] = ()  # what limits the trust in the numbers
    schema: int = 1

    @property
    def trials(self) -> int:
        """The number of trials of any status."""
        return sum(sum(cell.statuses.values()) for cell in self.cells)

    def target_near(self, wanted: float) -> float:
        """Return the loosest target that is at most `wanted`, or else the tightest one."""
        tight = [target for target in self.targets if target <= wanted * (1 + 1e-9)]
        return max(tight) if tight else min(self.targets)

    def scores_at(self, measure: str, target: float) -> tuple[Score, ...]:
        """Return the scores by `measure` at `target`, best first: solved share, then slowdown."""
        rows = [score for score in self.scores if score.measure == measure and score.target == target]
        return tuple(sorted(rows, key=_rank))

    def to_json(self) -> dict[str, Any]:
        """Return JSON's types; `from_json` is the inverse."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Return the report that `to_json` described."""
        fields: dict[str, Any] = {key: _tuples(value) for key, value in data.items() if key not in _PARTS}
        fields["environment"] = Environment.from_json(data["environment"])
        parts: dict[str, Any] = {
            key: tuple(part(**_tuples(item)) for item in data[key]) for key, part in _PARTS.items()
        }
        return cls(**fields, **parts)


_PARTS: Mapping[str, type] = {
    "optimizers": ReportOptimizer,
    "problems": ReportProblem,
    "cells": Cell,
    "curves": ReportCurve,
    "scores": Score,
    "failures": Failure,
    "gates": GateResult,
}


def _rank(score: Score) -> tuple[float, float]:
    share = score.hits / score.trials if score.trials else -1.0
    return -share, float("inf") if score.slowdown is None else score.slowdown


def _tuples(value: Any) -> Any:
    """Undo what JSON does to tuples; no field of a report holds a list."""
    if isinstance(value, list | tuple):
        return tuple(_tuples(item) for item in value)
    if isinstance(value, Mapping):
        return {key: _tuples(item) for key, item in value.items()}
    return value
