"""Between snapshots the engine itself never makes the host wait: what a step waits for is the optimizer's doing."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from optbench.api import Point, Recipe, Stage
from optbench.api.streams import SeededStreams
from optbench.measure.event_log import EventLog
from optbench.measure.ledger import Ledger
from optbench.measure.loop import TrialLoop
from optbench.measure.oracle import Books
from optbench.measure.place import Place
from optbench.measure.scalars import DeviceScalars, Thresholds
from optbench.measure.snapshots import SnapshotSpool
from optbench.records import Budget, Status
from optbench.testing.audit import Audit
from optbench.testing.audit_oracle import DTYPE, Bowl
from optbench.testing.audit_shadows import DEVICE

STEPS = 40


class Descent:
    """x ← x − lr·g; waits for nothing, or, wrongly, for the gradient's norm."""

    def __init__(self, waits: bool) -> None:
        self.waits = waits

    def init(self, oracle: Any, start: Tensor) -> Any:
        return SimpleNamespace(point=start.clone(), finished=None)

    def step(self, oracle: Any, state: Any) -> Any:
        _, gradient = oracle.value_and_gradient(state.point)
        if self.waits:
            gradient = gradient / max(1.0, float(gradient.norm()))
        state.point = state.point - 1e-3 * gradient
        return state


class Mean:
    """Looks on, on the device."""

    def observe(self, point: Point) -> None:
        self.last = point.parameters.clone()

    def point(self) -> Point:
        return Point(parameters=self.last)


class Steps:
    """A probe that takes the waits of each step."""

    def __init__(self, audit: Audit) -> None:
        self.audit, self.waits = audit, [[]]

    def init_begins(self, problem: Any, start: Tensor) -> None:
        self.audit.take()

    def step_done(self, holders: tuple[Any, ...], point: Tensor) -> None:
        self.waits.append([sync.operation for sync in self.audit.take()])


def run(optimizer: Descent, readout: Any = None) -> tuple[dict[int, list[str]], list[int], Any]:
    """Return the waits up to the end of each step, the steps at which a snapshot was taken, and the trace."""
    taken: list[int] = []

    class Spool(SnapshotSpool):
        def take(self, row: tuple[float, ...], point: Point, *, last: bool = False) -> None:
            taken.append(int(row[1]))

    with Audit() as audit:
        place = Place(DEVICE, DTYPE, SeededStreams(0))
        log, problem, probe = EventLog(capacity=1000), Bowl(), Steps(audit)
        scalars = DeviceScalars(log, Thresholds(), keep_best=True, device=DEVICE, dtype=DTYPE)
        recipe = Recipe(stages=(Stage(problem=problem, optimizer=optimizer),), readout=readout)
        books = Books(Ledger(), log, scalars, scalars)
        loop = TrialLoop(recipe, place, books, Budget(steps=STEPS), Spool(None, 0), optimizer, probe=probe)
        assert loop.run().status is Status.BUDGET
    return dict(enumerate(probe.waits)), taken, log.trace()


@pytest.mark.parametrize("readout", [None, Mean])
def test_only_snapshots_wait(readout: Any) -> None:
    waits, taken, _ = run(Descent(waits=False), readout)
    waited = {step for step, operations in waits.items() if operations}
    assert waited <= {*taken, 1}  # the snapshot of the start waits before the first step ends
    assert len(set(range(1, STEPS)) - waited) > 10


def test_a_snapshot_waits_for_the_log_and_for_the_checks_that_numbers_are_finite() -> None:
    waits, taken, _ = run(Descent(waits=False))
    for step in set(taken) - {0, 1, STEPS}:
        assert Counter(waits[step]) == {"copy": 2}


def test_a_waiting_optimizer_is_seen_at_every_step() -> None:
    waits, _, _ = run(Descent(waits=True))
    assert all("item" in waits[step] for step in range(1, STEPS + 1))


def test_the_values_that_waited_are_the_true_ones() -> None:
    _, _, trace = run(Descent(waits=False))
    x = torch.tensor([-1.0, 2.0, -0.5, 3.0] * 2, dtype=DTYPE)
    squares = torch.logspace(0.0, 1.0, 8, dtype=DTYPE) ** 2
    for value in trace["value"]:
        assert value == pytest.approx(float((squares * (x - 1) ** 2).sum()), rel=1e-12)
        x = x - 1e-3 * 2 * squares * (x - 1)
