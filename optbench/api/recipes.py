"""Recipes: a trial is a fold over stages; a meta-algorithm is a function from recipe to recipe."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from optbench.api.optimizers import Minimizer, Optimizer
    from optbench.api.problems import Point, Problem, Streams
    from optbench.records import TrialRecord, TrialSpec


class Readout(Protocol):
    """Maps the trajectory to the point that is scored (averaging)."""

    def observe(self, point: Point) -> None:
        """See the point after each commit, on the clock; must not keep the tensor itself."""
        ...

    def point(self) -> Point:
        """Return the point to score as if the run ended now; its preparation is timed.

        Without statistics where the problem keeps some, it gets those that the problem estimates at it.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What a stage's points are measured by, where its own objective is another one or has further parameters."""

    problem: Problem  # of the recipe's objective
    point: Callable[[Point], Point]  # drops what only training needs, off the clock; must not change its argument


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One problem with one optimizer and its share of the budget."""

    problem: Problem  # any problem, analytic ones as they are
    optimizer: Optimizer | Minimizer
    share: float = 1.0  # shares sum to 1; an early end passes the rest on
    carry: Callable[[Point | None, Point], Point] | None = None  # (previous, fresh) -> start; None: previous if any
    on_curve: bool = True  # False: counted and timed, but another objective's values (a teacher, a regressor)
    keep_state: bool = False  # the optimizer's state goes on through restart(); refused if it has none
    name: str = ""  # in results, such as "teacher"; "": "main" for the last stage, "stage 1", … for others
    prior: bool = False  # done before the task begins (a teacher, another task): costs are told with it and without
    judged: Judged | None = None  # None: its points are measured by its own problem
    gradient_tolerance: float | None = None  # off the curve: ends the stage once |g|∞ is at most this

    @property
    def measured(self) -> Problem:
        """The problem that its points are measured by."""
        return self.problem if self.judged is None else self.judged.problem


@dataclass(frozen=True, kw_only=True)
class Variants:
    """The trial's problem as it was named, and how it is built with another value of one of its options."""

    problem: Problem
    build: Callable[[str, Any], Problem]  # (option, value) -> problem; raises UserError for what is no such option


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What a trial runs."""

    stages: tuple[Stage, ...]
    readout: Callable[[], Readout] | None = None  # None: the iterate itself
    variants: Variants | None = None  # None: the problem has no options

    @property
    def names(self) -> tuple[str, ...]:
        """What the stages are called."""
        *before, last = self.stages
        return (*(stage.name or f"stage {number}" for number, stage in enumerate(before, start=1)), last.name or "main")


class MetaAlgorithm(Protocol):
    """A function from recipe to recipe; in an expression "a + b + c" is c(b(a))."""

    def __call__(self, recipe: Recipe, streams: Streams) -> Recipe:
        """Return the changed recipe; raises Refused where the recipe lacks what it needs."""
        ...


class Planner(Protocol):
    """Decides what to run next, deterministically in the set of records so far.

    It may have `expected`, the number of its trials at most, and `is_measured(trial)`, False where a trial's memory is
    not worth a pass.
    """

    def next(self, records: Iterable[TrialRecord]) -> tuple[TrialSpec, ...]:
        """Return the trials to run now; empty means done."""
        ...
