"""Runs an optimizer in the engine's own loop, with what a check wants to see of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from optbench.api import Recipe, Stage
from optbench.measure.event_log import EventLog
from optbench.measure.ledger import Ledger
from optbench.measure.loop import Outcome, TrialLoop
from optbench.measure.oracle import Books, Place
from optbench.measure.scalars import HostScalars, Thresholds
from optbench.measure.snapshots import SnapshotSpool
from optbench.measure.streams import SeededStreams
from optbench.records import Budget, Trace
from optbench.testing.subject import Subject

_EVENTS = 4096
_SECONDS = 20.0  # a trial that neither evaluates nor ends is the isolation's business


def place(*, seed: int = 0, dtype: torch.dtype = torch.float64) -> Place:
    """Return the CPU with a seed and a dtype."""
    return Place(torch.device("cpu"), dtype, SeededStreams(seed))


@dataclass
class Watcher:
    """A probe of the loop that keeps each published point; subclasses look at more."""

    points: list[Tensor] = field(default_factory=list)

    def init_begins(self, problem: Any, start: Tensor) -> None:
        """Be told before `init` or `minimize`."""

    def step_done(self, holders: tuple[Any, ...], point: Tensor) -> None:
        """Copy the point."""
        self.points.append(point.detach().clone())


@dataclass(frozen=True)
class Trial:
    """What came of a run."""

    outcome: Outcome
    ledger: Ledger
    trace: Trace
    points: list[Tensor]  # published, one a step

    @property
    def end(self) -> Tensor:
        """The parameters of the scored point."""
        assert self.outcome.point is not None
        return self.outcome.point.parameters


def run(
    subject: Subject,
    problem: Any,
    where: Place,
    budget: Budget,
    *,
    watcher: Watcher | None = None,
    wrap: Callable[[Any, Ledger], Any] = lambda optimizer, _: optimizer,
    stages: Callable[[Any], tuple[Stage, ...]] | None = None,
) -> Trial:
    """Run the subject's optimizer on `problem`; what the plugin raises passes through.

    `wrap` may put something between the loop and the optimizer; `stages` makes more than one stage of it.
    """
    ledger, log = Ledger(), EventLog(capacity=_EVENTS)
    optimizer = wrap(subject.optimizer(), ledger)
    watching = watcher or Watcher()
    keep_best = not hasattr(problem, "batches") or problem.batches(where.streams) is None
    scalars = HostScalars(log, Thresholds(), keep_best=keep_best)
    loop = TrialLoop(
        recipe=Recipe(stages=stages(optimizer) if stages else (Stage(problem=problem, optimizer=optimizer),)),
        place=where,
        books=Books(ledger, log, scalars, HostScalars(log, Thresholds(), keep_best=False)),
        budget=budget,
        snapshots=SnapshotSpool(None, 0),
        optimizer=optimizer,
        declared=subject.declared,
        probe=watching,
    )
    return Trial(loop.run(), ledger, log.trace(), watching.points)


def limited(*, evaluations: int | None = None, steps: int | None = None) -> Budget:
    """Return a budget of counts that also ends on the clock."""
    return Budget(evaluations=evaluations, steps=steps, seconds=_SECONDS)


def owns_its_loop(subject: Subject) -> bool:
    """Tell whether the plugin is a Minimizer; builds it."""
    return hasattr(subject.optimizer(), "minimize")
