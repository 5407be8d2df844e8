"""Away from the CPU nothing synchronises inside an evaluation: on the meta device any read of a value raises."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from optbench.api.streams import SeededStreams
from optbench.measure.event_log import EventLog
from optbench.measure.ledger import Ledger, StageLimits
from optbench.measure.loop import EVERY_KIND
from optbench.measure.oracle import Books, CountingOracle
from optbench.measure.place import Place
from optbench.measure.scalars import DeviceScalars, Thresholds
from tests.measure.fakes import Bowl

META, CPU = torch.device("meta"), torch.device("cpu")


class OnDevice(Bowl):
    """A bowl whose centre lies on the device, or, wrongly, on the CPU."""

    def __init__(self, centre: torch.device) -> None:
        super().__init__()
        self.centre = torch.zeros(3, dtype=torch.float64, device=centre)

    def value(self, x: Tensor) -> Tensor:
        return ((x - self.centre) ** 2).sum()


def oracle_on(
    device: torch.device, problem: Bowl, thresholds: Thresholds | None = None
) -> tuple[CountingOracle, DeviceScalars, EventLog]:
    log, ledger = EventLog(capacity=5000), Ledger()
    scalars = DeviceScalars(log, thresholds or Thresholds(), keep_best=True, device=device, dtype=torch.float64)
    oracle = CountingOracle(
        problem,
        place=Place(device, torch.float64, SeededStreams(0)),
        books=Books(ledger, log, scalars, scalars),
        limits=StageLimits(),
        declared=EVERY_KIND,
        layout={},
    )
    return oracle, scalars, log


def test_evaluations_never_read_the_device():
    oracle, _, log = oracle_on(META, OnDevice(META))

    for _ in range(50):
        x = torch.zeros(3, dtype=torch.float64, device=META)
        oracle.value_and_gradient(x)
        oracle.value(x)
        oracle.hessian_vector(x, x)

    assert log.rows == 100  # the repeated value is free


def test_a_read_of_the_device_would_be_caught():
    with pytest.raises(RuntimeError, match="meta"):
        torch.zeros((), device=META).item()


def test_a_tensor_on_the_wrong_device_is_caught():
    oracle, _, _ = oracle_on(META, OnDevice(CPU))

    with pytest.raises(RuntimeError, match="device"):
        oracle.value(torch.zeros(3, dtype=torch.float64, device=META))


def test_values_that_waited_on_the_device_are_filled_in_at_the_flush():
    oracle, scalars, log = oracle_on(CPU, Bowl(), Thresholds(value=1.0))

    for scale in (2.0, 0.5, 1.0):
        oracle.value_and_gradient(torch.full((3,), scale, dtype=torch.float64))
    before = list(log.trace()["value"])
    reached = scalars.flush()

    assert all(map(math.isnan, before))
    assert list(log.trace()["value"]) == [6.0, 0.375, 1.5]
    assert list(log.trace()["gradient_norm"]) == [2.0, 0.5, 1.0]
    assert reached
    assert scalars.best_value == 0.375
    assert scalars.best_point.tolist() == [0.5, 0.5, 0.5]


def test_a_full_buffer_is_flushed_by_itself():
    oracle, _, log = oracle_on(CPU, Bowl())

    for step in range(1030):
        oracle.value(torch.full((3,), float(step), dtype=torch.float64))

    values = list(log.trace()["value"])
    assert values[1023] == 1.5 * 1023.0**2
    assert math.isnan(values[1024])
