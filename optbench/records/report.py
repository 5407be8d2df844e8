"""What a reporter gets: everything that a report shows, aggregated, without a single trial's trace.

Numbers that don't exist (unsolved, not measured, not finite) are None. A cost is listed per target, in the order of
`ReportModel.targets`, for each of `ReportModel.measures`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Self

from optbench.records.ablation import AblationEffect
from optbench.records.cells import Cell, Failure, StageCell, Threshold, TwoResults
from optbench.records.curves import LearningCurve, ReportCurve, SeedCurve
from optbench.records.entrants import ReportOptimizer, ReportOption, ReportPart, ReportProblem
from optbench.records.environment import Environment
from optbench.records.gate import GateResult
from optbench.records.pairing import PairingResult, SolvedCount
from optbench.records.scaling import ScalingFit, ScalingPoint
from optbench.records.scores import LEVEL_VERDICTS, MEASURES, Score, Versus, ranked
from optbench.records.trial import COUNTED
from optbench.records.tuned import TunedCell, TuningAgreement


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
    weights: Mapping[str, float] = field(default_factory=dict)  # of the measure "cost": kind of COUNTED -> weight
    optimizers: tuple[ReportOptimizer, ...] = ()
    problems: tuple[ReportProblem, ...] = ()
    cells: tuple[Cell, ...] = ()
    curves: tuple[ReportCurve, ...] = ()
    seed_curves: tuple[SeedCurve, ...] = ()  # of problems with several seeds
    learning: tuple[LearningCurve, ...] = ()  # of suites with metrics of data
    stages: tuple[StageCell, ...] = ()  # of recipes with several
    two_results: tuple[TwoResults, ...] = ()  # of recipes with a teacher, or another task before
    scores: tuple[Score, ...] = ()
    versus: tuple[Versus, ...] = ()  # empty where there is too little for a verdict
    failures: tuple[Failure, ...] = ()
    gates: tuple[GateResult, ...] = ()
    comparisons: tuple[PairingResult, ...] = ()  # of suites that name pairs
    solved: tuple[SolvedCount, ...] = ()  # by test, of suites that name pairs
    ablations: tuple[AblationEffect, ...] = ()  # of suites that ablate
    scaling: tuple[ScalingFit, ...] = ()  # of suites that sweep a size
    scaling_points: tuple[ScalingPoint, ...] = ()
    tuned: tuple[TunedCell, ...] = ()  # of suites that tune
    agreements: tuple[TuningAgreement, ...] = ()  # of suites that tune more than once
    ranking: bool = True  # whether the optimizers are ranked by what they solve
    arms: tuple[str, ...] = ()  # options of problems that tell the optimizers apart, too
    missing: int = 0  # trials of the suite that have no result yet
    suite: Mapping[str, Any] = field(default_factory=dict)  # everything that was run, resolved: SuiteSpec.to_json()
    suite_file: str = ""  # the text of the file that it came from; empty where that is gone
    notes: tuple[str, ...] = ()  # what limits the trust in the numbers

    @property
    def grows(self) -> str:
        """What the suite shows against a size: "memory", "time", "memory and time"; empty: nothing."""
        told = {
            "memory": any(fit.is_memory for fit in self.scaling),
            "time": not all(fit.is_memory for fit in self.scaling),
        }
        return " and ".join(word for word, shown in told.items() if shown)

    @property
    def repeats(self) -> str:
        """What tests of problems count: a sentence where a problem has several trials of an optimizer, else nothing."""
        several = any(count.problems > len(self.problems) for count in self.solved)
        return "A problem counts once for each seed and each tuning. " if several else ""

    @property
    def entrant(self) -> str:
        """What the suite compares, in a word."""
        return "arm" if self.arms else "optimizer"

    @property
    def trials(self) -> int:
        """The number of trials of any status."""
        return sum(sum(cell.statuses.values()) for cell in self.cells)

    @property
    def weights_in_words(self) -> str:
        """What the measure "cost" adds up: "value 1, gradient 2"; empty without weights."""
        given = ((kind, self.weights.get(kind)) for kind in COUNTED)
        return ", ".join(f"{kind.replace('_', '-')} {weight:g}" for kind, weight in given if weight)

    def target_near(self, wanted: float) -> float:
        """Return the loosest target that is at most `wanted`, or else the tightest one."""
        tight = [target for target in self.targets if target <= wanted * (1 + 1e-9)]
        return max(tight) if tight else min(self.targets)

    def scores_at(self, measure: str, target: float) -> tuple[Score, ...]:
        """Return the scores by `measure` at `target`, best first: solved share, then slowdown."""
        rows = [score for score in self.scores if score.measure == measure and score.target == target]
        return ranked(rows)

    def level_with_leader(self, measure: str, target: float) -> frozenset[str]:
        """Return the optimizers that a comparison can't tell apart from the leading one."""
        rows = (row for row in self.versus if (row.measure, row.target) == (measure, target))
        return frozenset(row.optimizer for row in rows if row.verdict in LEVEL_VERDICTS)

    def points_of(self, fit: ScalingFit, quantity: str) -> tuple[ScalingPoint, ...]:
        """Return the points of one quantity in the sweep that `fit` was made on, measured and projected."""
        sweep = fit.optimizer, fit.problem, fit.device, fit.dtype, quantity
        points = self.scaling_points
        return tuple(x for x in points if (x.optimizer, x.problem, x.device, x.dtype, x.quantity) == sweep)

    def to_json(self) -> dict[str, Any]:
        """Return JSON's types; `from_json` is the inverse."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Return the report that `to_json` described."""
        own = {*_PARTS, "tuned", "suite"}
        fields: dict[str, Any] = {key: _tuples(value) for key, value in data.items() if key not in own}
        fields["suite"] = data["suite"]
        fields["environment"] = Environment.from_json(data["environment"])
        parts: dict[str, Any] = {
            key: tuple(part(**_tuples(item)) for item in data[key]) for key, part in _PARTS.items()
        }
        parts["cells"] = tuple(
            replace(cell, thresholds=tuple(Threshold(**item) for item in cell.thresholds)) for cell in parts["cells"]
        )
        for key in ("optimizers", "problems"):
            parts[key] = tuple(replace(item, parts=tuple(map(_part, item.parts))) for item in parts[key])
        parts["tuned"] = tuple(TunedCell.from_json(_tuples(item)) for item in data["tuned"])
        return cls(**fields, **parts)


_PARTS: Mapping[str, type] = {
    "optimizers": ReportOptimizer,
    "problems": ReportProblem,
    "cells": Cell,
    "curves": ReportCurve,
    "seed_curves": SeedCurve,
    "learning": LearningCurve,
    "stages": StageCell,
    "two_results": TwoResults,
    "scores": Score,
    "versus": Versus,
    "failures": Failure,
    "gates": GateResult,
    "comparisons": PairingResult,
    "solved": SolvedCount,
    "ablations": AblationEffect,
    "scaling": ScalingFit,
    "scaling_points": ScalingPoint,
    "agreements": TuningAgreement,
}


def _part(data: Mapping[str, Any]) -> ReportPart:
    return ReportPart(**{**data, "options": tuple(ReportOption(**item) for item in data["options"])})


def _tuples(value: Any) -> Any:
    """Undo what JSON does to tuples; no field of a report holds a list."""
    if isinstance(value, list | tuple):
        return tuple(_tuples(item) for item in value)
    if isinstance(value, Mapping):
        return {key: _tuples(item) for key, item in value.items()}
    return value
