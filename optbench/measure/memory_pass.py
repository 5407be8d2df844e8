"""The memory pass of a trial: once for each problem, recipe, options, device and dtype, never with the clock.

It runs the recipe three times, each time built anew: to warm up, so that lazy imports and thread pools don't count; as
it is, for the peak of the process (level 2); and under the dispatch mode, for exact bytes (level 1). A solver that owns
its loop may keep memory that is no tensor: it has level 2 only.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from torch import Tensor

from optbench.api import Meter, StopTrial
from optbench.measure.event_log import EventLog
from optbench.measure.factories import Built, build
from optbench.measure.ledger import Ledger
from optbench.measure.loop import Outcome, Probe
from optbench.measure.memory import LiveBytes, state_bytes
from optbench.measure.meters import make_meter
from optbench.measure.oracle import Books
from optbench.measure.process_memory import ProcessPeak, return_freed_memory
from optbench.measure.scalars import Thresholds
from optbench.measure.snapshots import SnapshotSpool
from optbench.measure.trial import make_loop, make_scalars, warm_up
from optbench.records import Budget, Job, Status, TrialRecord

MEMORY_BUDGET = Budget(steps=30, seconds=10.0)
_UNCHANGED_STEPS = 5  # state bytes that stay the same for so many steps have stopped growing


def memory_pass(job: Job) -> TrialRecord:
    """Measure both levels until the state stops growing, at most 30 steps or 10 s each; changes how malloc frees."""
    return_freed_memory()
    warm_up(job)
    record, owns_its_loop = _process_level(job)
    if owns_its_loop or record.status is not Status.OK:
        return record
    built = build(job)
    exact = exact_level(job, built, MEMORY_BUDGET)
    return replace(
        record,
        status=exact.status,
        reason=exact.reason,
        state_bytes=exact.state_bytes,
        peak_live_bytes=exact.peak_live_bytes,
        transient_bytes=exact.transient_bytes,
    )


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
        state_bytes=probe.state.most,
        peak_live_bytes=probe.live.peak,
        transient_bytes=probe.transient_bytes,
    )


def _process_level(job: Job) -> tuple[TrialRecord, bool]:
    """Measure by how much the process grows while the recipe runs; tell whether the solver owns its loop, too."""
    built = build(job)
    probe = ProcessProbe(built, make_meter(built.place.device, job.meter_factories))
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
    scalars = make_scalars(log, Thresholds(), built, keep_best=False)
    books = Books(Ledger(), log, scalars, scalars)
    return make_loop(job, built, books, budget, SnapshotSpool(None, 0), probe).run()


def _status(outcome: Outcome) -> Status:
    """Return the outcome's status; that the pass has seen enough is no budget of the trial."""
    return Status.OK if outcome.status is Status.BUDGET else outcome.status


class _State:
    """Follows the bytes that are reachable from the optimizer, less the published point and the problem."""

    def __init__(self) -> None:
        self.most = 0
        self._unchanged = 0

    def restart(self) -> None:
        """A stage begins: its optimizer's state may grow again."""
        self._unchanged = 0

    def follow(self, holders: tuple[Any, ...], known: tuple[Any, ...]) -> bool:
        """Look at the state after a step; tell whether it has stopped growing."""
        held = state_bytes(*holders, without=known)
        self._unchanged = self._unchanged + 1 if held == self.most else 0
        self.most = max(self.most, held)
        return self._unchanged >= _UNCHANGED_STEPS


class ProcessProbe:
    """Follows the process's and the device's peak from the first `init` on, as long as the exact level would."""

    def __init__(self, built: Built, meter: Meter) -> None:
        """Begin with nothing measured; `meter` is the device's."""
        self.peak, self.meter = ProcessPeak(), meter
        self.problem_bytes: int | None = None
        self._state, self._problem = _State(), built.problem
        self._owns_its_loop = hasattr(built.optimizer, "minimize")

    def init_begins(self, problem: Any, start: Tensor) -> None:
        """Count what the problem holds and begin."""
        self._state.restart()
        if self.problem_bytes is None:
            self.problem_bytes = state_bytes(problem, start)
            self.peak.begin()
            self.meter.reset_peak()

    def step_done(self, holders: tuple[Any, ...], point: Tensor) -> None:
        """Stop once the state doesn't grow; that of a solver with its own loop isn't known."""
        if self._state.follow(holders, (point, self._problem)) and not self._owns_its_loop:
            raise StopTrial


class ExactProbe:
    """Follows the bytes of the state and of what came alive since the first `init` began."""

    def __init__(self, built: Built) -> None:
        """Begin with nothing measured."""
        self.live = LiveBytes()
        self.state = _State()
        self.problem_bytes: int | None = None
        self.transient_bytes: int | None = None
        self._problem = built.problem
        self._start: Tensor | None = None
        self._peak = 0

    def init_begins(self, problem: Any, start: Tensor) -> None:
        """Leave out what is alive before the first `init`."""
        self.state.restart()
        if self.problem_bytes is None:
            self.problem_bytes = state_bytes(problem, start)
            self._start = start
            self.live.forget_all()

    def step_done(self, holders: tuple[Any, ...], point: Tensor) -> None:
        """Note what the optimizer keeps of a new peak; stop once the state doesn't grow."""
        if self.live.peak > self._peak:
            self._peak = self.live.peak
            kept = state_bytes(*holders, point, without=(self._problem, self._start))
            self.transient_bytes = self._peak - kept
        if self.state.follow(holders, (point, self._problem)):
            raise StopTrial
