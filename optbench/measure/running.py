"""A stage while it runs: where it starts, what it evaluates with, what it hands on."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

from optbench.api import Evaluation, Point, Refused, Stage
from optbench.measure.ledger import BRIEF_SIZE, StageLimits
from optbench.measure.oracle import Books, CountingOracle
from optbench.measure.place import Place
from optbench.measure.scalars import Scalars, Thresholds, is_finite, make_scalars


class Diverged(Exception):  # noqa: N818 -- an end, not an error
    """The trial ends here, whatever stages would follow."""


@dataclass
class RunningStage:
    """What a stage runs with, and what changes while it does."""

    stage: Stage
    index: int
    place: Place
    oracle: CountingOracle
    scalars: Scalars
    limits: StageLimits
    start: Point
    batches: Iterator[Tensor] | None
    published: Tensor  # the last published point; for stochastic problems a copy
    commit: Callable[[Tensor], None] | None  # the problem's, if it keeps running statistics
    slow_bookkeeping: bool  # whether what happens between steps takes more than microseconds
    state: Any = None  # the optimizer's

    def next_batch(self) -> None:
        """Draw the minibatch of the step to come, where the problem has any."""
        if self.batches is not None:
            self.oracle.set_batch(next(self.batches).to(self.place.device))

    def point(self, parameters: Tensor) -> Point:
        """Return the point with the problem's running statistics as they are now."""
        return Point(parameters=parameters, statistics=_statistics(self.stage.problem), layout=self.oracle.layout)

    def end(self) -> Point:
        """Return what the stage hands on."""
        return self.point(self._end())

    def value_at_end(self) -> float:
        """Return the stage's own objective where it ended."""
        problem: Any = self.stage.problem
        statistics = _statistics(problem)
        value = self.oracle.value_at_end(self._end())
        if statistics is not None:  # evaluations keep theirs aside; the next step must not find these
            problem.restore(statistics)
        return value

    def require_finite(self, point: Tensor) -> None:
        """Raise Diverged where a published point or its value is not finite."""
        self.scalars.doubtful = False
        if not is_finite(point):
            message = "the published point is not finite"
            raise Diverged(message)
        value = self.oracle.known_value(point)
        if value is not None and not math.isfinite(float(value)):
            message = "unbounded" if value == -math.inf else "the value of the published point is not finite"
            raise Diverged(message)

    def _end(self) -> Tensor:
        """Return the parameters handed on: where the stage met its own tolerance, or its last published ones."""
        met = None if self.stage.gradient_tolerance is None else self.scalars.best_point
        return self.published if met is None or self.batches is not None else met


def begin_stage(
    stage: Stage,
    index: int,
    limits: StageLimits,
    before: RunningStage | None,
    *,
    place: Place,
    books: Books,
    declared: frozenset[Evaluation],
) -> RunningStage:
    """Return the stage ready to run, with an oracle of its own; `before` is the stage that it follows."""
    problem: Any = stage.problem
    previous = None if before is None else before.end()
    fresh = problem.start(place.streams)
    start = _start(stage, index, previous, fresh)
    keeps_statistics = _restore(problem, start, fresh)
    batches = problem.batches(place.streams) if hasattr(problem, "batches") else None
    scalars = _scalars(stage, place, books)
    oracle = CountingOracle(
        problem,
        place=place,
        books=replace(books, scalars=scalars),
        limits=limits,
        declared=declared,
        layout=start.layout or fresh.layout,
        stage=index,
        stochastic=batches is not None,
    )
    return RunningStage(
        stage,
        index,
        place,
        oracle,
        scalars,
        limits,
        start,
        batches,
        published=start.parameters if batches is None else start.parameters.clone(),
        commit=problem.commit if keeps_statistics else None,
        slow_bookkeeping=batches is not None or problem.size > BRIEF_SIZE,
        state=_kept_state(stage, index, before),
    )


def _start(stage: Stage, index: int, previous: Point | None, fresh: Point) -> Point:
    """Return where the stage starts: at what its `carry` makes of the point before it and a fresh one."""
    carry = stage.carry or _go_on
    start, problem = carry(previous, fresh), stage.problem
    if start.parameters.numel() != problem.size:
        message = f"stage {index + 1} starts with {start.parameters.numel()} parameters, its problem has {problem.size}"
        raise ValueError(message)
    return start


def _go_on(previous: Point | None, fresh: Point) -> Point:
    return fresh if previous is None else previous


def _restore(problem: Any, start: Point, fresh: Point) -> bool:
    """Begin with the start's running statistics or, where it has none, with fresh ones; tell whether there are any."""
    kept = _statistics(problem)
    if kept is None:
        return False
    statistics = fresh.statistics if start.statistics is None else start.statistics
    if statistics is not None:
        if statistics.shape != kept.shape:
            message = f"a stage starts with {statistics.numel()} running statistics, its problem keeps {kept.numel()}"
            raise ValueError(message)
        problem.restore(statistics)
    return True


def _statistics(problem: Any) -> Tensor | None:
    return problem.statistics() if hasattr(problem, "statistics") else None


def _scalars(stage: Stage, place: Place, books: Books) -> Scalars:
    """Return what reads the stage's values: the curve's, those off it, or ones that end the stage at its tolerance."""
    if stage.on_curve:
        return books.scalars
    if stage.gradient_tolerance is None:
        return books.off_curve
    return make_scalars(books.log, Thresholds(gradient_norm=stage.gradient_tolerance), place, keep_best=True)


def _kept_state(stage: Stage, index: int, before: RunningStage | None) -> Any:
    """Return the optimizer's state that the stage goes on with; None: it begins anew."""
    if not stage.keep_state:
        return None
    if before is None or before.state is None or not hasattr(stage.optimizer, "restart"):
        message = f"stage {index + 1} keeps the optimizer's state, but the optimizer has no restart()"
        raise Refused(message)
    return before.state
