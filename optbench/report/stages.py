"""What the stages of recipes cost and came to, and two results where something comes before the task."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from optbench.analysis import lower_quantile
from optbench.records import (
    EVALUATED,
    Account,
    ReportModel,
    StageCell,
    Trace,
    TrialRecord,
    TwoResults,
    account,
)
from optbench.report.naming import Parts, key_of, key_of_text, place_of
from optbench.report.runs import Traces

AXES = ("flops", "examples", "evaluations")  # of costs that are compared, the first that is known
_COSTS = ("evaluations", "examples", "flops", "seconds")
_PREFERRED = "test-accuracy"
_NOT_SCORES = ("f", "gradient-norm")


@dataclass(frozen=True)
class _Arm:
    """An optimizer's trials on a problem."""

    optimizer: str
    problem: str
    parts: Parts
    records: tuple[TrialRecord, ...]

    @property
    def has_prior(self) -> bool:
        """Whether something comes before the task."""
        return any(stage.prior for record in self.records for stage in record.stages)


def with_stages(
    model: ReportModel, metrics: Sequence[str], records: Sequence[TrialRecord], snapshots: Traces
) -> ReportModel:
    """Return the report with the stages of recipes that have several, and with both results where a teacher is first.

    Args:
        model: to be completed.
        metrics: the suite's, qualified; the first one that is of data is the score of two results, else f.
        records: of all trials.
        snapshots: returns the trace of a trial by its id.
    """
    arms = list(_arms(model, records))
    stages = tuple(cell for arm in arms for cell in _stages(arm))
    names = [name.rpartition("/")[2] for name in metrics]
    of_data = [name for name in names if name not in _NOT_SCORES]
    metric = _PREFERRED if _PREFERRED in of_data else next(iter(of_data), "f")
    two = tuple(_two_results(arm, arms, metric, snapshots) for arm in arms if arm.has_prior)
    return replace(model, stages=stages, two_results=two)


def _arms(model: ReportModel, records: Sequence[TrialRecord]) -> Iterator[_Arm]:
    trials: dict[tuple[str, ...], list[TrialRecord]] = defaultdict(list)
    for record in records:
        if record.stages:
            trials[*place_of(record.spec), key_of(record.spec.recipe)].append(record)
    for problem in model.problems:
        place = key_of_text(problem.expression), problem.device, problem.dtype
        for optimizer in model.optimizers:
            if own := trials.get((*place, key_of_text(optimizer.expression))):
                yield _Arm(optimizer.id, problem.id, own[0].spec.recipe, tuple(own))


def _stages(arm: _Arm) -> Iterator[StageCell]:
    longest = max((record.stages for record in arm.records), key=len)
    for index, stage in enumerate(longest if len(longest) > 1 else ()):
        came = [record.stages for record in arm.records if len(record.stages) > index]
        spent = [account((stages[index],), EVALUATED) for stages in came]
        before = [account(stages[:index], EVALUATED) for stages in came]
        yield StageCell(
            optimizer=arm.optimizer,
            problem=arm.problem,
            name=stage.name,
            on_curve=stage.on_curve,
            prior=stage.prior,
            trials=len(came),
            evaluations=_known(_cost(spent, "evaluations")),
            examples=_known(_cost(spent, "examples")),
            flops=_cost(spent, "flops"),
            seconds=_cost(spent, "seconds"),
            value=_median(stages[index].value for stages in came),
            begins={name: _cost(before, name) for name in _COSTS},
        )


def _two_results(arm: _Arm, arms: Sequence[_Arm], metric: str, snapshots: Traces) -> TwoResults:
    tasks = [own for record in arm.records if (own := record.target_task) is not None]
    totals = [account(record.stages, EVALUATED) for record in arm.records]
    axis = next((name for name in AXES if _cost(totals, name)), AXES[-1])
    task, total = _cost(tasks, axis), _cost(totals, axis)
    found = TwoResults(
        optimizer=arm.optimizer,
        problem=arm.problem,
        metric=metric,
        score=_median(_score(record, metric) for record in arm.records),
        axis=axis,
        task=task,
        total=total,
        task_seconds=_cost(tasks, "seconds"),
        total_seconds=_cost(totals, "seconds"),
    )
    baseline = _baseline(arm, arms)
    if baseline is None:
        return found
    traces = [trace for record in baseline.records if (trace := snapshots(record.id)) is not None]
    at_task, at_total = (_median(_read(trace, metric, axis, cost) for trace in traces) for cost in (task, total))
    return replace(found, baseline=baseline.optimizer, baseline_at_task=at_task, baseline_at_total=at_total)


def _baseline(arm: _Arm, arms: Sequence[_Arm]) -> _Arm | None:
    """Return the trials of the same recipe less one meta-algorithm, with nothing before the task."""
    less = {key_of((*arm.parts[:index], *arm.parts[index + 1 :])) for index in range(1, len(arm.parts))}
    found = (other for other in arms if other.problem == arm.problem and key_of(other.parts) in less)
    return next((other for other in found if not other.has_prior), None)


def _score(record: TrialRecord, metric: str) -> float | None:
    if metric == "f":
        return record.f_best
    return next((value for name, value in record.metrics.items() if name.rpartition("/")[2] == metric), None)


def _read(trace: Trace, metric: str, axis: str, cost: float | None) -> float | None:
    """Return the metric at the last snapshot that had cost no more; None where there is none."""
    column = next((name for name in trace.columns if name.rpartition("/")[2] == metric), None)
    if column is None or cost is None or axis not in trace.columns:
        return None
    values = np.asarray(trace[column], dtype=float)
    spent = np.where(np.isfinite(values), np.asarray(trace[axis], dtype=float), np.inf)
    rows = np.flatnonzero(spent <= cost)
    return float(values[rows[-1]]) if rows.size else None


def _cost(accounts: Sequence[Account], name: str) -> float | None:
    return _median(getattr(spent, name) for spent in accounts)


def _median(values: Iterator[float | None]) -> float | None:
    known = [float(value) for value in values if value is not None and math.isfinite(value)]
    return lower_quantile(known) if known else None


def _known(value: float | None) -> float:
    return value or 0.0
