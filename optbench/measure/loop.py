"""The one loop of the program: a trial is a fold over its recipe's stages; only ledger, log and clock span them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, get_args

import torch
from torch import Tensor

from optbench.api import Evaluation, Point, Recipe, StopTrial
from optbench.measure.curve import Curve
from optbench.measure.event_log import DONE
from optbench.measure.ledger import StageLimits
from optbench.measure.oracle import Books
from optbench.measure.place import Place
from optbench.measure.running import Diverged, RunningStage, begin_stage
from optbench.measure.snapshots import SnapshotSpool
from optbench.measure.stages import StageTally, stage_facts
from optbench.records import Budget, StageRecord, Status

EVERY_KIND: frozenset[Evaluation] = frozenset(get_args(Evaluation))


class Probe(Protocol):
    """Watches a trial from outside the clock; the memory pass is one."""

    def init_begins(self, problem: Any, start: Tensor) -> None:
        """Be told before an optimizer's `init` or `minimize`."""
        ...

    def step_done(self, holders: tuple[Any, ...], point: Tensor) -> None:
        """Be told after each step what keeps state: optimizer, its state, readout; may raise StopTrial."""
        ...


@dataclass(frozen=True)
class Outcome:
    """How the fold ended, and the point that is scored."""

    status: Status
    reason: str
    point: Point
    seconds: float  # on the clock, the preparation of the scored point included
    cpu_seconds: float
    stages: tuple[StageRecord, ...]
    device_seconds: float | None = None  # by the device's own marks, the last preparation left out; None without marks


@dataclass
class TrialLoop:
    """Runs a recipe. `declared` binds the recipe's own optimizer; what a meta-algorithm brings may ask for anything."""

    recipe: Recipe
    place: Place
    books: Books
    budget: Budget
    snapshots: SnapshotSpool
    optimizer: Any
    declared: frozenset[Evaluation] = EVERY_KIND
    probe: Probe | None = None

    def __post_init__(self) -> None:
        """Begin with nothing run."""
        self._curve = Curve(self.recipe.readout() if self.recipe.readout else None, self.books, self.snapshots)
        self._facts = stage_facts(self.recipe)
        self._tally = StageTally(self.books.ledger, self.books.log)
        self._running: RunningStage  # there from the first stage on

    def run(self) -> Outcome:
        """Fold over the stages; exceptions of plugins pass through after the clock was stopped."""
        try:
            status, reason = self._ended()
        finally:
            self._stop_clock()
        scored, ledger = self._curve.end(self._running), self.books.ledger
        self.books.log.beat(ledger.seconds, 0.0, DONE)
        return Outcome(
            status,
            reason,
            scored.point,
            ledger.seconds + scored.seconds,
            ledger.cpu_seconds + scored.cpu_seconds,
            tuple(self._tally.records),
            ledger.device.seconds if ledger.device is not None and ledger.device.marks_time else None,
        )

    def _ended(self) -> tuple[Status, str]:
        """Fold; return how it ended. No end but a failure stands where no value was finite."""
        status, reason = self._fold()
        if status is not Status.DIVERGED and self._curve.saw_nothing_finite(self._running):
            return Status.DIVERGED, "no finite value was found"
        return status, reason

    def _fold(self) -> tuple[Status, str]:
        status, reason, share = None, "", 0.0
        last = len(self.recipe.stages) - 1
        for index, stage in enumerate(self.recipe.stages):
            share += stage.share
            limits = StageLimits.of(self.budget, 1.0 if index == last else min(share, 1.0))
            status, reason = self._stage(index, limits)
            if status is not None:
                return status, reason
        return Status.OK, reason

    # ---- one stage

    def _stage(self, index: int, limits: StageLimits) -> tuple[Status | None, str]:
        """Run one stage and put it on record; return how it ended the trial, None where that goes on, and why."""
        stage, facts, several = self.recipe.stages[index], self._facts[index], len(self._facts) > 1
        status: Status | None
        self._tally.begin()
        try:
            self._running = self._begin(index, limits)
            status, reason = self._until_stopped(self._running)
        except Diverged as end:
            status, reason = Status.DIVERGED, str(end)
        except Exception as error:
            error.add_note(f"in stage {facts.name!r}")
            raise
        diverged = status is Status.DIVERGED
        # Of a single stage the scored point tells.
        value = self._running.value_at_end() if several and not diverged else None
        self._tally.end(facts, reason, value, knows_flops=bool(getattr(stage.problem, "forward_flops", 0)))
        return status, f"{reason}, in stage {facts.name!r}" if several and diverged else reason

    def _begin(self, index: int, limits: StageLimits) -> RunningStage:
        stage = self.recipe.stages[index]
        declared = self.declared if isinstance(stage.optimizer, type(self.optimizer)) else EVERY_KIND
        before = self._running if index else None
        return begin_stage(stage, index, limits, before, place=self.place, books=self.books, declared=declared)

    def _until_stopped(self, running: RunningStage) -> tuple[Status | None, str]:
        try:
            return None, self._run_stage(running)
        except StopTrial:
            self._stop_clock()
            return self._stopped(running)

    def _stopped(self, running: RunningStage) -> tuple[Status | None, str]:
        """The budget of the last stage, or a target, ends the trial; an earlier stage's budget ends that stage."""
        ledger = self.books.ledger
        reason = ledger.stopped or "stopped by the solver"
        if reason != "target":
            running.require_finite(running.published)  # looked at only where the last values were not finite
        elif running.stage.gradient_tolerance is None:
            return Status.TARGET, reason
        else:
            reason = "tolerance"
        if running.index + 1 == len(self.recipe.stages):
            return Status.BUDGET, reason
        ledger.stopped = ""
        return None, reason

    def _run_stage(self, running: RunningStage) -> str:
        if self.probe is not None:
            self.probe.init_begins(running.stage.problem, running.start.parameters)
        if hasattr(running.stage.optimizer, "minimize"):
            return self._minimize(running)
        return self._iterate(running)

    def _iterate(self, running: RunningStage) -> str:
        optimizer: Any = running.stage.optimizer
        start = running.start.parameters
        running.next_batch()
        self._resume()
        if running.state is None:
            running.state = optimizer.init(running.oracle, start)
        else:
            running.state = optimizer.restart(running.state, running.oracle, start)
        self._stop_clock()
        self._curve.begin(running)
        while True:  # the first step has the minibatch of `init`
            self._resume()
            running.state = state = optimizer.step(running.oracle, running.state)
            self._after_step(running, state.point)
            if state.finished is not None:
                running.require_finite(state.point)
                if state.finished == "unbounded":
                    message = "unbounded"
                    raise Diverged(message)
                return str(state.finished)
            running.next_batch()

    def _minimize(self, running: RunningStage) -> str:
        optimizer: Any = running.stage.optimizer
        running.next_batch()
        self._curve.begin(running)

        def observe(x: Any) -> None:
            point = x if isinstance(x, Tensor) else torch.as_tensor(x).to(self.place.device, self.place.dtype)
            self._after_step(running, point)
            running.next_batch()
            self._resume()

        self._resume()
        point = optimizer.minimize(running.oracle, running.start.parameters, observe)
        self._stop_clock()
        running.published = point
        running.require_finite(point)
        if self.books.ledger.stopped:  # the solver swallowed StopTrial
            raise StopTrial
        return getattr(optimizer, "message", "") or "minimize returned"

    # ---- between two steps

    def _after_step(self, running: RunningStage, point: Tensor) -> None:
        """Commit and observe on the clock; publish, check, snapshot and let the probe look off it."""
        ledger, curve = self.books.ledger, self._curve
        if running.commit is not None:
            running.commit(point)
        if curve.readout is not None:
            curve.observe(running, point)
        due = ledger.steps + 1 >= self.snapshots.schedule.due
        ledger.pause(long=due or running.slow_bookkeeping)
        if due:
            ledger.end_region()
        ledger.steps += 1
        running.published = running.published.copy_(point) if running.batches is not None else point
        if due or running.scalars.doubtful:
            running.require_finite(point)
        if due:
            self.books.log.beat(ledger.seconds, 0.0)
            curve.look(running)
        if self.probe is not None:
            self.probe.step_done((running.stage.optimizer, running.state, curve.readout), point)
        if ledger.steps >= running.limits.steps:
            ledger.stopped = ledger.stopped or "steps"
        if ledger.seconds >= running.limits.seconds:  # also where a step evaluates nothing new
            ledger.stopped = ledger.stopped or "seconds"
        if ledger.stopped:  # also where a solver swallowed StopTrial
            raise StopTrial

    def _resume(self) -> None:
        ledger = self.books.ledger
        if not self.books.log.running:
            self.books.log.beat(ledger.seconds, ledger.now())
        ledger.resume()

    def _stop_clock(self) -> None:
        ledger = self.books.ledger
        ran = ledger.running
        ledger.end_region()
        if ran:
            self.books.log.beat(ledger.seconds, 0.0)
