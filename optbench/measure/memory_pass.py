"""The memory pass of a trial: once for each problem, recipe, options, device and dtype, never with the clock."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from optbench.api import StopTrial
from optbench.measure.event_log import EventLog
from optbench.measure.factories import Built, build
from optbench.measure.ledger import Ledger
from optbench.measure.memory import LiveBytes, state_bytes
from optbench.measure.oracle import Books
from optbench.measure.scalars import Thresholds
from optbench.measure.snapshots import SnapshotSpool
from optbench.measure.trial import make_loop, make_scalars
from optbench.records import Budget, Job, Status, TrialRecord

_BUDGET = Budget(steps=30, seconds=10.0)
_UNCHANGED_STEPS = 5  # state bytes that stay the same for so many steps have stopped growing


def memory_pass(job: Job) -> TrialRecord:
    """Measure state bytes and the peak of live bytes until the state stops growing, at most 30 steps or 10 s."""
    built = build(job)
    log = EventLog(capacity=4096)
    probe = _MemoryProbe(built)
    scalars = make_scalars(log, Thresholds(), built, keep_best=False)
    books = Books(Ledger(), log, scalars, scalars)
    loop = make_loop(job, built, books, _BUDGET, SnapshotSpool(None, 0), probe)
    with probe.live:
        outcome = loop.run()
    status = Status.OK if outcome.status is Status.BUDGET else outcome.status
    foreign = hasattr(built.optimizer, "minimize")  # its own loop may keep numpy memory, which is not seen
    return TrialRecord(
        spec=job.spec,
        status=status,
        reason=outcome.reason,
        state_bytes=None if foreign else probe.state_bytes,
        peak_live_bytes=None if foreign else probe.live.peak,
    )


class _MemoryProbe:
    """Follows the bytes of the optimizer's state; tensors from before the first `init` are left out."""

    def __init__(self, built: Built) -> None:
        self.live = LiveBytes()
        self.state_bytes = 0
        self._built = built
        self._begun = False
        self._unchanged = 0

    def init_begins(self, problem: Any, start: Tensor) -> None:
        if not self._begun:
            self.live.forget_all()
            self._begun = True
        self._unchanged = 0
        self.live.ignore(problem, start)

    def step_done(self, holders: tuple[Any, ...], point: Tensor) -> None:
        held = state_bytes(*holders, without=(point, self._built.problem))
        self._unchanged = self._unchanged + 1 if held == self.state_bytes else 0
        self.state_bytes = max(self.state_bytes, held)
        if self._unchanged >= _UNCHANGED_STEPS:
            raise StopTrial
