"""What a comparison of two sets of results looks at: costs to a target, bytes, metrics."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from optbench.records import Status, TrialRecord


@dataclass(frozen=True)
class Measure:
    """What is compared: a cost or bytes by ratios, a metric by differences."""

    name: str
    of: Callable[[TrialRecord], float]  # inf: unsolved, nan: not measured
    target: str = ""
    exact: bool = True  # repeats bitwise under one seed
    higher_is_better: bool | None = None  # of a metric; None: a cost

    @property
    def is_cost(self) -> bool:
        """Whether ratios are formed, and less is better."""
        return self.higher_is_better is None


def evaluations_to(target: str) -> Measure:
    """Return the measure of evaluations until a target is reached."""
    return Measure("evaluations", lambda record: _to_target(record, record.evaluations_to_target, target), target)


def seconds_to(target: str) -> Measure:
    """Return the measure of seconds on the clock until a target is reached."""
    return Measure("seconds", lambda record: _to_target(record, record.seconds_to_target, target), target, exact=False)


def bytes_of(field: str) -> Measure:
    """Return the measure of a field of bytes of TrialRecord; what a process grew by does not repeat exactly."""

    def read(record: TrialRecord) -> float:
        value = getattr(record, field)
        return math.nan if value is None else float(value)

    return Measure(field, read, exact=not field.startswith("peak_process"))


def metric(name: str, *, higher_is_better: bool) -> Measure:
    """Return the measure of a metric at the scored point."""

    def read(record: TrialRecord) -> float:
        value = record.metrics.get(name)
        return math.nan if value is None else float(value)

    return Measure(name, read, higher_is_better=higher_is_better)


def headline_target(targets: Sequence[str], records: Sequence[TrialRecord]) -> str | None:
    """Return the strictest relative target that half of the trials reach, else the first one; None without any.

    Where a suite has no relative targets, all of its targets stand for them, in their order.
    """
    relative = [target for target in targets if target.startswith("relative:")] or list(targets)
    ran = [record for record in records if record.status is not Status.SKIPPED]
    reached = {
        target: sum(record.evaluations_to_target.get(target) is not None for record in ran) for target in relative
    }
    usual = [target for target in relative if 2 * reached[target] >= len(ran) > 0]
    return usual[-1] if usual else next(iter(relative), None)


def _to_target(record: TrialRecord, reached: Mapping[str, float | None], target: str) -> float:
    if target in reached:
        value = reached[target]
        return math.inf if value is None else float(value)
    return math.inf if record.status in {Status.ERROR, Status.CRASHED, Status.OOM, Status.KILLED} else math.nan
