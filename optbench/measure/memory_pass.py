"""The memory pass of a trial: once for each problem, recipe, options, device and dtype, never with the clock.

It runs the recipe three times, each time built anew: to warm up, so that lazy imports and thread pools don't count; as
it is, for the peak of the process (level 2); and under the dispatch mode, for exact bytes (level 1). A solver that owns
its loop may keep memory that is no tensor: it has level 2 only. The steps are always the same number: what is needed
late, or now and then, counts.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from torch import Tensor

from optbench.api import Meter
from optbench.measure.event_log import EventLog
from optbench.measure.factories import Built, build
from optbench.measure.ledger import Ledger
from optbench.measure.loop import Outcome, Probe
from optbench.measure.memory import LiveBytes, bytes_below, state_bytes
from optbench.measure.meters import make_meter
from optbench.measure.oracle import Books
from optbench.measure.process_memory import ProcessPeak, keep_freed_memory, return_freed_memory
from optbench.measure.scalars import Thresholds, make_scalars
from optbench.measure.snapshots import SnapshotSpool
from optbench.measure.trial import make_loop, warm_up
from optbench.records import Budget, Job, Status, TrialRecord

MEMORY_BUDGET = Budget(steps=30, seconds=10.0)


def memory_pass(job: Job) -> TrialRecord:
    """Measure both levels over 30 steps, within 10 s each; changes how malloc frees."""
    return_freed_memory()
    warm_up(job)
    record, owns_its_loop = _process_level(job)
    if owns_its_loop:
        return record
    keep_freed_memory()
    built = build(job)
    exact = exact_level(job, built, MEMORY_BUDGET)
    record = replace(
        record,
        status=exact.status,
        reason=exact.reason,
        state_bytes=exact.state_bytes,
        peak_live_bytes=exact.peak_live_bytes,
        transient_bytes=exact.transient_bytes,
    )
    return replace(record, memory_note=record.memory_note or _unseen(record))


def exact_level(job: Job, built: Built, budget: Budget) -> TrialRecord:
    """Count the bytes of the state and of live tensors while the recipe runs; the problem is the job's or smaller."""
    probe = ExactProbe(built)
    with probe.live:
        outcome = _run(job, built, probe, budget)
    return TrialRecord(
        spec=job.spec,
        status=_status(outcome),
        reason=outcome.reason,
        problem_bytes=probe.problem_bytes,
        state_bytes=probe.state_bytes,
        peak_live_bytes=probe.peak_bytes,
        transient_bytes=probe.transient_bytes,
    )


def _process_level(job: Job) -> tuple[TrialRecord, bool]:
    """Measure by how much the process grows while the recipe runs; tell whether the solver owns its loop, too."""
    built = build(job)
    probe = ProcessProbe(make_meter(built.place.device, job.meter_factories))
    outcome = _run(job, built, probe, MEMORY_BUDGET)
    record = TrialRecord(
        spec=job.spec,
        status=_status(outcome),
        reason=outcome.reason,
        problem_bytes=probe.problem_bytes,
        peak_process_bytes=probe.peak.growth(),
        peak_device_bytes=probe.meter.peak_bytes(),
        memory_note=probe.peak.why_not,
    )
    return record, hasattr(built.optimizer, "minimize")


def _run(job: Job, built: Built, probe: Probe, budget: Budget) -> Outcome:
    log = EventLog(capacity=4096)
    scalars = make_scalars(log, Thresholds(), built.place, keep_best=False)
    books = Books(Ledger(), log, scalars, scalars)
    return make_loop(job, built, books, budget, SnapshotSpool(None, 0), probe).run()


def _status(outcome: Outcome) -> Status:
    """Return the outcome's status; that the pass has seen enough is no budget of the trial."""
    return Status.OK if outcome.status is Status.BUDGET else outcome.status


def _unseen(record: TrialRecord) -> str:
    """Say that level 1 misses what no tensor holds, where it does."""
    return "the process grew by more than tensors and kept arrays explain" if record.bytes_beyond_tensors else ""


class ProcessProbe:
    """Follows the process's and the device's peak from the first `init` on; the system keeps them."""

    def __init__(self, meter: Meter) -> None:
        """Begin with nothing measured; `meter` is the device's."""
        self.peak, self.meter = ProcessPeak(), meter
        self.problem_bytes: int | None = None

    def init_begins(self, problem: Any, start: Tensor) -> None:
        """Count what the problem holds and begin."""
        if self.problem_bytes is None:
            self.problem_bytes = state_bytes(problem, start)
            self.peak.begin()
            self.meter.reset_peak()

    def step_done(self, holders: tuple[Any, ...], point: Tensor) -> None:
        """Leave the process alone."""


class ExactProbe:
    """Follows the bytes of the state and of what came alive since the first `init` began.

    What the optimizer keeps but no operation of torch has returned (arrays, tensors made from them or by its
    constructor) adds to the peak of each step after which it is kept, so that a peak is never below the state.
    """

    def __init__(self, built: Built) -> None:
        """Begin with nothing measured."""
        self.live = LiveBytes()
        self.state_bytes = 0
        self.problem_bytes: int | None = None
        self.transient_bytes: int | None = None
        self._problem = built.problem
        self._start: Tensor | None = None
        self._peak = -1

    @property
    def peak_bytes(self) -> int:
        """The largest sum so far; what an unfinished step needed counts."""
        return max(self._peak, self.live.peak)

    def init_begins(self, problem: Any, start: Tensor) -> None:
        """Leave out what is alive before the first `init`."""
        if self.problem_bytes is None:
            self.problem_bytes = state_bytes(problem, start)
            self._start = start
            self.live.forget_all()

    def step_done(self, holders: tuple[Any, ...], point: Tensor) -> None:
        """Look at what is kept after a step, and at the step's own peak."""
        held, published = bytes_below(*holders), bytes_below(point)
        problem, start = bytes_below(self._problem), bytes_below(self._start)
        state = sum(size for key, size in held.items() if key not in published | problem)
        self.state_bytes = max(self.state_bytes, state)
        kept = {key: size for key, size in (held | published).items() if key not in problem | start}
        counted = self.live.counted
        peak = self.live.peak + sum(size for key, size in kept.items() if key not in counted)
        if peak > self._peak:
            self._peak, self.transient_bytes = peak, peak - sum(kept.values())
        self.live.begin_peak()
