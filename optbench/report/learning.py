"""Learning curves: what a suite's metrics say of the parts of the data, over examples seen and over seconds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

import numpy as np

from optbench.analysis import curve_on_grid, log_grid, lower_quantile
from optbench.records import LearningCurve, ReportModel, Trace, TrialRecord
from optbench.report.cells import rounded
from optbench.report.naming import key_of, key_of_text, place_of
from optbench.report.runs import Array, Traces

POINTS = 48
_ELSEWHERE = ("f", "gradient-norm")  # shown as gaps and by targets


def with_learning(
    model: ReportModel,
    metrics: Sequence[str],
    records: Sequence[TrialRecord],
    snapshots: Traces,
    rising: Collection[str] = (),
) -> ReportModel:
    """Return the report with learning curves of `records`, whose traces `snapshots(id)` returns.

    `metrics` are the suite's, qualified; those with a number for each layer of a model are left out. Of the metrics
    in `rising` higher is better.
    """
    names = [name.rpartition("/")[2] for name in metrics]
    shown = [name for name in names if name not in _ELSEWHERE]
    better = {name.rpartition("/")[2] for name in rising}
    curves = _curves(model, shown, records, snapshots)
    return replace(model, learning=tuple(replace(curve, rising=curve.metric in better) for curve in curves))


def _curves(
    model: ReportModel, metrics: Sequence[str], records: Sequence[TrialRecord], snapshots: Traces
) -> Iterator[LearningCurve]:
    trials: dict[tuple[str, ...], list[TrialRecord]] = defaultdict(list)
    for record in records if metrics else ():
        trials[*place_of(record.spec), key_of(record.spec.recipe)].append(record)
    for problem in model.problems:
        place = key_of_text(problem.expression), problem.device, problem.dtype
        for optimizer in model.optimizers:
            own = trials.get((*place, key_of_text(optimizer.expression)), ())
            traces = [trace for record in own if (trace := snapshots(record.id)) is not None and _has_seen(trace)]
            for metric in metrics:
                if measured := [trace for trace in traces if metric in trace.columns]:
                    yield _curve((optimizer.id, problem.id, metric), measured)


def _has_seen(trace: Trace) -> bool:
    """Tell whether examples were counted."""
    return len(trace) > 0 and trace["examples"][-1] > 0


def _curve(name: tuple[str, str, str], traces: Sequence[Trace]) -> LearningCurve:
    """Aggregate over equal numbers of examples; a run that diverged is left out from there on."""
    optimizer, problem, metric = name
    counts = [_column(trace, "examples") for trace in traces]
    first = min(float(count[count > 0][0]) for count in counts)
    grid = log_grid(first, max(float(count[-1]) for count in counts), POINTS)
    values = [_column(trace, metric) for trace in traces]
    curve = curve_on_grid(list(zip(counts, values, strict=True)), grid)
    clocks = np.array([np.interp(grid, count, _column(x, "seconds")) for count, x in zip(counts, traces, strict=True)])
    return LearningCurve(
        optimizer=optimizer,
        problem=problem,
        metric=metric,
        examples=tuple(grid.tolist()),
        seconds=tuple(rounded(lower_quantile(column)) for column in clocks.T),
        median=_shown(curve.median),
        low=_shown(curve.low),
        high=_shown(curve.high),
    )


def _column(trace: Trace, name: str) -> Array:
    return np.asarray(trace[name], dtype=float)


def _shown(values: Array) -> tuple[float | None, ...]:
    return tuple(rounded(float(value)) for value in values)
