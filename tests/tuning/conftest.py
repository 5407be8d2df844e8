"""A made-up world in which the quality of a trial follows from its options, and a planner is run without children."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from optbench.records import (
    Budget,
    Component,
    Dimension,
    Entry,
    Status,
    SuiteSpec,
    TrialRecord,
    TrialSpec,
    Tuning,
    TuningTask,
    Yardstick,
)

RATE = Dimension(option="lr", scale="log", low=1e-4, high=1.0)
PROBLEM = Component(name="made-up/valley", options={"n": 2})
OPTIMIZER = Component(name="made-up/descent", options={"lr": 0.5, "momentum": 0.0})
LOSS = Yardstick(name="made-up/validation-loss")
Loss = Callable[[TrialSpec], float | None]


@dataclass
class Plain:
    """Trials that aren't tuned, and tasks."""

    trials: Sequence[TrialSpec] = ()
    tasks: Sequence[TuningTask] = ()


@dataclass
class World:
    """Answers every trial by `loss`; None stands for a trial that diverged."""

    loss: Loss
    rounds: list[tuple[TrialSpec, ...]] = field(default_factory=list)

    def record(self, spec: TrialSpec, **fields: Any) -> TrialRecord:
        """Return what a trial measures here."""
        loss = self.loss(spec)
        status = Status.DIVERGED if loss is None else Status.BUDGET
        known: dict[str, Any] = {"evaluations": 10, "seconds": 0.5, "counts": {"examples": 100}, "f_best": loss}
        return TrialRecord(spec=spec, status=status, metrics={"validation-loss": loss}, **{**known, **fields})

    def run(self, planner: Any, known: Iterable[TrialRecord] = ()) -> list[TrialRecord]:
        """Run until the planner has nothing more."""
        records = list(known)
        while specs := planner.next(records):
            self.rounds.append(specs)
            records += map(self.record, specs)
        return records


def task(*space: Dimension, seeded: bool = True, optimizer: Component = OPTIMIZER, **fields: Any) -> TuningTask:
    trial = TrialSpec(problem=PROBLEM, optimizer=optimizer, budget=Budget(steps=10))
    return TuningTask(trial=trial, space=space or (RATE,), seeded=seeded, **{"select": LOSS, "score": LOSS, **fields})


def suite(tuning: Mapping[str, Any] | None = None, **fields: Any) -> SuiteSpec:
    entry = Entry(use=OPTIMIZER, space=(RATE,))
    given = {"seeds": (0, 1, 2), "problems": (Entry(use=PROBLEM),), "optimizers": (entry,), **fields}
    return SuiteSpec(name="s", title="S", tuning=Tuning(select=LOSS, score=LOSS, **(tuning or {})), **given)


@pytest.fixture
def made_up() -> Any:
    """Return this module's names; test folders are no packages."""
    return type("MadeUp", (), {**globals(), "task": staticmethod(task), "suite": staticmethod(suite)})
