"""What a reporter gets: everything that a report shows, aggregated, without a single trial's trace.

Numbers that don't exist (unsolved, not measured, not finite) are None. A cost is listed per target, in the order of
`ReportModel.targets`, for each of `ReportModel.measures`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Self

from optbench.records.ablation import AblationEffect
from optbench.records.environment import Environment
from optbench.records.gate import GateResult
from optbench.records.pairing import PairingResult, SolvedCount
from optbench.records.text import interval_text, number_text
from optbench.records.trial import COUNTED
from optbench.records.tuned import TunedCell, TuningAgreement

MEASURES = ("evaluations", "gradients", "seconds")
COST = "cost"  # the measure that a suite's weights add
SHIFTS = {"evaluations": 10.0, "gradients": 10.0, "seconds": 0.01, COST: 10.0}  # of the shifted geometric means
LEVEL_VERDICTS = ("within noise", "equivalent")
AREA_FACTOR = 64.0  # where the area under a performance profile ends
FAILED = ("timeout", "diverged", "oom", "killed", "crashed", "error")  # statuses that end a curve before its time

BYTES = {  # fields of TrialRecord -> the word for them in tables
    "state_bytes": "state",
    "peak_live_bytes": "peak",
    "transient_bytes": "transient",
    "peak_process_bytes": "process",
    "peak_device_bytes": "device",
}

STEP = "step_seconds"
SWEPT = {**BYTES, STEP: "step"}  # what a suite may fit against a size

Quantiles = tuple[float | None, float | None, float | None]  # 10 %, median, 90 %


@dataclass(frozen=True, kw_only=True)
class ReportOption:
    """An option as it ran."""

    name: str
    value: str
    default: str = ""  # empty: not known
    doc: str = ""


@dataclass(frozen=True, kw_only=True)
class ReportPart:
    """A plugin in an optimizer or a problem."""

    name: str  # qualified
    summary: str = ""
    cite: str = ""
    version: str = ""  # of what it is distributed in: "optbench 1.2"; empty: not installed any more
    options: tuple[ReportOption, ...] = ()


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
    parts: tuple[ReportPart, ...] = ()  # the optimizer, then its meta-algorithms


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
    parts: tuple[ReportPart, ...] = ()  # the problem


@dataclass(frozen=True, kw_only=True)
class Threshold:
    """A threshold of a metric, such as "test-accuracy>=0.95", over the seeds of a cell."""

    name: str
    hits: int
    evaluations: float | None  # medians over seeds, None where fewer than half reach it
    seconds: float | None


@dataclass(frozen=True, kw_only=True)
class Cell:
    """An optimizer on a problem, over its seeds; a seed with several repetitions counts once, with their median."""

    optimizer: str
    problem: str
    seeds: int  # that ran; 0: all were skipped
    hits: tuple[int, ...]  # seeds that reached each target
    costs: Mapping[str, tuple[Quantiles, ...]]  # measure -> per target; over all seeds, None: not reached by that share
    expected: Mapping[
        str, tuple[float | None, ...]
    ]  # measure -> per target: spent by all seeds / seeds that reached it
    spent: Mapping[str, float | None]  # measure -> median over seeds at their ends
    statuses: Mapping[str, int]  # trials by status
    unreliable: int = 0  # trials whose times are not to be believed
    thresholds: tuple[Threshold, ...] = ()  # of metrics
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
    stages: tuple[tuple[float | None, ...], ...] = ()  # where each later stage began: the median cost by each measure


@dataclass(frozen=True, kw_only=True)
class SeedCurve:
    """The relative gap of one seed of an optimizer on a problem, thinned to what is drawn."""

    optimizer: str
    problem: str
    seed: int
    status: str
    points: str  # packed: the costs by each of the report's measures, then the gaps, one column after the other


@dataclass(frozen=True, kw_only=True)
class LearningCurve:
    """A metric of an optimizer on a problem with data, aggregated over its trials at equal numbers of examples."""

    optimizer: str
    problem: str
    metric: str  # without its plugin
    examples: tuple[float, ...]
    seconds: tuple[float | None, ...]  # the median at each point
    median: tuple[float | None, ...]
    low: tuple[float | None, ...]  # 10 %
    high: tuple[float | None, ...]


@dataclass(frozen=True, kw_only=True)
class StageCell:
    """A stage of an optimizer on a problem; figures are medians over the trials that came to it."""

    optimizer: str
    problem: str
    name: str
    on_curve: bool
    prior: bool  # before the task begins
    trials: int
    evaluations: float
    examples: float
    flops: float | None
    seconds: float | None
    value: float | None  # of its own objective, where it ended
    begins: Mapping[str, float | None]  # what had been spent before it: evaluations, examples, flops, seconds


@dataclass(frozen=True, kw_only=True)
class TwoResults:
    """What an optimizer with something before the task comes to, by the cost of the task alone and by the whole cost.

    Figures are medians over trials. The baseline is the same recipe without what comes before, read off where it had
    spent as much; where it had ended by then, its end.
    """

    optimizer: str
    problem: str
    metric: str  # without its plugin
    score: float | None
    axis: str  # of the costs: "flops", "examples" or "evaluations"
    task: float | None  # cost of the task alone
    total: float | None
    task_seconds: float | None
    total_seconds: float | None
    baseline: str = ""  # an optimizer's id; empty where the suite has none
    baseline_at_task: float | None = None
    baseline_at_total: float | None = None


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
    mean: float | None  # shifted geometric mean; an unsolved problem counts the most that any optimizer spent there
    area: float | None  # under the performance profile over log₂ τ up to AREA_FACTOR, between 0 and 1


@dataclass(frozen=True, kw_only=True)
class Versus:
    """An optimizer against the leading one, by one measure at one target, paired by problem or by problem and seed."""

    optimizer: str
    leader: str
    measure: str
    target: float
    ratio: float | None  # its cost over the leader's, typically; with its 95 % interval
    low: float | None
    high: float | None
    verdict: str  # of the optimizer: "slower", "within noise", …
    pairs: int


@dataclass(frozen=True, kw_only=True)
class Failure:
    """Trials of one optimizer on one problem that ended alike."""

    optimizer: str
    problem: str
    status: str
    message: str
    seeds: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class ScalingFit:
    """How a figure of an optimizer grows with the size of a problem, fitted on what was measured."""

    optimizer: str
    name: str  # qualified
    options: Mapping[str, Any]
    problem: str  # expression without the swept option
    device: str
    dtype: str
    quantity: str  # key of SWEPT
    exponent: float | None  # None: fewer than three sizes
    low: float | None  # 95 % interval
    high: float | None
    top_octave: float | None  # the exponent over the sizes of at least half the largest
    points: int  # different sizes
    declared: str  # "O(n^2)"; empty: nothing
    declared_exponent: float | None
    verdict: str  # "as declared", "above declared", "below declared", "not fitted", "nothing declared"

    @property
    def is_memory(self) -> bool:
        """Tell whether the figure is bytes; otherwise seconds."""
        return self.quantity in BYTES

    @property
    def cells(self) -> tuple[str, str, str, str]:
        """What was fitted, its exponent with the 95 % interval, and that of the top octave."""
        interval = interval_text(self.low, self.high)
        return SWEPT[self.quantity], number_text(self.exponent), interval, number_text(self.top_octave)


@dataclass(frozen=True, kw_only=True)
class ScalingPoint:
    """Bytes, or seconds a step beyond the evaluations, of an optimizer at one size."""

    optimizer: str
    name: str  # qualified
    problem: str  # expression without the swept option
    device: str
    dtype: str
    quantity: str
    size: int
    value: float  # whole where it is bytes
    projected: bool  # worked out without running
    doubted: bool = False  # whether times of its trials are not to be believed


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


def ranked(scores: Iterable[Score]) -> tuple[Score, ...]:
    """Return scores by one measure at one target, best first: solved share, then slowdown."""
    return tuple(sorted(scores, key=_rank))


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
