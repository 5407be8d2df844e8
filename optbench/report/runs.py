"""One trial as a curve: what it had spent, and the gap that it had reached."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optbench.analysis import best_so_far, lower_quantile, weighted_cost
from optbench.measure.reliability import kinds
from optbench.measure.targets import Rows
from optbench.records import COST, COUNTED, FLOPS, MEASURES, Status, Trace, TrialRecord

Array = NDArray[np.float64]
Traces = Callable[[str], Trace | None]

GAP_FLOOR = 1e-16  # smaller gaps are rounding; a logarithmic axis needs some floor
_COST_FLOORS = {"evaluations": 1.0, "gradients": 1.0, "seconds": 1e-6, FLOPS: 1.0}  # likewise
REFERENCES = {
    "exact": "exact minimum",
    "bound": "lower bound",
    "best known": "best value known",
    "": "minimum stated by the problem",
}
BEST_IN_SET = "best in this set"


@dataclass(frozen=True)
class Axes:
    """The measures of a report: "flops" where trials know their model FLOPs, "cost" where a suite has `weights`."""

    weights: Mapping[str, float]
    flops: bool = False

    @property
    def measures(self) -> tuple[str, ...]:
        """Their names."""
        return (*MEASURES, *([FLOPS] if self.flops else ()), *([COST] if self.weights else ()))

    def floor(self, measure: str) -> float:
        """Return the least cost that is told apart, since a logarithmic axis needs one."""
        return min(filter(None, self.weights.values())) if measure == COST else _COST_FLOORS[measure]

    def total(self, record: TrialRecord) -> float | None:
        """Return the weighted cost of a whole trial; None where nothing was counted."""
        if not (self.weights and record.counts):
            return None
        return float(weighted_cost({kind: record.counts.get(kind, 0) for kind in COUNTED}, self.weights))

    def column(self, trace: Trace, measure: str) -> Array:
        """Return what had been spent at each row; nan where that is not known."""
        rows = Rows(trace)
        if measure == FLOPS:
            spent = rows.column(FLOPS) if FLOPS in trace.columns else np.zeros(len(trace))
            return spent if spent.any() else np.full(len(trace), np.nan)
        if measure == COST:
            return rows.weighted(self.weights)
        if measure == "gradients":
            return rows.column("gradient_count")
        return rows.seconds if measure == "seconds" else rows.evaluations


@dataclass(frozen=True)
class Run:
    """A trial's record and its curve; `values` is the objective, empty where no trace was kept."""

    record: TrialRecord
    axes: Axes
    costs: Mapping[str, Array]  # measure -> spent at each row
    values: Array
    complete: bool = True
    stages: tuple[Mapping[str, float], ...] = ()  # what had been spent when each stage after the first began

    @property
    def end(self) -> float:
        """Evaluations at the curve's end: a deterministic one ends with its last improvement."""
        return float(self.costs["evaluations"][-1]) if self.values.size else 0.0

    def spent(self, measure: str) -> float:
        """Return what the whole trial spent; nan where that is not known."""
        record = self.record
        whole: dict[str, float | None] = {
            "evaluations": record.evaluations,
            "gradients": record.counts.get("gradient"),
            "seconds": record.seconds,
            FLOPS: record.cost,
            COST: self.axes.total(record),
        }
        total = whole[measure]
        if total is not None:
            return max(float(total), self.axes.floor(measure))
        return float(self.costs[measure][-1]) if self.values.size else math.nan


@dataclass(frozen=True)
class Reference:
    """What a problem's gaps are measured from; a record's own f0 and f* come first: a seed may change them."""

    f0: float | None
    f_star: float | None
    source: str
    shared: bool = False  # whether all gaps are measured from `f0`, since it is what differs between arms

    @property
    def known(self) -> bool:
        """Whether the trials' own costs to targets hold: the problem states its minimum, and each has its own start."""
        return self.source != BEST_IN_SET and not self.shared

    def gaps(self, run: Run) -> Array:
        """Return (f − f*)/(f0 − f*) at each row, at least GAP_FLOOR; empty where it isn't defined."""
        start = self.f0 if self.shared or run.record.f0 is None else run.record.f0
        own = stated_minimum(run.record)
        f_star = self.f_star if own is None else own
        if start is None or f_star is None or not start > f_star:
            return np.empty(0)
        with np.errstate(invalid="ignore", over="ignore"):
            return np.maximum((run.values - f_star) / (start - f_star), GAP_FLOOR)


def load_run(record: TrialRecord, events: Traces, snapshots: Traces, axes: Axes) -> Run:
    """Return the curve of a trial: the best value so far, or where that is not what is scored, the value at snapshots.

    Values of a stage with another objective are left out.
    """
    at_snapshots = record.scored_at_snapshots
    if record.status is Status.SKIPPED:
        return _empty(record, axes)
    trace = snapshots(record.id) if at_snapshots else events(record.id)
    column = "f" if at_snapshots else "value"
    if trace is None or not len(trace) or column not in trace.columns:
        return _empty(record, axes)
    values = np.asarray(trace[column], dtype=float)
    values = np.where(np.isin(trace["stage"], record.curve_stages), values, np.nan)
    rows = np.flatnonzero(~np.isnan(values)) if at_snapshots else _improvements(values)
    costs = {measure: axes.column(trace, measure)[rows] for measure in axes.measures}
    values = values[rows] if at_snapshots else best_so_far(values)[rows]
    return Run(record, axes, costs, values, trace.complete, _stages(trace, axes))


def _stages(trace: Trace, axes: Axes) -> tuple[Mapping[str, float], ...]:
    """Return what had been spent by the last row before each later stage."""
    begins = np.flatnonzero(np.diff(np.asarray(trace["stage"]))) + 1
    if not begins.size:
        return ()
    spent = {measure: axes.column(trace, measure) for measure in axes.measures}
    return tuple({measure: float(costs[row - 1]) for measure, costs in spent.items()} for row in begins)


def reference(records: Sequence[TrialRecord], runs: Sequence[Run]) -> Reference:
    """Return where the gaps of these trials of one problem are measured from."""
    f0 = _median(record.f0 for record in records)
    if any(record.f_star_from_start is not None for record in records):
        return Reference(f0, _median(map(stated_minimum, records)), "where descent from the standard start ends")
    source = next((record.f_star_source for record in records if record.f_star is not None), None)
    if source is not None:
        return Reference(f0, _median(map(stated_minimum, records)), REFERENCES.get(source, source))
    found = [value for run in runs for value in (*run.values, run.record.f_best) if value is not None]
    finite = [float(value) for value in found if math.isfinite(value)]
    return Reference(f0, min(finite, default=None), BEST_IN_SET)


def time_doubts(record: TrialRecord) -> set[str]:
    """Return the kinds of reasons ("load", "drift", …) why the trial's times are not to be believed."""
    return kinds(record.unreliable) - {"metrics"}


def stated_minimum(record: TrialRecord) -> float | None:
    """Return the minimum that the problem states for this trial."""
    return record.f_star if record.f_star_from_start is None else record.f_star_from_start


def costs_to_target(run: Run, gaps: Array, target: float, name: str, known: bool) -> dict[str, float]:
    """Return by measure what the run had spent when its gap fell to `target`; inf where it never did.

    Where the minimum is known, the trial's own scoring decides (`name` is its key, such as "relative:1e-05").
    """
    record = run.record
    if known and name in record.evaluations_to_target:
        evaluations = record.evaluations_to_target[name]
        if evaluations is None:
            return dict.fromkeys(run.costs, math.inf)
        found = {measure: _at_count(run, measure, evaluations) for measure in run.costs} | _scored(record, name)
    else:
        reached = np.flatnonzero(gaps <= target)
        if not reached.size:
            return dict.fromkeys(run.costs, math.inf)
        found = {measure: float(costs[reached[0]]) for measure, costs in run.costs.items()}
    return {measure: max(cost, run.axes.floor(measure)) for measure, cost in found.items()}


def _scored(record: TrialRecord, name: str) -> dict[str, float]:
    """Return what the trial's own scoring says of the costs to a target."""
    weighted = record.weighted_cost_to_target or {}
    own = {
        "evaluations": record.evaluations_to_target[name],
        "seconds": record.seconds_to_target.get(name),
        COST: weighted.get(name),
    }
    return {measure: cost for measure, cost in own.items() if cost is not None}


def _at_count(run: Run, measure: str, evaluations: float) -> float:
    """Return the cost at a count of evaluations: between snapshots interpolated, else at the event that reached it."""
    counts, costs = run.costs["evaluations"], run.costs[measure]
    if not counts.size:
        return math.nan
    if run.record.scored_at_snapshots:
        return float(np.interp(evaluations, counts, costs))
    row = int(np.searchsorted(counts, evaluations * (1 - 1e-12)))
    return float(costs[min(row, counts.size - 1)])


def _improvements(values: Array) -> NDArray[np.intp]:
    """Return the rows that improve on all before them, and the last: a log of a million events becomes short."""
    best = best_so_far(values)
    before = np.concatenate([[np.inf], best[:-1]])
    before[np.isnan(before)] = np.inf
    keep = best < before
    keep[-1] = not np.isnan(best[-1])
    return np.flatnonzero(keep)


def _empty(record: TrialRecord, axes: Axes) -> Run:
    return Run(record, axes, {measure: np.empty(0) for measure in axes.measures}, np.empty(0))


def _median(values: Any) -> float | None:
    found = [value for value in values if value is not None]
    return lower_quantile(found) if found else None
