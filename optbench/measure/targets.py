"""Targets: their thresholds, and when a trace reaches them. No torch here: the parent process scores."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from optbench.records import COUNT_COLUMNS, Facts, Trace

Numbers = NDArray[np.float64]


def value_threshold(target: str, facts: Facts) -> float | None:
    """Return the objective value at which "relative:ε" or "absolute:ε" is reached; None where f* is unknown."""
    kind, _, size = target.partition(":")
    f_star = facts.f_reference
    if kind == "gradient" or f_star is None:
        return None
    if kind == "absolute":
        return f_star + float(size) * max(1.0, abs(f_star))
    return None if facts.f0 is None else f_star + float(size) * (facts.f0 - f_star)


def gradient_threshold(target: str) -> float | None:
    """Return the |g|∞ at which "gradient:ε" is reached."""
    kind, _, size = target.partition(":")
    return float(size) if kind == "gradient" else None


def costs_to_targets(
    targets: Iterable[str], facts: Facts, events: Trace, snapshots: Trace | None
) -> tuple[dict[str, float | None], dict[str, float | None]]:
    """Return evaluations and seconds to each target; None where it is not reached (censored) or can't be told.

    Deterministic problems: the first event that reaches it. Problems scored at snapshots: the full objective there,
    interpolated between snapshots, two consecutive hits.
    """
    if facts.scored_at_snapshots:
        points = _snapshot_points(snapshots) if snapshots is not None and "f" in snapshots.columns else None
        find = _interpolated
    else:
        points, find = _event_points(events, facts), _first
    evaluations: dict[str, float | None] = {}
    seconds: dict[str, float | None] = {}
    for target in targets:
        column, level = (
            ("gradient_norm", gradient_threshold(target)) if target.startswith("gradient") else ("value", None)
        )
        level = value_threshold(target, facts) if column == "value" else level
        hit = None if points is None or level is None or column not in points else find(points, column, level)
        evaluations[target], seconds[target] = (None, None) if hit is None else hit
    return evaluations, seconds


def _event_points(events: Trace, facts: Facts) -> dict[str, Numbers]:
    """Return the columns that targets are looked up in; values of other objectives never reach one."""
    counts = np.stack([_column(events, name) for name in COUNT_COLUMNS if name in events.columns])
    points = {name: _column(events, name) for name in ("value", "gradient_norm", "seconds")}
    on_curve = np.isin(_column(events, "stage"), facts.curve_stages)
    for name in ("value", "gradient_norm"):
        points[name] = np.where(on_curve, points[name], np.nan)
    return {**points, "evaluations": counts.max(axis=0) if len(events) else counts[0]}


def _snapshot_points(snapshots: Trace) -> dict[str, Numbers]:
    names = {"f": "value", "gradient-norm": "gradient_norm", "seconds": "seconds", "evaluations": "evaluations"}
    return {new: _column(snapshots, old) for old, new in names.items() if old in snapshots.columns}


def _column(trace: Trace, name: str) -> Numbers:
    return np.frombuffer(trace[name], dtype=np.float64)


def _first(points: Mapping[str, Numbers], column: str, level: float) -> tuple[float, float] | None:
    hits = np.flatnonzero(points[column] <= level)
    return None if hits.size == 0 else (float(points["evaluations"][hits[0]]), float(points["seconds"][hits[0]]))


def _interpolated(points: Mapping[str, Numbers], column: str, level: float) -> tuple[float, float] | None:
    values = points[column]
    below = values <= level
    both = below[:-1] & below[1:]
    # The last snapshot has no successor: it counts if the run ended there.
    hits = np.flatnonzero(np.append(both, below[-1:]))
    if hits.size == 0:
        return None
    index = int(hits[0])
    if index == 0:
        return float(points["evaluations"][0]), float(points["seconds"][0])
    return tuple(_between(points[axis], values, index, level) for axis in ("evaluations", "seconds"))  # type: ignore[return-value]


def _between(axis: Numbers, values: Numbers, index: int, level: float) -> float:
    before, after = values[index - 1], values[index]
    share = (before - level) / (before - after) if math.isfinite(before) and before > after else 1.0
    return float(axis[index - 1] + share * (axis[index] - axis[index - 1]))


def best_value(facts: Facts, events: Trace, snapshots: Trace | None) -> float | None:
    """Return the value of the scored point: the best in the log, or the full objective at the last snapshot."""
    values: Sequence[float]
    if facts.scored_at_snapshots:
        if snapshots is None or "f" not in snapshots.columns or not len(snapshots):
            return None
        values = [snapshots["f"][-1]]
    else:
        values = _event_points(events, facts)["value"].tolist()
    finite = [value for value in values if math.isfinite(value)]
    return min(finite) if finite else None
