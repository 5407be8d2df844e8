"""What a suite asks of a trial's traces: its targets, and costs by the weights that it declares."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from optbench.analysis import weighted_cost
from optbench.measure.targets import TargetFinder, best_value
from optbench.records import COUNTED, EVENT_COLUMNS, Facts, Status, Trace, TrialRecord

_SETTLED = (Status.OK, Status.TARGET)  # it would stay where it ended


@dataclass(frozen=True)
class Asked:
    """What to score. Without weights, no weighted cost."""

    targets: tuple[str, ...] = ()
    weights: Mapping[str, float] = field(default_factory=dict)

    def of(self, record: TrialRecord) -> tuple[str, ...]:
        """Return the targets of a trial: the suite's and those that end it."""
        return tuple(dict.fromkeys((*self.targets, *record.spec.budget.targets)))

    def lacks(self, record: TrialRecord) -> bool:
        """Tell whether a stored record has not all of this."""
        return bool(self.weights) or not set(self.of(record)) <= set(record.evaluations_to_target)


def with_facts(record: TrialRecord, facts: Facts | None) -> TrialRecord:
    """Return the record with what its trace must be read by."""
    if facts is None:
        return record
    return replace(record, scored_at_snapshots=facts.scored_at_snapshots)


def scored(record: TrialRecord, events: Trace, snapshots: Trace | None, asked: Asked) -> TrialRecord:
    """Return the record with its value and what it took to each target: None where it was not reached (censored)."""
    targets = asked.of(record)
    finder = TargetFinder(record, events, snapshots, settled=record.status in _SETTLED)
    return replace(
        record,
        f_best=best_value(record, events, snapshots),
        evaluations_to_target={target: finder.evaluations(target) for target in targets},
        seconds_to_target={target: finder.seconds(target) for target in targets},
        **_weighted(record, finder, targets, asked.weights),
    )


def _no_trace(_: str) -> None:
    return None


def rescored(record: TrialRecord, asked: Asked, read: Callable[[str], Trace | None] = _no_trace) -> TrialRecord:
    """Return a record with what is asked here and was not when it was measured, or of a trial that never ran.

    `read` returns its trace of a name ("events", "snapshots"), None where there is none.
    """
    if not asked.lacks(record):
        return record
    events = read("events") or Trace.from_rows(EVENT_COLUMNS, b"", 0)
    return replace(scored(record, events, read("snapshots"), asked), f_best=record.f_best)


def _weighted(
    record: TrialRecord, finder: TargetFinder, targets: Iterable[str], weights: Mapping[str, float]
) -> dict[str, Any]:
    if not weights:
        return {"weighted_cost": None, "weighted_cost_to_target": None}
    counts = {kind: record.counts.get(kind, 0) for kind in COUNTED}
    total = float(weighted_cost(counts, weights)) if record.counts else None
    to_target = {target: finder.weighted_cost(target, weights) for target in targets}
    return {"weighted_cost": total, "weighted_cost_to_target": to_target}
