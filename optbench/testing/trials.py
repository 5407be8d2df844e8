"""Runs an optimizer, or a recipe, in the engine's own loop, with what a check wants to see of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from optbench.api import Evaluation, Recipe, Stage
from optbench.api.streams import SeededStreams
from optbench.measure.event_log import EventLog
from optbench.measure.ledger import Ledger
from optbench.measure.loop import EVERY_KIND, Outcome, TrialLoop
from optbench.measure.oracle import Books
from optbench.measure.place import Place
from optbench.measure.scalars import Thresholds, make_scalars
from optbench.measure.snapshots import SnapshotSpool
from optbench.records import Budget, Trace
from optbench.testing.subject import Subject

_EVENTS = 4096
_SECONDS = 20.0  # a trial that neither evaluates nor ends is the isolation's business


CPU = torch.device("cpu")


def place(*, dtype: torch.dtype = torch.float64, device: torch.device = CPU, seed: int = 0) -> Place:
    """Return where something is to be built or run."""
    return Place(device, dtype, SeededStreams(seed))


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
    ledger = Ledger()
    optimizer = wrap(subject.optimizer(), ledger)
    recipe = Recipe(stages=stages(optimizer) if stages else (Stage(problem=problem, optimizer=optimizer),))
    keep_best = not hasattr(problem, "batches") or problem.batches(where.streams) is None
    return drive(
        recipe,
        where,
        budget,
        declared=subject.declared,
        ledger=ledger,
        watcher=watcher or Watcher(),
        keep_best=keep_best,
    )


def drive(
    recipe: Recipe,
    where: Place,
    budget: Budget,
    *,
    declared: frozenset[Evaluation] = EVERY_KIND,
    ledger: Ledger,
    watcher: Watcher,
    keep_best: bool = False,
) -> Trial:
    """Run a recipe in the engine's loop; what plugins raise passes through."""
    log = EventLog(capacity=_EVENTS)
    scalars = make_scalars(log, Thresholds(), where, keep_best=keep_best)
    off_curve = make_scalars(log, Thresholds(), where, keep_best=False)
    loop = TrialLoop(
        recipe=recipe,
        place=where,
        books=Books(ledger, log, scalars, off_curve),
        budget=budget,
        snapshots=SnapshotSpool(None, 0),
        optimizer=recipe.stages[-1].optimizer,
        declared=declared,
        probe=watcher,
    )
    return Trial(loop.run(), ledger, log.trace(), watcher.points)


def limited(*, evaluations: int | None = None, steps: int | None = None) -> Budget:
    """Return a budget of counts that also ends on the clock."""
    return Budget(evaluations=evaluations, steps=steps, seconds=_SECONDS)


def owns_its_loop(subject: Subject) -> bool:
    """Tell whether the plugin is a Minimizer; builds it."""
    return hasattr(subject.optimizer(), "minimize")
