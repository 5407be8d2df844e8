"""An optimizer on a problem: costs to targets, medians and the curve over its seeds."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from optbench.analysis import curve_on_grid, expected_running_time, lower_quantile
from optbench.records import (
    FAILED,
    Cell,
    Failure,
    Quantiles,
    ReportCurve,
    SeedCurve,
    Status,
    Threshold,
    TrialRecord,
    finite,
    pack,
)
from optbench.report.runs import Array, Axes, Reference, Run, costs_to_target, time_doubts

SeedCosts = Mapping[str, Sequence[Mapping[int, float]]]  # measure -> per target: seed -> cost
SHARES = (0.1, 0.5, 0.9)
MESSAGE_LENGTH = 400
SEED_POINTS = 32  # of a single seed's curve


@dataclass(frozen=True)
class Place:
    """Where a cell stands, and what it is judged by."""

    optimizer: str
    problem: str
    reference: Reference
    targets: Mapping[float, str]  # relative gap -> the records' key for it
    axes: Axes
    thresholds: tuple[str, ...] = ()  # of metrics


def rounded(value: float | None) -> float | None:
    """Return `value` with four significant digits, None where it is no number."""
    value = finite(value)
    return None if value is None else float(f"{value:.4g}")


def build_cell(place: Place, runs: Sequence[Run], costs: SeedCosts) -> Cell:
    """Aggregate the runs of one optimizer on one problem; `costs` are theirs."""
    seeds, measures = list(_by_seed(runs).values()), place.axes.measures
    lengths = {measure: [_median_of(run.spent(measure) for run in rows) for rows in seeds] for measure in measures}
    records = [run.record for run in runs if run.record.status is not Status.SKIPPED]
    gaps = [gaps[-1] for run in runs if (gaps := place.reference.gaps(run)).size]
    names = dict.fromkeys(name for record in records for name in record.metrics)
    return Cell(
        optimizer=place.optimizer,
        problem=place.problem,
        seeds=len(seeds),
        hits=tuple(int(np.isfinite(list(rows.values())).sum()) for rows in costs["evaluations"]),
        costs={measure: tuple(_quantiles(list(rows.values())) for rows in costs[measure]) for measure in measures},
        expected={
            measure: tuple(_expected(list(rows.values()), lengths[measure]) for rows in costs[measure])
            for measure in measures
        },
        spent={measure: rounded(lower_quantile(lengths[measure])) for measure in measures},
        statuses=dict(Counter(str(run.record.status) for run in runs)),
        unreliable=sum(bool(time_doubts(record)) for record in records),
        thresholds=tuple(_threshold(name, seeds) for name in place.thresholds),
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
    last = max(run.end for run, _ in drawn)
    first = min(float(run.costs["evaluations"][0]) for run, _ in drawn)
    begin, end = np.searchsorted(grid, first), np.searchsorted(grid, last) + 1
    points = grid[begin : max(end, begin + 1)]
    curve = curve_on_grid([(run.costs["evaluations"], gaps) for run, gaps in drawn], points)
    return ReportCurve(
        optimizer=place.optimizer,
        problem=place.problem,
        costs={measure: _costs_on([run for run, _ in drawn], measure, points) for measure in place.axes.measures},
        median=_series(curve.median),
        low=_series(curve.low),
        high=_series(curve.high),
        ends=tuple(_end(run, gaps) for run, gaps in drawn if run.record.status in FAILED),
        stages=_stages([run for run, _ in drawn], place.axes),
    )


def build_seed_curves(place: Place, runs: Sequence[Run]) -> list[SeedCurve]:
    """Return the course of each seed, none where there is one seed: the curve is its course already."""
    seeds = _one_a_seed(runs)
    drawn = [(run, gaps) for run in seeds if (gaps := place.reference.gaps(run)).size]
    return [
        SeedCurve(
            optimizer=place.optimizer,
            problem=place.problem,
            seed=run.record.spec.seed,
            status=str(run.record.status),
            points=_packed(run, gaps, place.axes),
        )
        for run, gaps in (drawn if len(seeds) > 1 else ())
    ]


def _packed(run: Run, gaps: Array, axes: Axes) -> str:
    """Return at most SEED_POINTS rows, evenly spaced in the logarithm of the evaluations, the last one among them."""
    counts = run.costs["evaluations"]
    wanted = np.geomspace(max(counts[0], 1.0), max(counts[-1], 1.0), SEED_POINTS)
    rows = np.unique(np.searchsorted(counts, wanted * (1 + 1e-9), side="right") - 1).clip(0)
    columns = [np.maximum(run.costs[measure][rows], axes.floor(measure)) for measure in axes.measures]
    return pack(np.concatenate([*columns, gaps[rows]]).tolist())


def _stages(runs: Sequence[Run], axes: Axes) -> tuple[tuple[float | None, ...], ...]:
    """Return where each later stage began, by each measure: the median over the runs that came to it."""
    count = max(len(run.stages) for run in runs)
    begun = [[run.stages[index] for run in runs if len(run.stages) > index] for index in range(count)]
    return tuple(tuple(_median(spent[measure] for spent in each) for measure in axes.measures) for each in begun)


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


def _by_seed(runs: Sequence[Run]) -> dict[int, list[Run]]:
    """Group the repetitions of each seed; skipped trials never ran and don't count."""
    seeds: dict[int, list[Run]] = defaultdict(list)
    for run in runs:
        if run.record.status is not Status.SKIPPED:
            seeds[run.record.spec.seed].append(run)
    return dict(seeds)


def _one_a_seed(runs: Sequence[Run]) -> list[Run]:
    return [min(group, key=lambda run: run.record.spec.repetition) for group in _by_seed(runs).values()]


def seed_costs(place: Place, runs: Sequence[Run]) -> SeedCosts:
    """Return by measure, for each target, the cost of each seed: the median of its repetitions, inf where unsolved."""
    known, seeds = place.reference.known, _by_seed(runs)
    gaps = {id(run): place.reference.gaps(run) for rows in seeds.values() for run in rows}
    found: dict[str, list[dict[int, float]]] = {measure: [] for measure in place.axes.measures}
    for target, name in place.targets.items():
        at = {
            seed: [costs_to_target(run, gaps[id(run)], target, name, known) for run in rows]
            for seed, rows in seeds.items()
        }
        for measure, targets in found.items():
            targets.append({seed: _median_of(row[measure] for row in rows) for seed, rows in at.items()})
    return found


def _median_of(values: Iterable[float]) -> float:
    return lower_quantile(list(values))


def _expected(costs: Sequence[float], lengths: Sequence[float]) -> float | None:
    return rounded(float(expected_running_time(costs, lengths))) if costs else None


def _threshold(name: str, seeds: Sequence[Sequence[Run]]) -> Threshold:
    """Return what it took the seeds to reach a metric's threshold."""

    def costs(of: Callable[[TrialRecord], Mapping[str, float | None]]) -> list[float]:
        reached = [[of(run.record).get(name) for run in repetitions] for repetitions in seeds]
        return [_median_of(np.inf if cost is None else cost for cost in seed) for seed in reached]

    evaluations = costs(lambda record: record.evaluations_to_target)
    return Threshold(
        name=name,
        hits=int(np.isfinite(evaluations).sum()),
        evaluations=rounded(lower_quantile(evaluations)),
        seconds=rounded(lower_quantile(costs(lambda record: record.seconds_to_target))),
    )


def _quantiles(costs: Sequence[float]) -> Quantiles:
    low, median, high = (rounded(lower_quantile(costs, share)) for share in SHARES)
    return low, median, high


def _costs_on(runs: Sequence[Run], measure: str, grid: Array) -> tuple[float | None, ...]:
    """Return the median cost at each count of `grid`: curves are aggregated over counts, never over time."""
    if measure == "evaluations":
        return _series(grid)
    rows = [np.interp(grid, run.costs["evaluations"], run.costs[measure]) for run in runs]
    return _series(np.maximum(np.median(rows, axis=0), runs[0].axes.floor(measure)))


def _end(run: Run, gaps: Array) -> tuple[float | None, ...]:
    costs = [max(float(spent[-1]), run.axes.floor(measure)) for measure, spent in run.costs.items()]
    return tuple(rounded(value) for value in (*costs, float(gaps[-1])))


def _series(values: Array) -> tuple[float | None, ...]:
    return tuple(rounded(float(value)) for value in values)


def _median(values: Iterable[float | None]) -> float | None:
    found = [value for value in values if value is not None]
    return rounded(lower_quantile(found)) if found else None


def _whole(values: Iterable[int | None]) -> int | None:
    found = [value for value in values if value is not None]
    return int(lower_quantile(found)) if found else None
