"""What an arm's task took alone, where a teacher or another task came before it, and its baseline at that budget."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from optbench.analysis import lower_quantile
from optbench.records import SNAPSHOT_COLUMNS, Trace, TrialRecord, finite
from optbench.report.runs import Traces

Trials = Mapping[int, Sequence[TrialRecord]]  # by seed
_ROUNDING = 1e-9


def for_the_task_alone(present: Trials, absent: Trials, snapshots: Traces) -> tuple[Trials, Trials] | None:
    """Return both arms at equal cost of the task; None where the first has nothing before its task.

    The first arm's costs, those to targets too, leave out what came before. What the second comes to is read off its
    snapshots where it had spent as many model FLOPs as the first spent on the task, the median of the seed's trials;
    seeds without such a snapshot are left out.
    """
    costs = {seed: _flops_of(records) for seed, records in present.items()}
    known = {seed: cost for seed, cost in costs.items() if cost is not None}
    if not known:
        return None
    cut = {seed: [_cut(record, known[seed], snapshots) for record in absent.get(seed, ())] for seed in known}
    found = {seed: [record for record in records if record is not None] for seed, records in cut.items()}
    return {seed: [_own(record) for record in present[seed]] for seed in known}, {
        seed: records for seed, records in found.items() if records
    }


def _flops_of(records: Sequence[TrialRecord]) -> float | None:
    """Return what the task alone cost."""
    tasks = [record.target_task for record in records]
    costs = [task.flops for task in tasks if task is not None and task.flops is not None]
    return lower_quantile(costs) if costs else None


def _own(record: TrialRecord) -> TrialRecord:
    """Return the record with the costs of its task."""
    task = record.target_task
    if task is None:
        return record
    before = (record.evaluations or 0) - task.evaluations
    reached = {target: None if cost is None else cost - before for target, cost in record.evaluations_to_target.items()}
    return replace(record, evaluations_to_target=reached, seconds=task.seconds, cost=task.flops)


def _cut(record: TrialRecord, flops: float, snapshots: Traces) -> TrialRecord | None:
    """Return the record as it stood at the last snapshot within so many FLOPs; None where there is none."""
    trace = snapshots(record.id)
    if trace is None or "flops" not in trace.columns:
        return None
    within = np.flatnonzero(np.asarray(trace["flops"]) <= flops * (1 + _ROUNDING))
    return _at(record, trace, int(within[-1])) if within.size else None


def _at(record: TrialRecord, trace: Trace, row: int) -> TrialRecord:
    measured = {name: finite(float(trace[name][row])) for name in trace.columns if name not in SNAPSHOT_COLUMNS}
    return replace(
        record,
        metrics=measured,
        f_best=measured.get("f"),
        seconds=float(trace["seconds"][row]),
        cost=float(trace["flops"][row]),
    )
