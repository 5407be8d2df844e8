"""Two passes of a trial, each run in a process of its own: time and metrics."""

from __future__ import annotations

import contextlib
import json
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from optbench.api import Meter, Point, Refused
from optbench.measure.derivatives import Derivatives
from optbench.measure.device_clock import DeviceClock
from optbench.measure.event_log import SETUP, WARM, EventLog
from optbench.measure.factories import Built, build, resolve
from optbench.measure.ledger import Clock, Ledger
from optbench.measure.loop import EVERY_KIND, Outcome, TrialLoop
from optbench.measure.meters import CpuMeter, make_meter
from optbench.measure.oracle import Books
from optbench.measure.scalars import Thresholds, make_scalars
from optbench.measure.snapshots import SnapshotSpool, read_points, read_rows
from optbench.measure.stages import require_flops, stage_facts
from optbench.measure.surroundings import Surroundings
from optbench.measure.targets import gradient_threshold, value_threshold
from optbench.records import SNAPSHOT_COLUMNS, Budget, Facts, Job, Status, Trace, TrialRecord, finite

EVENTS, SNAPSHOTS, FACTS, METRICS = "events", "snapshots", "facts.json", "metrics"

Measure = Callable[[Any, Point], Any]  # a float, or {part: float}

_WARM_UP = Budget(steps=2, seconds=1.0)
_WARM_UP_IF_BUILT_WITHIN = 2.0  # seconds: what takes longer to build is not built twice


def time_pass(
    job: Job,
    *,
    meter: Meter | None = None,
    cpu_clock: Clock = time.process_time,
    around: Surroundings | None = None,
) -> TrialRecord:
    """Run the trial with nothing attached but the event log and the snapshots; by default with the device's meter."""
    began = time.perf_counter()
    built = build(job)
    require_flops(built.recipe, job.spec.budget)
    facts = state_facts(built)
    folder = Path(job.folder) if job.folder else None
    if folder is not None:
        _write_json(folder / FACTS, facts.to_json())
    log = EventLog(folder / EVENTS if folder else None)
    warm = job.warm_up and time.perf_counter() - began < _WARM_UP_IF_BUILT_WITHIN
    if warm:
        log.beat(0.0, 0.0, WARM)
        warm_up(job)
        log.beat(0.0, 0.0, SETUP)
    scalars = make_scalars(log, _thresholds(job, facts), built.place, keep_best=not facts.stochastic)
    off_curve = make_scalars(log, Thresholds(), built.place, keep_best=False)
    ledger = make_ledger(meter or make_meter(built.place.device, job.meter_factories), built, log, cpu_clock)
    loop = make_loop(job, built, Books(ledger, log, scalars, off_curve), job.spec.budget, _spool(folder, built))
    observation = (around or Surroundings()).before()
    ready = time.perf_counter()
    outcome = loop.run()
    wall_seconds = {"setup": ready - began, "loop": time.perf_counter() - ready}
    record = _record(job, facts, ledger, outcome)
    return replace(record, conditions={**observation.after(), "warm": float(warm)}, wall=wall_seconds)


def _record(job: Job, facts: Facts, ledger: Ledger, outcome: Outcome) -> TrialRecord:
    """Return what the loop came to."""
    return TrialRecord(
        spec=job.spec,
        status=outcome.status,
        reason=outcome.reason,
        size=facts.size,
        batch_size=facts.batch_size,
        f0=facts.f0,
        f_star=facts.f_star,
        f_star_source=facts.f_star_source,
        f_star_from_start=facts.f_star_from_start,
        counts=ledger.snapshot(),
        stages=outcome.stages,
        evaluations=ledger.evaluations,
        cost=ledger.cost or None,
        seconds=outcome.seconds,
        cpu_seconds=outcome.cpu_seconds,
        device_seconds=outcome.device_seconds,
        evaluation_seconds=ledger.evaluating if ledger.device is None else None,
    )


def warm_up(job: Job) -> None:
    """Take the first steps of the trial on parts of their own, so that what a first step loads is loaded.

    What goes wrong here goes wrong in the trial as well, which tells it.
    """
    log = EventLog(capacity=1024)
    with contextlib.suppress(Exception):
        built = build(job)
        scalars = make_scalars(log, Thresholds(), built.place, keep_best=False)
        books = Books(Ledger(), log, scalars, scalars)
        make_loop(job, built, books, _WARM_UP, SnapshotSpool(None, 0)).run()


def make_ledger(meter: Meter, built: Built, log: EventLog, cpu_clock: Clock) -> Ledger:
    """Return the ledger that the meter's clock drives; what works asynchronously gets a clock of its own beside."""
    asynchronous = built.place.device.type != "cpu" or not isinstance(meter, CpuMeter)
    return Ledger(meter.now, cpu_clock, DeviceClock(meter, log.set_seconds) if asynchronous else None)


def state_facts(built: Built) -> Facts:
    """Return what the problem states, and f at its standard start: the evaluation that warms the problem up, too."""
    problem: Any = built.problem
    start = problem.start(built.place.streams)
    stochastic = _is_stochastic(problem, built)
    derivatives = Derivatives(problem, takes_batch=stochastic)
    f0 = float(derivatives.value(start.parameters))
    if "gradient" in derivatives.offers():
        derivatives.gradient(start.parameters)
    batch_size = getattr(problem, "batch_size", None)
    return Facts(
        size=int(problem.size),
        batch_size=int(batch_size) if stochastic and batch_size else None,
        stochastic=stochastic,
        readout=built.recipe.readout is not None,
        stages=stage_facts(built.recipe),
        judged_otherwise=any(stage.on_curve and stage.judged is not None for stage in built.recipe.stages),
        f0=finite(f0),
        f_star=finite(getattr(problem, "f_star", None)),
        f_star_source=getattr(problem, "f_star_source", ""),
        f_star_from_start=finite(getattr(problem, "f_star_from_start", None)),
    )


def metrics_pass(job: Job) -> tuple[TrialRecord, Trace]:
    """Evaluate the full objective and the metrics on the snapshots that the time pass left in the job's folder."""
    built = build(job)
    folder = Path(job.folder)
    rows = read_rows(folder / SNAPSHOTS)
    stages = built.recipe.stages
    layouts = {index: stage.measured.start(built.place.streams).layout for index, stage in enumerate(stages)}
    measures = _measures(job, built)
    measured: list[dict[str, float]] = []
    points = read_points(folder / SNAPSHOTS, device=built.place.device, dtype=built.place.dtype, layouts=layouts)
    for stage, point in zip(rows["stage"], points, strict=True):
        problem: Any = stages[int(stage)].measured
        if point is not None and point.statistics is not None and hasattr(problem, "restore"):
            problem.restore(point.statistics)
        measured.append({} if point is None else _row(measures, problem, point))
    columns = _columns(measured)
    trace = Trace.from_columns({**{name: rows[name] for name in SNAPSHOT_COLUMNS}, **columns})
    last = {name: finite(values[-1]) for name, values in columns.items() if values}
    return TrialRecord(spec=job.spec, status=Status.OK, metrics=last), trace


# ---- parts


def make_loop(
    job: Job, built: Built, books: Books, budget: Budget, spool: SnapshotSpool, probe: Any = None
) -> TrialLoop:
    """Return the loop that runs the job's recipe within `budget`."""
    return TrialLoop(
        recipe=built.recipe,
        place=built.place,
        books=books,
        budget=budget,
        snapshots=spool,
        optimizer=built.optimizer,
        declared=frozenset(job.declared) or EVERY_KIND,  # type: ignore[arg-type]  # names of kinds
        probe=probe,
    )


def _thresholds(job: Job, facts: Facts) -> Thresholds:
    """Return what ends the trial; nothing where the log's values are not the objective at the scored point."""
    if facts.scored_at_snapshots:
        return Thresholds()
    values = [value_threshold(target, facts) for target in job.spec.budget.targets]
    norms = [gradient_threshold(target) for target in job.spec.budget.targets]
    return Thresholds(
        min((value for value in values if value is not None), default=None),
        min((norm for norm in norms if norm is not None), default=None),
    )


def _spool(folder: Path | None, built: Built) -> SnapshotSpool:
    itemsize = torch.empty((), dtype=built.place.dtype).itemsize
    largest = 0
    for stage in built.recipe.stages:
        problem: Any = stage.measured
        statistics = problem.statistics() if hasattr(problem, "statistics") else None
        largest = max(largest, problem.size + (0 if statistics is None else statistics.numel()))
    return SnapshotSpool(None if folder is None else folder / SNAPSHOTS, itemsize * largest)


def _is_stochastic(problem: Any, built: Built) -> bool:
    return hasattr(problem, "batches") and problem.batches(built.place.streams) is not None


def _columns(measured: list[dict[str, float]]) -> dict[str, list[float]]:
    """Return a column a name, NaN where a row lacks it; columns without any number are left out."""
    names = dict.fromkeys(name for row in measured for name, value in row.items() if not math.isnan(value))
    return {name: [row.get(name, math.nan) for row in measured] for name in names}


def _row(measures: Mapping[str, Measure], problem: Any, point: Point) -> dict[str, float]:
    """Return a number a column: one for a metric, or one for each of its parts."""
    row: dict[str, float] = {}
    for name, measure in measures.items():
        with contextlib.suppress(Refused):
            found = measure(problem, point)
            by_part = isinstance(found, Mapping)
            numbers = {f"{name}.{part}": number for part, number in found.items()} if by_part else {name: found}
            row |= {key: float(number) for key, number in numbers.items()}
    return row


def _measures(job: Job, built: Built) -> dict[str, Measure]:
    """Return what to evaluate at each snapshot: the metrics asked for; f and |g|∞ of the full objective in any case."""
    measures = {name: resolve(factory)(**options) for name, (factory, options) in job.metric_factories.items()}

    def full(problem: Any) -> Derivatives:
        return Derivatives(problem, takes_batch=_is_stochastic(problem, built))

    def objective(problem: Any, point: Point) -> float:
        return float(full(problem).value(point.parameters))

    def gradient_norm(problem: Any, point: Point) -> float:
        derivatives = full(problem)
        if "gradient" not in derivatives.offers():
            return math.nan
        return float(torch.linalg.vector_norm(derivatives.gradient(point.parameters)[1], math.inf))

    return {**measures, "f": objective, "gradient-norm": gradient_norm}


def _write_json(path: Path, data: Any) -> None:
    path.write_text(json.dumps(data, allow_nan=False), encoding="utf-8")
