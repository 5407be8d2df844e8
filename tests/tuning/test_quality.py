"""A trial is one number, or a failure."""

from __future__ import annotations

import math
from typing import Any

import pytest

from optbench.records import Component, Status, TrialRecord, TrialSpec, Yardstick
from optbench.tuning.quality import measured, quality

F = Yardstick(name="f")
LOSS = Yardstick(name="x/validation-loss")
TARGET = Yardstick(name="relative:1e-06")


def record(status: Status = Status.BUDGET, **fields: Any) -> TrialRecord:
    spec = TrialSpec(problem=Component(name="x/p"), optimizer=Component(name="x/o"))
    return TrialRecord(spec=spec, status=status, **fields)


@pytest.mark.parametrize("status", [Status.DIVERGED, Status.TIMEOUT, Status.OOM, Status.CRASHED, Status.ERROR])
@pytest.mark.parametrize("yardstick", [F, LOSS, TARGET])
def test_what_failed_has_no_value_however_good_it_was_before(status: Status, yardstick: Yardstick) -> None:
    reached = {"relative:1e-06": 3.0}
    good = record(status, f_best=0.0, metrics={"validation-loss": 0.0}, evaluations_to_target=reached)
    assert measured(good, yardstick) is None
    assert quality([good], yardstick) > quality([record(f_best=9.0, metrics={"validation-loss": 9.0})], yardstick)


def test_a_metric_goes_by_its_short_or_its_qualified_name() -> None:
    assert measured(record(metrics={"validation-loss": 0.5}), LOSS) == 0.5
    assert measured(record(metrics={"x/validation-loss": 0.5}), LOSS) == 0.5
    assert measured(record(metrics={"validation-loss": math.nan}), LOSS) is None
    assert measured(record(), LOSS) is None


def test_a_threshold_of_a_metric_is_a_target() -> None:
    reached = Yardstick(name="test-accuracy>=0.9")
    assert reached.is_target
    assert measured(record(evaluations_to_target={"test-accuracy>=0.9": 40.0}), reached) == 40.0


def test_fewer_failures_come_first_then_the_mean() -> None:
    steady, lucky = [record(f_best=5.0)] * 2, [record(f_best=0.0), record(Status.DIVERGED)]
    assert quality(steady, F) < quality(lucky, F)
    assert quality([record(f_best=1.0), record(f_best=3.0)], F).mean == 2.0
