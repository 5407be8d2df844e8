"""When a trace reaches its targets, and what was spent by then. No torch here: the parent process scores.

Deterministic problems: the first event that reaches the target; every evaluation is an event. Problems that are scored
at snapshots, and thresholds of metrics on any problem: the first of two consecutive snapshots that reach it,
interpolated over counts between that one and the one before; seconds are those at the interpolated count.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from optbench.analysis import weighted_cost
from optbench.records import COUNT_COLUMNS, COUNTED, Target, Trace, finite

Numbers = NDArray[np.float64]
_SNAPSHOT_NAMES = {"value": "f", "gradient_norm": "gradient-norm"}


class Judged(Protocol):
    """What scoring must know of a trial; its Facts and its TrialRecord both do."""

    @property
    def f0(self) -> float | None:
        """The objective at the standard start."""

    @property
    def f_reference(self) -> float | None:
        """The minimum that accuracies are measured from."""

    @property
    def scored_at_snapshots(self) -> bool:
        """Whether the event log's values are not the objective at the scored point."""

    @property
    def curve_stages(self) -> tuple[int, ...]:
        """The stages whose values in the log are the objective's."""


def value_threshold(target: str, judged: Judged) -> float | None:
    """Return the objective value at which "relative:ε" or "absolute:ε" is reached.

    None for other targets, where f* is unknown, and for a relative accuracy where the start is better than f*.
    """
    asked, f_star = Target.parse(target), judged.f_reference
    if f_star is None:
        return None
    if asked.name == "absolute":
        return f_star + asked.level * max(1.0, abs(f_star))
    if asked.name != "relative" or judged.f0 is None or judged.f0 < f_star:
        return None
    return f_star + asked.level * (judged.f0 - f_star)


def gradient_threshold(target: str) -> float | None:
    """Return the |g|∞ at which "gradient:ε" is reached; None for other targets."""
    asked = Target.parse(target)
    return asked.level if asked.name == "gradient" else None


@dataclass(frozen=True)
class Hit:
    """Where a target is reached: at `share` of the way from the row `before` to the row `after`."""

    before: int
    after: int
    share: float

    def on(self, axis: Numbers) -> float:
        """Return what was spent by then, by the cumulative column `axis`."""
        return float(axis[self.before] + self.share * (axis[self.after] - axis[self.before]))


class Rows:
    """The rows of a trace at which targets may be reached."""

    def __init__(self, trace: Trace, rows: NDArray[np.intp] | None = None) -> None:
        """Take the given rows, or all."""
        self.trace = trace
        self._rows = np.arange(len(trace)) if rows is None else rows

    def column(self, name: str) -> Numbers:
        """Return a column at the rows."""
        return np.frombuffer(self.trace[name], dtype=np.float64)[self._rows]

    @cached_property
    def evaluations(self) -> Numbers:
        """The largest of the counts so far."""
        if "evaluations" in self.trace.columns:
            return self.column("evaluations")
        counts = [self.column(name) for name in COUNT_COLUMNS if name in self.trace.columns]
        return np.max(counts, axis=0)

    @cached_property
    def seconds(self) -> Numbers:
        """The clock."""
        return self.column("seconds")

    def weighted(self, weights: Mapping[str, float]) -> Numbers:
        """Return Σ weight·count so far, over kinds of COUNTED."""
        columns = {kind: _count_column(kind) for kind in COUNTED}
        counts = {kind: self.column(name) for kind, name in columns.items() if name in self.trace.columns}
        return weighted_cost(counts, weights)


class TargetFinder:
    """Finds where one trial reaches its targets, and what it had spent by then: None where it doesn't (censored)."""

    def __init__(self, judged: Judged, events: Trace, snapshots: Trace | None, *, settled: bool = False) -> None:
        """`settled`: the trial ended by itself or at its targets, so that its last snapshot holds ever after."""
        self._judged, self._settled = judged, settled
        self._events = Rows(events)
        self._snapshots = None if snapshots is None else Rows(snapshots, _last_at_each_count(snapshots))

    def evaluations(self, target: str) -> float | None:
        """Return the evaluations at which the target is reached."""
        found = self._find(target)
        return None if found is None else found[1].on(found[0].evaluations)

    def seconds(self, target: str) -> float | None:
        """Return the clock's seconds at those evaluations."""
        found = self._find(target)
        return None if found is None else found[1].on(found[0].seconds)

    def weighted_cost(self, target: str, weights: Mapping[str, float]) -> float | None:
        """Return Σ weight·count at those evaluations."""
        found = self._find(target)
        return None if found is None else found[1].on(found[0].weighted(weights))

    def _find(self, target: str) -> tuple[Rows, Hit] | None:
        asked = Target.parse(target)
        if asked.is_metric:
            return self._at_snapshots(_metric_column(self._snapshots, asked.name), asked.level, asked.sense)
        column = "gradient_norm" if asked.name == "gradient" else "value"
        level = gradient_threshold(target) if column == "gradient_norm" else value_threshold(target, self._judged)
        if level is None:
            return None
        if self._judged.scored_at_snapshots:
            return self._at_snapshots(_SNAPSHOT_NAMES[column], level)
        values = _on_curve(self._events, column, self._judged)
        hits = np.flatnonzero(np.isfinite(values) & (values <= level))
        return (self._events, Hit(int(hits[0]), int(hits[0]), 0.0)) if hits.size else None

    def _at_snapshots(self, column: str | None, level: float, sense: str = "<=") -> tuple[Rows, Hit] | None:
        rows = self._snapshots
        if rows is None or column is None or column not in rows.trace.columns:
            return None
        values = rows.column(column)
        good = np.isfinite(values) & (values <= level if sense == "<=" else values >= level)
        lasting = np.append(good[:-1] & good[1:], good[-1:] & self._settled)
        hits = np.flatnonzero(lasting)
        return (rows, _between(values, int(hits[0]), level)) if hits.size else None


def best_value(judged: Judged, events: Trace, snapshots: Trace | None) -> float | None:
    """Return the value of the scored point: the best in the log, or the full objective at the last snapshot."""
    if judged.scored_at_snapshots:
        if snapshots is None or "f" not in snapshots.columns or not len(snapshots):
            return None
        return finite(snapshots["f"][-1])
    values = _on_curve(Rows(events), "value", judged)
    return min(values[np.isfinite(values)].tolist(), default=None)


def _on_curve(events: Rows, column: str, judged: Judged) -> Numbers:
    """Return the column with NaN where it belongs to another stage's objective."""
    return np.where(np.isin(events.column("stage"), judged.curve_stages), events.column(column), np.nan)


def _last_at_each_count(snapshots: Trace) -> NDArray[np.intp]:
    """Return the rows but those that the next one repeats: the last step may be due and final, one snapshot twice."""
    counts = np.frombuffer(snapshots["evaluations"], dtype=np.float64)
    return np.flatnonzero(np.append(np.diff(counts) > 0, [True] * min(len(counts), 1)))


def _metric_column(rows: Rows | None, name: str) -> str | None:
    """Return the metric's column by its qualified or its short name."""
    columns = () if rows is None else rows.trace.columns
    return next((column for column in columns if name in (column, column.rpartition("/")[2])), None)


def _between(values: Numbers, index: int, level: float) -> Hit:
    """Return where the values meet `level` on the straight line to row `index`, at that row where there is no line."""
    before, after = (float(values[index - 1]), float(values[index])) if index else (math.nan, math.nan)
    if not (math.isfinite(before) and math.isfinite(after)):
        return Hit(index, index, 0.0)
    return Hit(index - 1, index, (before - level) / (before - after))


def _count_column(kind: str) -> str:
    return {"examples": "examples", "steps": "step"}.get(kind, f"{kind}_count")
