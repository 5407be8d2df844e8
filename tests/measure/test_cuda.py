"""On a CUDA device: evaluations don't wait, the time on the clock is the device's, peaks are the allocator's."""

from __future__ import annotations

import pytest
import torch

from optbench.api import MarkingMeter, Recipe, Stage
from optbench.api.streams import SeededStreams
from optbench.measure.device_clock import DeviceClock
from optbench.measure.event_log import EventLog
from optbench.measure.ledger import Ledger
from optbench.measure.loop import TrialLoop
from optbench.measure.meters import make_meter
from optbench.measure.oracle import Books
from optbench.measure.place import Place
from optbench.measure.scalars import DeviceScalars, Thresholds
from optbench.measure.snapshots import SnapshotSpool
from optbench.records import Budget
from tests.measure.fakes import Bowl, Descent

pytestmark = pytest.mark.cuda
CUDA = torch.device("cuda")


class Heavy(Bowl):
    """A bowl beside a chain of matrix products that keep the device busy."""

    def __init__(self) -> None:
        super().__init__(4)
        self.matrix = torch.eye(2048, dtype=torch.float64, device=CUDA)

    def start(self, streams):
        from optbench.api import Point

        return Point(parameters=torch.ones(4, dtype=torch.float64, device=CUDA))

    def value(self, x):
        busy = self.matrix
        for _ in range(8):
            busy = busy @ self.matrix
        return 0.5 * (x * x).sum() * busy[0, 0]


def test_the_meter_marks_and_counts_the_allocators_bytes():
    meter = make_meter(CUDA)
    assert isinstance(meter, MarkingMeter)

    meter.reset_peak()
    first = meter.mark()
    held = torch.zeros(2**20, dtype=torch.float64, device=CUDA)
    second = meter.mark()
    meter.sync()

    assert meter.between(first, second) >= 0.0
    assert meter.peak_bytes() == held.nbytes


def test_seconds_on_the_clock_are_those_of_the_device():
    meter = make_meter(CUDA)
    log = EventLog(capacity=1000)
    scalars = DeviceScalars(log, Thresholds(), keep_best=True, device=CUDA, dtype=torch.float64)
    ledger = Ledger(meter.now, device=DeviceClock(meter, log.set_seconds))
    problem, optimizer = Heavy(), Descent()
    loop = TrialLoop(
        Recipe(stages=(Stage(problem=problem, optimizer=optimizer),)),
        Place(CUDA, torch.float64, SeededStreams(0)),
        Books(ledger, log, scalars, scalars),
        Budget(steps=50),
        SnapshotSpool(None, 64),
        optimizer,
    )

    outcome = loop.run()
    seconds = list(log.trace()["seconds"])

    assert outcome.device_seconds == pytest.approx(outcome.seconds, rel=0.05)
    assert seconds == sorted(seconds)
    assert seconds[-1] <= outcome.seconds * 1.01
