"""What an optimizer came to on a problem. Numbers that don't exist (unsolved, not measured, not finite) are None."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

FAILED = ("timeout", "diverged", "oom", "killed", "crashed", "error")  # statuses that end a curve before its time

Quantiles = tuple[float | None, float | None, float | None]  # 10 %, median, 90 %


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
class Failure:
    """Trials of one optimizer on one problem that ended alike."""

    optimizer: str
    problem: str
    status: str
    message: str
    seeds: tuple[int, ...]
