"""An optimizer on a problem: costs to targets, medians and the curve over its seeds."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from optbench.analysis import curve_on_grid, lower_quantile
from optbench.records import FAILED, MEASURES, Cell, Failure, Quantiles, ReportCurve, Status, finite
from optbench.report.runs import COST_FLOOR, Array, Reference, Run, costs_to_target

SHARES = (0.1, 0.5, 0.9)
MESSAGE_LENGTH = 400


@dataclass(frozen=True)
class Place:
    """Where a cell stands, and what it is judged by."""

    optimizer: str
    problem: str
    reference: Reference
    targets: Mapping[float, str]  # relative gap -> the records' key for it


def rounded(value: float | None) -> float | None:
    """Return `value` with four significant digits, None where it is no number."""
    value = finite(value)
    return None if value is None else float(f"{value:.4g}")


def build_cell(place: Place, runs: Sequence[Run]) -> Cell:
    """Aggregate the runs of one optimizer on one problem."""
    seeds = _by_seed(runs)
    costs = {target: _seed_costs(place, seeds, target) for target in place.targets}
    records = [run.record for run in runs if run.record.status is not Status.SKIPPED]
    gaps = [gaps[-1] for run in runs if (gaps := place.reference.gaps(run)).size]
    names = dict.fromkeys(name for record in records for name in record.metrics)
    return Cell(
        optimizer=place.optimizer,
        problem=place.problem,
        seeds=len(seeds),
        hits=tuple(int(np.isfinite(rows["evaluations"]).sum()) for rows in costs.values()),
        costs={measure: tuple(_quantiles(rows[measure]) for rows in costs.values()) for measure in MEASURES},
        statuses=dict(Counter(str(run.record.status) for run in runs)),
        gap=_median(gaps),
        value=_median(record.f_best for record in records),
        evaluations=_median(record.evaluations for record in records),
        seconds=_median(record.seconds for record in records),
        state_bytes=_whole(record.state_bytes for record in records),
        peak_live_bytes=_whole(record.peak_live_bytes for record in records),
        peak_process_bytes=_whole(record.peak_process_bytes for record in records),
        metrics={name: _median(record.metrics.get(name) for record in records) for name in names},
    )


def build_curve(place: Place, runs: Sequence[Run], grid: Array) -> ReportCurve | None:
    """Return the curve over seeds on `grid`, up to where the longest run ends; None where no run has one."""
    drawn = [(run, place.reference.gaps(run)) for run in _one_a_seed(runs)]
    drawn = [(run, gaps) for run, gaps in drawn if gaps.size]
    if not drawn:
        return None
    last = max(run.spent for run, _ in drawn)
    first = min(float(run.costs["evaluations"][0]) for run, _ in drawn)
    begin, end = np.searchsorted(grid, first), np.searchsorted(grid, last) + 1
    points = grid[begin : max(end, begin + 1)]
    curve = curve_on_grid([(run.costs["evaluations"], gaps) for run, gaps in drawn], points)
    return ReportCurve(
        optimizer=place.optimizer,
        problem=place.problem,
        costs={measure: _costs_on([run for run, _ in drawn], measure, points) for measure in MEASURES},
        median=_series(curve.median),
        low=_series(curve.low),
        high=_series(curve.high),
        ends=tuple(_end(run, gaps) for run, gaps in drawn if run.record.status in FAILED),
    )


def build_failures(place: Place, runs: Sequence[Run]) -> list[Failure]:
    """Return how trials failed or why they were skipped, alike ones together."""
    alike: dict[tuple[str, str], list[int]] = defaultdict(list)
    for run in runs:
        record = run.record
        if record.status in FAILED or record.status is Status.SKIPPED:
            message = (record.message or record.reason)[:MESSAGE_LENGTH]
            alike[str(record.status), message].append(record.spec.seed)
    return [
        Failure(
            optimizer=place.optimizer,
            problem=place.problem,
            status=status,
            message=message,
            seeds=tuple(dict.fromkeys(seeds)),
        )
        for (status, message), seeds in alike.items()
    ]


def _by_seed(runs: Sequence[Run]) -> list[list[Run]]:
    """Group the repetitions of each seed; skipped trials never ran and don't count."""
    seeds: dict[int, list[Run]] = defaultdict(list)
    for run in runs:
        if run.record.status is not Status.SKIPPED:
            seeds[run.record.spec.seed].append(run)
    return list(seeds.values())


def _one_a_seed(runs: Sequence[Run]) -> list[Run]:
    return [min(group, key=lambda run: run.record.spec.repetition) for group in _by_seed(runs)]


def _seed_costs(place: Place, seeds: Sequence[Sequence[Run]], target: float) -> dict[str, list[float]]:
    """Return by measure the cost of each seed, the median of its repetitions."""
    known, name = place.reference.known, place.targets[target]
    rows = [
        [costs_to_target(run, place.reference.gaps(run), target, name, known) for run in repetitions]
        for repetitions in seeds
    ]
    return {measure: [lower_quantile([row[measure] for row in seed]) for seed in rows] for measure in MEASURES}


def _quantiles(costs: Sequence[float]) -> Quantiles:
    low, median, high = (rounded(lower_quantile(costs, share)) for share in SHARES)
    return low, median, high


def _costs_on(runs: Sequence[Run], measure: str, grid: Array) -> tuple[float | None, ...]:
    """Return the median cost at each count of `grid`: curves are aggregated over counts, never over time."""
    if measure == "evaluations":
        return _series(grid)
    rows = [np.interp(grid, run.costs["evaluations"], run.costs[measure]) for run in runs]
    return _series(np.maximum(np.median(rows, axis=0), COST_FLOOR[measure]))


def _end(run: Run, gaps: Array) -> tuple[float | None, ...]:
    costs = [max(float(run.costs[measure][-1]), COST_FLOOR[measure]) for measure in MEASURES]
    return tuple(rounded(value) for value in (*costs, float(gaps[-1])))


def _series(values: Array) -> tuple[float | None, ...]:
    return tuple(rounded(float(value)) for value in values)


def _median(values: Iterable[float | None]) -> float | None:
    found = [value for value in values if value is not None]
    return rounded(lower_quantile(found)) if found else None


def _whole(values: Iterable[int | None]) -> int | None:
    found = [value for value in values if value is not None]
    return int(lower_quantile(found)) if found else None
