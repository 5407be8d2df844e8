"""An oracle and a loop to measure with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from optbench.api import Recipe, Stage
from optbench.measure.event_log import EventLog
from optbench.measure.ledger import Ledger, StageLimits
from optbench.measure.loop import EVERY_KIND, TrialLoop
from optbench.measure.oracle import Books, CountingOracle
from optbench.measure.scalars import HostScalars, Thresholds
from optbench.measure.snapshots import SnapshotSpool
from optbench.records import Budget
from tests.measure.fakes import PLACE, Rig, Tick


@pytest.fixture
def rig() -> Callable[..., Rig]:
    """Build an oracle over a problem."""

    def build(problem: Any, *, limits: StageLimits | None = None, clock: Tick | None = None, **options: Any) -> Rig:
        ledger = Ledger(clock, clock) if clock is not None else Ledger()
        log = EventLog(capacity=1000)
        scalars = HostScalars(log, options.pop("thresholds", Thresholds()), keep_best=True)
        options.setdefault("declared", EVERY_KIND)
        options.setdefault("layout", {})
        oracle = CountingOracle(
            problem,
            place=PLACE,
            books=Books(ledger, log, scalars, scalars),
            limits=limits or StageLimits(),
            **options,
        )
        ledger.resume()
        return Rig(oracle, ledger, log, scalars)

    return build


@pytest.fixture
def run_loop() -> Callable[..., Any]:
    """Run stages (problem, optimizer) and return (outcome, loop)."""

    def run(*stages: Stage, budget: Budget, clock: Tick | None = None, readout: Any = None, **options: Any) -> Any:
        ledger = Ledger(clock, clock) if clock is not None else Ledger()
        log = EventLog(capacity=1000)
        scalars = HostScalars(log, options.pop("thresholds", Thresholds()), keep_best=options.pop("keep_best", True))
        loop = TrialLoop(
            Recipe(stages=stages, readout=readout),
            PLACE,
            Books(ledger, log, scalars, HostScalars(log, Thresholds(), keep_best=False)),
            budget,
            options.pop("snapshots", SnapshotSpool(None, 64)),
            stages[-1].optimizer,
            **options,
        )
        return loop.run(), loop

    return run
