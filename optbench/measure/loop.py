"""The one loop of the program: a trial is a fold over its recipe's stages; only ledger, log and clock span them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Protocol, get_args

import torch
from torch import Tensor

from optbench.api import Evaluation, Point, Readout, Recipe, Refused, Stage, StopTrial
from optbench.measure.event_log import DONE
from optbench.measure.ledger import BRIEF_SIZE, StageLimits
from optbench.measure.oracle import Books, CountingOracle, Place
from optbench.measure.preparing import Preparation, prepared
from optbench.measure.scalars import Scalars, Thresholds, is_finite, make_scalars
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
    point: Point | None
    seconds: float  # on the clock, the preparation of the scored point included
    cpu_seconds: float
    stages: tuple[StageRecord, ...]
    device_seconds: float | None = None  # by the device's own marks, the last preparation left out; None without marks


class Diverged(Exception):  # noqa: N818 -- an end, not an error
    """The trial ends here, whatever stages would follow."""


@dataclass
class _Running:
    """What changes while a stage runs."""

    stage: Stage
    index: int
    oracle: CountingOracle
    scalars: Scalars
    limits: StageLimits
    start: Point
    batches: Iterator[Tensor] | None
    published: Tensor  # the last published point; for stochastic problems a copy
    commit: Callable[[Tensor], None] | None  # the problem's, if it keeps running statistics
    slow_bookkeeping: bool  # whether what happens between steps takes more than microseconds
    state: Any = None


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
        self._readout: Readout | None = self.recipe.readout() if self.recipe.readout else None
        self._observed = False
        self._running: _Running | None = None
        self._facts = stage_facts(self.recipe)
        self._tally = StageTally(self.books.ledger, self.books.log)

    def run(self) -> Outcome:
        """Fold over the stages; exceptions of plugins pass through after the clock was stopped."""
        try:
            status, reason = self._ended()
        finally:
            self._stop_clock()
        self.books.scalars.flush()
        self.books.off_curve.flush()
        scored, ledger = self._scored(), self.books.ledger
        if scored is not None:
            self._take(scored, last=True)
            ledger.examples += scored.examples
            ledger.cost += scored.cost
        self.books.log.beat(ledger.seconds, 0.0, DONE)
        return Outcome(
            status,
            reason,
            scored.point if scored is not None else None,
            ledger.seconds + (scored.seconds if scored is not None else 0.0),
            ledger.cpu_seconds + (scored.cpu_seconds if scored is not None else 0.0),
            tuple(self._tally.records),
            ledger.device.seconds if ledger.device is not None and ledger.device.marks_time else None,
        )

    def _ended(self) -> tuple[Status, str]:
        """Fold; return how it ended. No end but a failure stands where no value was finite."""
        status, reason = self._fold()
        if status is not Status.DIVERGED and self._saw_nothing_finite():
            return Status.DIVERGED, "no finite value was found"
        return status, reason

    def _fold(self) -> tuple[Status, str]:
        status, reason, previous, share = None, "", None, 0.0
        last = len(self.recipe.stages) - 1
        for index, stage in enumerate(self.recipe.stages):
            share += stage.share
            limits = StageLimits.of(self.budget, 1.0 if index == last else min(share, 1.0))
            status, reason = self._stage(index, limits, previous)
            if status is not None:
                return status, reason
            previous = self._final_point()
        return Status.OK, reason

    def _stage(self, index: int, limits: StageLimits, previous: Point | None) -> tuple[Status | None, str]:
        """Run one stage and put it on record; return how it ended the trial, None where that goes on, and why."""
        status, stage = None, self.recipe.stages[index]
        self._tally.begin()
        try:
            status, reason = self._until_stopped(index, limits, previous)
        except Diverged as diverged:
            status, reason = Status.DIVERGED, str(diverged)
        except Exception as error:
            error.add_note(f"in stage {self._facts[index].name!r}")
            raise
        value = self._value_at_end() if status is not Status.DIVERGED else None
        knows_flops = bool(getattr(stage.problem, "forward_flops", 0))
        self._tally.end(self._facts[index], reason, value, knows_flops=knows_flops)
        told = status is Status.DIVERGED and len(self.recipe.stages) > 1
        return status, f"{reason}, in stage {self._facts[index].name!r}" if told else reason

    def _until_stopped(self, index: int, limits: StageLimits, previous: Point | None) -> tuple[Status | None, str]:
        try:
            return None, self._run_stage(index, self.recipe.stages[index], limits, previous)
        except StopTrial:
            self._stop_clock()
            return self._stopped(is_last=index + 1 == len(self.recipe.stages))

    def _stopped(self, *, is_last: bool) -> tuple[Status | None, str]:
        """The budget of the last stage, or a target, ends the trial; an earlier stage's budget ends that stage."""
        ledger, running = self.books.ledger, self._running
        reason = ledger.stopped or "stopped by the solver"
        if reason != "target":
            self._require_finite_end()
        elif running is None or running.stage.gradient_tolerance is None:
            return Status.TARGET, reason
        else:
            reason = "tolerance"
        if is_last:
            return Status.BUDGET, reason
        ledger.stopped = ""
        return None, reason

    def _value_at_end(self) -> float | None:
        """Return the stage's own objective where it ended; of a single stage the scored point tells."""
        running = self._running
        if running is None or len(self.recipe.stages) == 1:
            return None
        problem: Any = running.stage.problem
        statistics = problem.statistics() if hasattr(problem, "statistics") else None
        value = running.oracle.value_at_end(self._end_of(running))
        if statistics is not None:  # evaluations keep theirs aside; the next step must not find these
            problem.restore(statistics)
        return value

    # ---- one stage

    def _run_stage(self, index: int, stage: Stage, limits: StageLimits, previous: Point | None) -> str:
        running = self._begin(index, stage, limits, previous)
        if self.probe is not None:
            self.probe.init_begins(stage.problem, running.start.parameters)
        if hasattr(stage.optimizer, "minimize"):
            return self._minimize(running)
        return self._iterate(running)

    def _begin(self, index: int, stage: Stage, limits: StageLimits, previous: Point | None) -> _Running:
        problem: Any = stage.problem
        fresh = problem.start(self.place.streams)
        carry = stage.carry or _go_on
        start = carry(previous, fresh)
        if start.parameters.numel() != problem.size:
            message = (
                f"stage {index + 1} starts with {start.parameters.numel()} parameters, its problem has {problem.size}"
            )
            raise ValueError(message)
        keeps_statistics = _restore(problem, start, fresh)
        batches = problem.batches(self.place.streams) if hasattr(problem, "batches") else None
        scalars = self._scalars_of(stage)
        oracle = CountingOracle(
            problem,
            place=self.place,
            books=replace(self.books, scalars=scalars),
            limits=limits,
            declared=self.declared if isinstance(stage.optimizer, type(self.optimizer)) else EVERY_KIND,
            layout=start.layout or fresh.layout,
            stage=index,
            stochastic=batches is not None,
        )
        before = self._running
        commit = problem.commit if keeps_statistics else None
        slow = batches is not None or problem.size > BRIEF_SIZE
        published = start.parameters if batches is None else start.parameters.clone()
        running = _Running(
            stage, index, oracle, scalars, limits, start, batches, published, commit, slow_bookkeeping=slow
        )
        if stage.keep_state:
            if before is None or before.state is None or not hasattr(stage.optimizer, "restart"):
                message = f"stage {index + 1} keeps the optimizer's state, but the optimizer has no restart()"
                raise Refused(message)
            running.state = before.state
        self._running = running
        return running

    def _scalars_of(self, stage: Stage) -> Scalars:
        if stage.on_curve:
            return self.books.scalars
        if stage.gradient_tolerance is None:
            return self.books.off_curve
        thresholds = Thresholds(gradient_norm=stage.gradient_tolerance)
        return make_scalars(self.books.log, thresholds, self.place, keep_best=True)

    def _iterate(self, running: _Running) -> str:
        optimizer: Any = running.stage.optimizer
        start = running.start.parameters
        self._next_batch(running)
        self._resume()
        if running.state is None:
            running.state = optimizer.init(running.oracle, start)
        else:
            running.state = optimizer.restart(running.state, running.oracle, start)
        self._stop_clock()
        self._first_snapshot(running)
        first = True
        while True:
            if not first:
                self._next_batch(running)
            first = False
            self._resume()
            running.state = state = optimizer.step(running.oracle, running.state)
            self._after_step(running, state.point)
            if state.finished is not None:
                self._require_finite(running, state.point)
                if state.finished == "unbounded":
                    message = "unbounded"
                    raise Diverged(message)
                return str(state.finished)

    def _minimize(self, running: _Running) -> str:
        optimizer: Any = running.stage.optimizer
        self._next_batch(running)
        self._first_snapshot(running)

        def observe(x: Any) -> None:
            point = x if isinstance(x, Tensor) else torch.as_tensor(x).to(self.place.device, self.place.dtype)
            self._after_step(running, point)
            self._next_batch(running)
            self._resume()

        self._resume()
        point = optimizer.minimize(running.oracle, running.start.parameters, observe)
        self._stop_clock()
        running.published = point
        self._require_finite(running, point)
        if self.books.ledger.stopped:  # the solver swallowed StopTrial
            raise StopTrial
        return getattr(optimizer, "message", "") or "minimize returned"

    def _after_step(self, running: _Running, point: Tensor) -> None:
        """Commit and observe on the clock; publish, check, snapshot and let the probe look off it."""
        ledger = self.books.ledger
        if running.commit is not None or self._readout is not None:
            self._commit_and_observe(running, point)
        due = ledger.steps + 1 >= self.snapshots.schedule.due
        ledger.pause(long=due or running.slow_bookkeeping)
        if due:
            ledger.end_region()
        ledger.steps += 1
        running.published = running.published.copy_(point) if running.batches is not None else point
        if due or running.scalars.doubtful:
            self._require_finite(running, point)
        if due:
            self.books.log.beat(ledger.seconds, 0.0)
            self._snapshot(running)
        if self.probe is not None:
            self.probe.step_done((running.stage.optimizer, running.state, self._readout), point)
        if ledger.steps >= running.limits.steps:
            ledger.stopped = ledger.stopped or "steps"
        if ledger.seconds >= running.limits.seconds:  # also where a step evaluates nothing new
            ledger.stopped = ledger.stopped or "seconds"
        if ledger.stopped:  # also where a solver swallowed StopTrial
            raise StopTrial

    def _commit_and_observe(self, running: _Running, point: Tensor) -> None:
        if running.commit is not None:
            running.commit(point)
        if self._readout is not None and running.stage.on_curve:
            self._readout.observe(self._point(running, point))
            self._observed = True

    def _next_batch(self, running: _Running) -> None:
        if running.batches is not None:
            running.oracle.set_batch(next(running.batches).to(self.place.device))

    def _require_finite_end(self) -> None:
        """The published point was looked at only where the last values or gradients were not finite."""
        if (running := self._running) is not None:
            self._require_finite(running, running.published)

    def _require_finite(self, running: _Running, point: Tensor) -> None:
        running.scalars.doubtful = False
        if not is_finite(point):
            message = "the published point is not finite"
            raise Diverged(message)
        value = running.oracle.known_value(point)
        if value is not None and not math.isfinite(float(value)):
            message = "the value of the published point is not finite"
            raise Diverged(message)

    def _saw_nothing_finite(self) -> bool:
        """Tell whether the full objective was evaluated, and never finite."""
        self.books.scalars.flush()
        running = self._running
        judged = running is not None and running.batches is None and running.stage.on_curve
        return judged and self.books.log.events > 0 and math.isinf(self.books.scalars.best_value)

    # ---- the clock

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

    # ---- the scored point

    def _first_snapshot(self, running: _Running) -> None:
        """Look at where the trial begins, and where its curve does after stages off it."""
        if running.index == 0 or running.stage.on_curve:
            self._snapshot(running)

    def _snapshot(self, running: _Running) -> None:
        self.snapshots.schedule.advance(self.books.ledger.steps)
        if running.scalars.flush() and not self.books.ledger.stopped:
            self.books.ledger.stopped = "target"
        if running.stage.on_curve:
            scored = self._scored()
            if scored is not None:
                self._take(scored)

    def _scored(self) -> Preparation | None:
        """Return the point to score now, with what preparing it took; None before anything runs."""
        running = self._running
        if running is None:
            return None
        judged = running.stage.judged
        if self._readout is not None and self._observed:
            scored = prepared(self._readout, running.stage.problem, self.books.ledger)
        else:
            best = self.books.scalars.best_point if running.batches is None and judged is None else None
            parameters = running.published if best is None or best.numel() != running.oracle.size else best
            scored = Preparation(self._point(running, parameters))
        return scored if judged is None else replace(scored, point=judged.point(scored.point))

    def _final_point(self) -> Point | None:
        running = self._running
        return None if running is None else self._point(running, self._end_of(running))

    def _end_of(self, running: _Running) -> Tensor:
        """Return the parameters that a stage hands on: where it met its own tolerance, or its last published ones."""
        met = None if running.stage.gradient_tolerance is None else running.scalars.best_point
        return running.published if met is None or running.batches is not None else met

    def _point(self, running: _Running, parameters: Tensor) -> Point:
        problem: Any = running.stage.problem
        statistics = problem.statistics() if hasattr(problem, "statistics") else None
        return Point(parameters=parameters, statistics=statistics, layout=running.oracle.layout)

    def _take(self, scored: Preparation, *, last: bool = False) -> None:
        running, ledger = self._running, self.books.ledger
        if running is None or not running.stage.on_curve:
            return
        row = (
            running.index,
            ledger.steps,
            *(ledger.counts[kind] for kind in ("value", "gradient", "hessian_vector", "hessian")),
            ledger.examples + scored.examples,
            ledger.seconds + scored.seconds,
            ledger.cpu_seconds + scored.cpu_seconds,
            *(ledger.counts[kind] for kind in ("residuals", "jacobian")),
            ledger.cost + scored.cost,
            ledger.evaluations,
        )
        self.snapshots.take(row, scored.point, last=last)


def _restore(problem: Any, start: Point, fresh: Point) -> bool:
    """Begin with the start's running statistics or, where it has none, with fresh ones; tell whether there are any."""
    kept = problem.statistics() if hasattr(problem, "statistics") else None
    if kept is None:
        return False
    statistics = fresh.statistics if start.statistics is None else start.statistics
    if statistics is not None:
        if statistics.shape != kept.shape:
            message = f"a stage starts with {statistics.numel()} running statistics, its problem keeps {kept.numel()}"
            raise ValueError(message)
        problem.restore(statistics)
    return True


def _go_on(previous: Point | None, fresh: Point) -> Point:
    return fresh if previous is None else previous
