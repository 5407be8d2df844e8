"""Runs a plan: skips what is stored, runs the rest in children, stores each trial as it finishes."""

from __future__ import annotations

import bisect
import shutil
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import psutil

from optbench.api import Planner
from optbench.measure.reliability import doubts, with_spread
from optbench.records import (
    FAILED,
    MEMORY_FIELDS,
    Job,
    Limits,
    Pass,
    Rehearsals,
    Status,
    Trace,
    TrialRecord,
    TrialSpec,
)
from optbench.runner.child import read_trace
from optbench.runner.client import ForkServer
from optbench.runner.jobs import JobFactory
from optbench.runner.scoring import Asked, rescored, scored, with_facts
from optbench.runner.slots import Slots, Work
from optbench.runner.supervise import died_warming_up, events, facts
from optbench.store import ResultKey, Store

_NO_MEMORY_PASS = {Status.TIMEOUT, Status.OOM, Status.KILLED, Status.CRASHED, Status.ERROR, Status.SKIPPED}


@dataclass(frozen=True)
class Progress:
    """How far a session is."""

    done: int
    total: int
    failures: int
    current: str
    elapsed: float

    @property
    def remaining(self) -> float | None:
        """Estimated seconds left; None before the first trial is done."""
        return None if not self.done else self.elapsed / self.done * (self.total - self.done)


@dataclass
class Timing:
    """Wall seconds of a session by part; `overhead_per_trial` is what none of the parts explains."""

    startup: float = 0.0
    loops: float = 0.0
    metrics: float = 0.0
    memory: float = 0.0
    total: float = 0.0
    trials: int = 0

    @property
    def overhead_per_trial(self) -> float | None:
        """(total − start-up − timed loops − metric and memory passes) / trials."""
        rest = self.total - self.startup - self.loops - self.metrics - self.memory
        return rest / self.trials if self.trials else None


@dataclass
class Session:
    """One run of a plan into a store."""

    factory: JobFactory
    server: ForkServer
    store: Store
    run: int
    spool: Path
    limits: Limits = Limits()
    asked: Asked = field(default_factory=Asked)
    memory: bool = True
    jobs: int = 1
    report: Callable[[Progress], None] = lambda _: None
    finished: Callable[[TrialRecord], None] = lambda _: None
    watching: Callable[[Path], None] = lambda _: None  # called at each look at a running child, with its folder
    timing: Timing = field(default_factory=Timing)
    ran: int = 0
    reused: int = 0
    failures: int = 0
    lacking: set[str] = field(default_factory=set)  # devices that trials asked for and this machine has not
    _readings: list[float] = field(default_factory=list)  # of the reference kernel, seconds, sorted
    _unstored: dict[str, TrialRecord] = field(default_factory=dict)
    _expected: int = 0  # trials in all, where the planner knows; it may still plan fewer
    _measured: Callable[[TrialSpec], bool] = lambda _: True  # whether a trial's memory is asked for
    ended: int = 0  # of them, reused ones left out
    _began: float = field(default_factory=time.perf_counter)

    def execute(self, planner: Planner) -> list[TrialRecord]:
        """Run until the planner has nothing more; returns a record a trial, merged from its passes."""
        began = self._began = time.perf_counter()
        self._expected = getattr(planner, "expected", 0)
        self._measured = getattr(planner, "is_measured", lambda _: True)
        records: list[TrialRecord] = []
        while specs := planner.next(records):
            measured = self._round(specs)
            if [record.id for record in measured] != [spec.id for spec in specs]:
                message = "a record came back with another identity than its trial"
                raise RuntimeError(message)
            records += measured
        self.timing.total = time.perf_counter() - began
        self.timing.trials = self.ran
        return with_spread(records)

    def project(self, planned: Sequence[tuple[TrialSpec, Rehearsals]]) -> list[TrialRecord]:
        """Return the projected memory of trials that are not run, each with its problem's options at small sizes."""
        keys = {spec.memory_id: self.factory.key(spec, "projection") for spec, _ in planned}
        stored = self.store.existing(keys.values())
        self.store.note_use(self.run, stored)
        missing = [(spec, small) for spec, small in planned if keys[spec.memory_id] not in stored]
        works = ((spec, self._projection(spec, small, keys[spec.memory_id])) for spec, small in missing)
        Slots(self, len(missing)).run(works)
        return list(self.store.get(keys.values()).values())

    def _projection(self, spec: TrialSpec, small: Rehearsals, key: ResultKey) -> Work:
        job = replace(self._job(spec, "projection"), rehearsals=small)
        record = yield job
        self.store.add(self.run, key, record)
        shutil.rmtree(job.folder, ignore_errors=True)

    def tell(self, done: int, total: int, current: str) -> None:
        """Report that so many of a round's trials are done, and which one runs."""
        ended = self.ended + done
        whole = max(self.ended + total, self._expected - self.reused)
        elapsed = time.perf_counter() - self._began
        self.report(Progress(ended, whole, self.failures, current, elapsed))

    def _round(self, specs: Sequence[TrialSpec]) -> list[TrialRecord]:
        keys = {spec.id: self.factory.key(spec, "time") for spec in specs}
        memory_keys = {spec.memory_id: self.factory.key(spec, "memory") for spec in specs if self._wants_memory(spec)}
        stored = self.store.existing([*keys.values(), *memory_keys.values()])
        known = [key for key in [*keys.values(), *memory_keys.values()] if key in stored]
        self.store.note_use(self.run, known)
        missing = [spec for spec in specs if keys[spec.id] not in stored]
        self.reused += len(specs) - len(missing)
        absent = self._run_missing(missing, specs, memory_keys, stored)
        found = self.store.get([*keys.values(), *memory_keys.values()])
        return [
            rescored(absent[spec.id], self.asked)
            if spec.id in absent
            else rescored(
                merge(found[keys[spec.id]], _found(found, memory_keys.get(spec.memory_id))),
                self.asked,
                partial(self.store.trace, keys[spec.id]),
            )
            for spec in specs
        ]

    def _wants_memory(self, spec: TrialSpec) -> bool:
        return self.memory and self._measured(spec)

    def _run_missing(
        self,
        missing: Sequence[TrialSpec],
        specs: Sequence[TrialSpec],
        memory_keys: dict[str, ResultKey],
        stored: set[ResultKey],
    ) -> dict[str, TrialRecord]:
        """Run what is not stored; returns the trials whose device this machine has not, which are not stored."""
        wanted = {key.id: key for key in memory_keys.values() if key not in stored}
        to_run = list(missing)
        again = {spec.id for spec in missing}
        to_run += self._only_memory([spec for spec in specs if spec.id not in again and spec.memory_id in wanted])
        if not to_run:
            return {}
        began = time.perf_counter()
        devices = self.server.devices
        self.lacking |= {spec.device for spec in missing} - set(devices)
        self.timing.startup += time.perf_counter() - began
        absent = {
            spec.id: TrialRecord(
                spec=spec,
                status=Status.SKIPPED,
                reason=f"no device '{spec.device}' on this machine; name one that it has, such as cpu",
            )
            for spec in missing
            if spec.device not in devices
        }
        runnable = [spec for spec in to_run if spec.device in devices]
        works = ((spec, self._work(spec, again, wanted)) for spec in runnable)
        Slots(self, len(runnable)).run(works)
        return absent | self._unstored

    def _only_memory(self, specs: Sequence[TrialSpec]) -> list[TrialSpec]:
        """Return the trials whose time pass is stored and did not fail, one for each memory pass that is missing."""
        if not specs:
            return []
        found = {
            record.id: record for record in self.store.get([self.factory.key(spec, "time") for spec in specs]).values()
        }
        able = [spec for spec in specs if found[spec.id].status not in _NO_MEMORY_PASS]
        return list({spec.memory_id: spec for spec in reversed(able)}.values())

    def _work(self, spec: TrialSpec, again: set[str], wanted: dict[str, ResultKey]) -> Work:
        """Yield the jobs of one trial; each comes back as a record."""
        if spec.id in again:
            record = yield from self._time_and_metrics(spec)
            if record.status in _NO_MEMORY_PASS:
                return  # what fails or never ends would do so again
        key = wanted.pop(spec.memory_id, None)
        if key is not None:
            job = self._job(spec, "memory")
            record = yield job
            self.timing.memory += record.wall.get("child", 0.0)
            self.store.add(self.run, key, record)
            shutil.rmtree(job.folder, ignore_errors=True)

    def _time_and_metrics(self, spec: TrialSpec) -> Generator[Job, TrialRecord, TrialRecord]:
        job = self._job(spec, "time")
        folder = Path(job.folder)
        record = yield job
        if died_warming_up(folder):
            job = replace(self._job(spec, "time"), warm_up=False)
            record = yield job
        self.timing.loops += record.wall.get("loop", record.seconds or 0.0)
        snapshots = None
        if record.status not in (Status.SKIPPED, Status.ERROR) or (folder / "snapshots").exists():
            measured = yield replace(job, pass_="metrics")
            self.timing.metrics += measured.wall.get("child", 0.0)
            snapshots = read_trace(folder / "metrics")
            record = replace(record, metrics=measured.metrics)
            if measured.status is not Status.OK:
                why = measured.message or measured.reason
                record = replace(record, unreliable=(*record.unreliable, f"metrics: {measured.status}: {why}"))
        record = self._scored(record, folder, snapshots)
        traces: dict[str, Trace] = {"events": events(folder)}
        if snapshots is not None:
            traces["snapshots"] = snapshots
        if record.status is Status.SKIPPED:  # it never ran: what stood in its way may be gone next time
            self._unstored[spec.id] = record
        else:
            self.store.add(self.run, self.factory.key(spec, "time"), record, traces)
            self.ran += 1
        self.failures += record.status in FAILED
        shutil.rmtree(folder, ignore_errors=True)
        self.finished(record)
        return record

    def _scored(self, record: TrialRecord, folder: Path, snapshots: Trace | None) -> TrialRecord:
        known = facts(folder)
        record = scored(with_facts(record, known), events(folder), snapshots, self.asked)
        if known is None:
            return record
        record = replace(record, conditions=self._in_this_run(record.conditions))
        unreliable = (*record.unreliable, *doubts(record))
        if self.jobs > 1:
            unreliable = (*unreliable, f"jobs: times measured with {self.jobs} trials at once; use --jobs 1 for times")
        return replace(record, unreliable=unreliable)

    def _in_this_run(self, conditions: Mapping[str, float | None]) -> dict[str, float | None]:
        """Add what the run knows: how fast the machine usually is, and what the harness costs a step."""
        if not conditions:
            return {}
        measured = self.server.calibration
        seen = (conditions.get(name) for name in ("reference_before", "reference_after"))
        for reading in filter(None, seen):
            bisect.insort(self._readings, reading)
        usual = self._readings[len(self._readings) // 4] if self._readings else measured.reference
        return {
            **conditions,
            # One lucky reading must not make the rest look slow, nor a load that lasts look usual.
            "reference_baseline": min(measured.reference, usual),
            "harness": measured.harness,
            "bias": measured.bias,
        }

    def _job(self, spec: TrialSpec, pass_: Pass) -> Job:
        folder = self.spool / f"{spec.id}-{pass_}"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        limit = self.limits.memory or int(0.9 * psutil.virtual_memory().available / self.jobs)
        return self.factory.job(spec, pass_, folder, limit)


def _found(records: Mapping[ResultKey, TrialRecord], key: ResultKey | None) -> TrialRecord | None:
    return None if key is None else records.get(key)


def merge(time_record: TrialRecord, memory_record: TrialRecord | None) -> TrialRecord:
    """Return the record that reports read: the time pass with the memory pass's figures, or why they are missing."""
    if memory_record is None:
        return time_record
    merged = replace(time_record, **{name: getattr(memory_record, name) for name in MEMORY_FIELDS})
    if memory_record.status is Status.OK:
        return merged
    why = memory_record.message or memory_record.reason
    return replace(merged, memory_note=f"the memory pass ended as {memory_record.status}: {why}".removesuffix(": "))
