"""A device that lags behind the host: its time is on the clock only because both ends of a region wait for it."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from optbench.api import Recipe, Stage
from optbench.measure.device_clock import DeviceClock
from optbench.measure.event_log import EventLog
from optbench.measure.ledger import Ledger
from optbench.measure.loop import TrialLoop
from optbench.measure.oracle import Books
from optbench.measure.scalars import HostScalars, Thresholds
from optbench.measure.snapshots import SnapshotSpool
from optbench.records import Budget
from tests.measure.fakes import PLACE, Bowl, Descent, Tick


class LaggingDevice:
    """Takes orders at once and works them off later; waiting for it moves the host's clock to where it is done."""

    def __init__(self) -> None:
        self.host, self.done_at, self.waits = Tick(), 0.0, 0

    def order(self, seconds: float) -> None:
        self.done_at = max(self.done_at, self.host.time) + seconds

    def sync(self) -> None:
        self.waits += 1
        self.host.time = max(self.host.time, self.done_at)

    def now(self) -> float:
        return self.host.time

    def reset_peak(self) -> None: ...

    def peak_bytes(self) -> int | None:
        return None


class MarkedDevice(LaggingDevice):
    """The same, with marks."""

    def mark(self) -> float:
        return max(self.done_at, self.host.time)

    def between(self, first: float, second: float) -> float:
        assert self.host.time >= second, "a mark was read before the device had passed it"
        return second - first


class Remote(Bowl):
    """A bowl whose evaluation costs the host nothing and the device a second."""

    def __init__(self, device: LaggingDevice) -> None:
        super().__init__()
        self.device = device

    def value(self, x: Tensor) -> Tensor:
        self.device.order(1.0)
        return super().value(x)


class Bookkeeping(HostScalars):
    """Logging an evaluation costs the device a quarter of a second."""

    def __init__(self, log: EventLog, device: LaggingDevice) -> None:
        super().__init__(log, Thresholds(), keep_best=True)
        self.device = device

    def logged(self, *event: Any) -> bool:
        self.device.order(0.25)
        return super().logged(*event)


def run(device: LaggingDevice, *, steps: int, optimizer: Any = None, readout: Any = None) -> tuple[Any, EventLog]:
    log = EventLog(capacity=5000)
    ledger = Ledger(device.now, device.now, DeviceClock(device, log.set_seconds))
    scalars = Bookkeeping(log, device)
    optimizer = optimizer or Descent()
    stage = Stage(problem=Remote(device), optimizer=optimizer)
    loop = TrialLoop(
        Recipe(stages=(stage,), readout=readout),
        PLACE,
        Books(ledger, log, scalars, scalars),
        Budget(steps=steps),
        SnapshotSpool(None, 64),
        optimizer,
    )
    return loop.run(), log


@pytest.mark.parametrize("kind", [LaggingDevice, MarkedDevice])
def test_every_second_that_the_device_worked_for_the_optimizer_is_on_the_clock(kind):
    outcome, _ = run(kind(), steps=7)

    assert outcome.seconds >= 7.0


def test_marks_leave_out_what_the_device_did_for_the_harness():
    outcome, log = run(MarkedDevice(), steps=7)

    assert outcome.seconds == pytest.approx(7.0)
    assert outcome.device_seconds == pytest.approx(7.0)
    assert list(log.trace()["seconds"]) == pytest.approx([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0])


def test_a_run_that_ends_between_snapshots_is_waited_for_too():
    outcome, log = run(MarkedDevice(), steps=1000)  # no snapshot is due at step 1000 itself

    assert outcome.seconds == pytest.approx(1000.0)
    assert log.trace()["seconds"][-1] == pytest.approx(1000.0)


def test_a_clock_that_does_not_wait_would_see_nothing_of_the_device():
    device = LaggingDevice()
    device.sync = lambda: None  # type: ignore[method-assign]  # planted: forgets to wait

    outcome, _ = run(device, steps=7)

    assert outcome.seconds == 0.0


def test_what_the_device_was_told_before_a_region_is_not_on_its_clock():
    device = MarkedDevice()
    device.order(50.0)

    outcome, _ = run(device, steps=3)

    assert outcome.seconds == pytest.approx(3.0)


@pytest.mark.parametrize("kind", [LaggingDevice, MarkedDevice])
def test_the_readouts_preparation_is_timed_with_a_wait_on_both_sides(kind):
    device = kind()

    class Mean:
        def observe(self, point: Any) -> None:
            self.last = point

        def point(self) -> Any:
            device.order(10.0)
            return self.last

    with_readout, _ = run(device, steps=3, readout=Mean)
    without, _ = run(kind(), steps=3)

    assert with_readout.seconds - without.seconds == pytest.approx(10.0)


def test_the_loop_waits_at_snapshots_only():
    device = MarkedDevice()

    run(device, steps=1000)

    assert device.waits < 2 * 65 + 4  # twenty snapshots a decade, each with a wait before and after


def test_many_evaluations_in_one_step_are_read_in_portions():
    class Long(Descent):
        def step(self, oracle: Any, state: Any) -> Any:
            for scale in range(3000):
                oracle.value(torch.full((3,), float(scale), dtype=torch.float64))
            return state

    outcome, log = run(MarkedDevice(), steps=1, optimizer=Long())

    assert outcome.seconds == pytest.approx(3000.0)
    assert list(log.trace()["seconds"])[:3] == pytest.approx([1.0, 2.0, 3.0])
    assert log.trace()["seconds"][-1] == pytest.approx(3000.0)


def test_without_marks_reading_a_full_buffer_loses_no_work_of_the_device():
    class Reading(Bookkeeping):
        count = 0

        def logged(self, *event: Any) -> bool:
            self.count += 1
            if self.count % 1024 == 0:
                self.device.sync()  # as `.tolist()` of a buffer does
            return super().logged(*event)

    device = LaggingDevice()
    log = EventLog(capacity=5000)
    scalars = Reading(log, device)
    ledger = Ledger(device.now, device.now, DeviceClock(device))
    stage = Stage(problem=Remote(device), optimizer=Descent())
    budget = Budget(steps=4000)
    loop = TrialLoop(
        Recipe(stages=(stage,)), PLACE, Books(ledger, log, scalars, scalars), budget, SnapshotSpool(None, 64), Descent()
    )

    assert loop.run().seconds >= 4000.0
