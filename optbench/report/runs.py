"""One trial as a curve: what it had spent, and the gap that it had reached."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optbench.analysis import best_so_far, lower_quantile
from optbench.records import COUNT_COLUMNS, MEASURES, Status, Trace, TrialRecord

Array = NDArray[np.float64]
Traces = Callable[[str], Trace | None]

GAP_FLOOR = 1e-16  # smaller gaps are rounding; a logarithmic axis needs some floor
COST_FLOOR = {"evaluations": 1.0, "gradients": 1.0, "seconds": 1e-6}  # likewise
REFERENCES = {
    "exact": "exact minimum",
    "bound": "lower bound",
    "best known": "best value known",
    "": "minimum stated by the problem",
}
BEST_IN_SET = "best in this set"


@dataclass(frozen=True)
class Run:
    """A trial's record and its curve; `values` is the objective, empty where no trace was kept."""

    record: TrialRecord
    costs: Mapping[str, Array]  # measure -> spent at each row
    values: Array
    complete: bool = True

    @property
    def spent(self) -> float:
        """Evaluations at the curve's end."""
        return float(self.costs["evaluations"][-1]) if self.values.size else 0.0


@dataclass(frozen=True)
class Reference:
    """What a problem's gaps are measured from; a record's own f0 and f* come first: a seed may change them."""

    f0: float | None
    f_star: float | None
    source: str

    @property
    def known(self) -> bool:
        """Whether the problem states its minimum, so that the trials' own costs to targets hold."""
        return self.source != BEST_IN_SET

    def gaps(self, run: Run) -> Array:
        """Return (f − f*)/(f0 − f*) at each row, at least GAP_FLOOR; empty where it isn't defined."""
        start = self.f0 if run.record.f0 is None else run.record.f0
        own = stated_minimum(run.record)
        f_star = self.f_star if own is None else own
        if start is None or f_star is None or not start > f_star:
            return np.empty(0)
        with np.errstate(invalid="ignore", over="ignore"):
            return np.maximum((run.values - f_star) / (start - f_star), GAP_FLOOR)


def load_run(record: TrialRecord, events: Traces, snapshots: Traces) -> Run:
    """Return the curve of a trial: the best value so far, or on minibatches the last iterate's value at snapshots."""
    if record.status is Status.SKIPPED:
        return _empty(record)
    trace = events(record.id) if record.batch_size is None else snapshots(record.id)
    column = "value" if record.batch_size is None else "f"
    if trace is None or not len(trace) or column not in trace.columns:
        return _empty(record)
    values = np.asarray(trace[column], dtype=float)
    rows = _improvements(values) if record.batch_size is None else np.flatnonzero(~np.isnan(values))
    costs = {measure: _cost(trace, measure)[rows] for measure in MEASURES}
    values = best_so_far(values)[rows] if record.batch_size is None else values[rows]
    return Run(record, costs, values, trace.complete)


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
            return dict.fromkeys(MEASURES, math.inf)
        row = int(np.searchsorted(run.costs["evaluations"], evaluations * (1 - 1e-12)))
        found = _costs_at(run, row) | {"evaluations": evaluations}
        seconds = record.seconds_to_target.get(name)
        found |= {"seconds": seconds} if seconds is not None else {}
    else:
        reached = np.flatnonzero(gaps <= target)
        if not reached.size:
            return dict.fromkeys(MEASURES, math.inf)
        found = _costs_at(run, int(reached[0]))
    return {measure: max(found[measure], COST_FLOOR[measure]) for measure in MEASURES}


def _costs_at(run: Run, row: int) -> dict[str, float]:
    if not run.values.size:
        return dict.fromkeys(MEASURES, math.nan)
    row = min(row, run.values.size - 1)
    return {measure: float(run.costs[measure][row]) for measure in MEASURES}


def _cost(trace: Trace, measure: str) -> Array:
    if measure == "seconds":
        return np.asarray(trace["seconds"], dtype=float)
    if measure == "gradients":
        return np.asarray(trace["gradient_count"], dtype=float)
    if "evaluations" in trace.columns:
        return np.asarray(trace["evaluations"], dtype=float)
    counts: Array = np.max([trace[name] for name in COUNT_COLUMNS if name in trace.columns], axis=0)
    return counts


def _improvements(values: Array) -> NDArray[np.intp]:
    """Return the rows that improve on all before them, and the last: a log of a million events becomes short."""
    best = best_so_far(values)
    before = np.concatenate([[np.inf], best[:-1]])
    before[np.isnan(before)] = np.inf
    keep = best < before
    keep[-1] = not np.isnan(best[-1])
    return np.flatnonzero(keep)


def _empty(record: TrialRecord) -> Run:
    return Run(record, {measure: np.empty(0) for measure in MEASURES}, np.empty(0))


def _median(values: Any) -> float | None:
    found = [value for value in values if value is not None]
    return lower_quantile(found) if found else None
