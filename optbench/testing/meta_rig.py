"""Recipes that meta-algorithms are tried on, and how what comes of them is run."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import torch
from torch import Tensor

from optbench.api import Feature, Point, Recipe, Stage, SupervisedProblem, Variants
from optbench.measure import oracle as oracle_module
from optbench.measure.ledger import Ledger
from optbench.measure.oracle import CountingOracle
from optbench.measure.place import Place
from optbench.records import Budget
from optbench.testing.blame import Frame, stack_here
from optbench.testing.needs import FROM_A_NET, FROM_AN_OPTIMIZER
from optbench.testing.trials import Trial, Watcher, drive
from optbench.testing.workloads import Quadratic, Wrapped, deep_net, small_net

_ORACLE = str(inspect.getsourcefile(oracle_module))


@dataclass
class Evaluations:
    """Sees each evaluation of an objective, and whether the oracle asked for it."""

    counts: Counter[str] = field(default_factory=Counter)
    behind_the_oracle: list[list[Frame]] = field(default_factory=list)

    @property
    def count(self) -> int:
        """The largest of the kinds, as the engine counts."""
        return max(self.counts.values(), default=0)

    def note(self, kind: str) -> None:
        """Be told of one.

        Where a stage ends, the engine looks at it by itself, off the clock; what a module adds to the objective is of
        the same forward pass.
        """
        stack = stack_here()
        if any(frame.function in {CountingOracle.value_at_end.__name__, "added_loss"} for frame in stack):
            return
        self.counts[kind] += 1
        if not any(frame.file == _ORACLE for frame in stack):
            self.behind_the_oracle.append(stack)


@dataclass
class DescentState:
    """State of `GradientDescent`."""

    point: Tensor  # (n,)
    finished: Literal["converged", "stalled", "unbounded"] | None = None


class GradientDescent:
    """The plain optimizer of the recipes: x ← x − ¼ g. It may be restarted."""

    def init(self, oracle: Any, start: Tensor) -> DescentState:
        """Copy the start."""
        return DescentState(start.clone())

    def restart(self, state: Any, oracle: Any, start: Tensor) -> DescentState:
        """Go on from another point."""
        return DescentState(start.clone())

    def step(self, oracle: Any, state: Any) -> DescentState:
        """Step down the gradient."""
        _, gradient = oracle.value_and_gradient(state.point)
        return DescentState(state.point - 0.25 * gradient)


class Seen(Wrapped):
    """A problem whose evaluations are noted."""

    def __init__(self, problem: Any, evaluations: Evaluations) -> None:
        """Keep both."""
        super().__init__(problem)
        self._evaluations = evaluations

    def asked(self, kind: str) -> None:
        """Note it."""
        self._evaluations.note(kind)


def seen_net(problem: SupervisedProblem, evaluations: Evaluations) -> SupervisedProblem:
    """Return the net with a loss that notes each evaluation, whatever becomes of the model."""

    def loss(outputs: Tensor, targets: Tensor, reduction: str = "mean") -> Tensor:
        evaluations.note("value")
        return torch.nn.functional.mse_loss(outputs, targets, reduction=reduction)

    return problem.with_loss(loss)


class LastPoint:
    """The readout that changes nothing."""

    def observe(self, point: Point) -> None:
        """Copy the iterate."""
        self._last = replace(point, parameters=point.parameters.clone())

    def point(self) -> Point:
        """Return a copy of it."""
        return replace(self._last, parameters=self._last.parameters.clone())


@dataclass(frozen=True)
class Bench:
    """One recipe to be changed."""

    name: str
    gives: frozenset[Feature]
    recipe: Recipe
    evaluations: Evaluations


def benches(where: Place) -> Iterator[Bench]:
    """Yield plain recipes first, then some that have stages or a readout already."""
    net = FROM_A_NET - {"minibatches"}

    def on_minibatches(name: str) -> Bench:
        return _bench(name, net | {"minibatches"}, lambda seen: seen_net(small_net(where), seen))

    yield on_minibatches("a net on minibatches")
    yield _bench("a net on all examples", net, lambda seen: replace(seen_net(small_net(where), seen), batch_size=None))
    yield _bench("a deep net with another task beside", FROM_A_NET, lambda seen: seen_net(deep_net(where), seen))
    yield _bench("a quadratic", frozenset(), lambda seen: Seen(Quadratic(5, where), seen))
    staged = on_minibatches("a net with a stage before")
    yield replace(staged, recipe=with_stage_before(staged.recipe))
    read = on_minibatches("a net with a readout")
    yield replace(read, recipe=replace(read.recipe, readout=LastPoint))


def _bench(name: str, gives: frozenset[Feature], make: Callable[[Evaluations], Any]) -> Bench:
    seen = Evaluations()
    return Bench(name, gives | FROM_AN_OPTIMIZER, plain_recipe(make(seen)), seen)


def plain_recipe(problem: Any) -> Recipe:
    """Return gradient descent on a problem, as the engine makes a recipe."""
    return Recipe(stages=(Stage(problem=problem, optimizer=GradientDescent()),), variants=_variants(problem))


def _variants(problem: Any) -> Variants:
    """Return nets with other penalties; of other problems an option changes nothing."""

    def build(option: str, value: Any) -> Any:
        return replace(problem, **{option: value}) if is_net else problem

    is_net = isinstance(problem, SupervisedProblem)
    return Variants(problem=problem, build=build)


def with_stage_before(recipe: Recipe) -> Recipe:
    """Return the recipe with its first stage cut in two: a quarter of its share goes first."""
    first, *others = recipe.stages
    before = replace(first, share=0.25 * first.share)
    after = replace(first, share=0.75 * first.share, carry=lambda previous, fresh: previous or fresh)
    return replace(recipe, stages=(before, after, *others))


def run(recipe: Recipe, where: Place, evaluations: int = 40) -> Trial:
    """Run a recipe for so many evaluations; what plugins raise passes through."""
    return drive(recipe, where, Budget(evaluations=evaluations), ledger=Ledger(), watcher=Watcher())
