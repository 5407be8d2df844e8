"""Recipes that meta-algorithms are tried on, and the loop that runs what comes of them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import torch
from torch import Tensor

from optbench.api import Block, Feature, Point, Recipe, Stage, Streams, SupervisedProblem
from optbench.measure import oracle as oracle_module
from optbench.measure.event_log import EventLog
from optbench.measure.ledger import Ledger
from optbench.measure.loop import Outcome, TrialLoop
from optbench.measure.oracle import Books, Place
from optbench.measure.scalars import DeviceScalars, HostScalars, Thresholds
from optbench.measure.snapshots import SnapshotSpool
from optbench.records import Budget
from optbench.testing.blame import Frame, stack_here

OPTIMIZER_GIVES: frozenset[Feature] = frozenset({"step-hook", "movable-point"})
_ORACLE = str(inspect.getsourcefile(oracle_module))
_EXAMPLES, _BATCH = 24, 6


@dataclass
class Evaluations:
    """Sees each evaluation of an objective, and whether the oracle asked for it."""

    count: int = 0
    behind_the_oracle: list[list[Frame]] = field(default_factory=list)

    def note(self) -> None:
        """Be told of one."""
        self.count += 1
        stack = stack_here()
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


class Bowl:
    """½ Σ λ_i x_i² with λ from 1 down to ½."""

    f_star: float | None = 0.0
    f_star_source = "exact"
    f_star_from_start: float | None = None

    def __init__(self, where: Place, evaluations: Evaluations, size: int = 5) -> None:
        """Lay it out."""
        self.size, self._evaluations = size, evaluations
        self._curvature = torch.linspace(1.0, 0.5, size, dtype=torch.float64).to(where.device, where.dtype)

    def start(self, streams: Streams) -> Point:
        """Return (1, …, 1)."""
        return Point(parameters=torch.ones_like(self._curvature))

    def value(self, x: Tensor) -> Tensor:
        """Return f(x)."""
        self._evaluations.note()
        return 0.5 * (self._curvature * x).dot(x)


def small_net(where: Place, evaluations: Evaluations, batch_size: int | None) -> SupervisedProblem:
    """Return regression by a net of 3-4-4-1 units on 24 examples."""

    def loss(outputs: Tensor, targets: Tensor, reduction: str = "mean") -> Tensor:
        evaluations.note()
        return torch.nn.functional.mse_loss(outputs, targets, reduction=reduction)

    inputs = torch.arange(3.0 * _EXAMPLES, dtype=torch.float64).mul(0.7).sin().view(_EXAMPLES, 3)
    targets = inputs.sum(1, keepdim=True).tanh()
    examples = inputs.to(where.device, where.dtype), targets.to(where.device, where.dtype)
    blocks = (
        Block(name="hidden1", role="hidden", build=lambda: _layer(3, 4)),
        Block(name="hidden2", role="hidden", build=lambda: _layer(4, 4)),
        Block(name="output", role="output", build=lambda: torch.nn.Linear(4, 1)),
    )
    data = {"train": examples, "test": examples}
    return SupervisedProblem(blocks=blocks, data=data, loss=loss, batch_size=batch_size)


def _layer(inputs: int, outputs: int) -> torch.nn.Module:
    return torch.nn.Sequential(torch.nn.Linear(inputs, outputs), torch.nn.Tanh())


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
    net: frozenset[Feature] = frozenset({"blocks", "model", "data"})

    def on_minibatches(name: str) -> Bench:
        return _bench(name, net | {"minibatches"}, lambda seen: small_net(where, seen, _BATCH))

    yield on_minibatches("a net on minibatches")
    yield _bench("a net on all examples", net, lambda seen: small_net(where, seen, None))
    yield _bench("a quadratic", frozenset(), lambda seen: Bowl(where, seen))
    staged = on_minibatches("a net with a stage before")
    yield replace(staged, recipe=with_stage_before(staged.recipe))
    read = on_minibatches("a net with a readout")
    yield replace(read, recipe=replace(read.recipe, readout=LastPoint))


def _bench(name: str, gives: frozenset[Feature], make: Callable[[Evaluations], Any]) -> Bench:
    seen = Evaluations()
    stage = Stage(problem=make(seen), optimizer=GradientDescent())
    return Bench(name, gives | OPTIMIZER_GIVES, Recipe(stages=(stage,)), seen)


def with_stage_before(recipe: Recipe) -> Recipe:
    """Return the recipe with its first stage cut in two: a quarter of its share goes first."""
    first, *others = recipe.stages
    before = replace(first, share=0.25 * first.share)
    after = replace(first, share=0.75 * first.share, carry=lambda previous, fresh: previous or fresh)
    return replace(recipe, stages=(before, after, *others))


# ---- running


@dataclass
class Trajectory:
    """A probe of the loop that keeps each published point."""

    points: list[Tensor] = field(default_factory=list)

    def init_begins(self, problem: Any, start: Tensor) -> None:
        """Keep nothing."""

    def step_done(self, holders: tuple[Any, ...], point: Tensor) -> None:
        """Copy the point."""
        self.points.append(point.detach().clone())


@dataclass(frozen=True)
class Ran:
    """What came of a recipe."""

    outcome: Outcome
    points: list[Tensor]  # published, one a step
    evaluated: int  # times, by the oracle


def run(recipe: Recipe, where: Place, evaluations: int = 40) -> Ran:
    """Run a recipe for so many evaluations; what plugins raise passes through."""
    ledger, log, watcher = Ledger(), EventLog(capacity=1024), Trajectory()
    scalars, off_curve = (_scalars(log, where) for _ in range(2))
    loop = TrialLoop(
        recipe=recipe,
        place=where,
        books=Books(ledger, log, scalars, off_curve),
        budget=Budget(evaluations=evaluations),
        snapshots=SnapshotSpool(None, 0),
        optimizer=recipe.stages[-1].optimizer,
        probe=watcher,
    )
    return Ran(loop.run(), watcher.points, log.events)


def _scalars(log: EventLog, where: Place) -> HostScalars | DeviceScalars:
    if where.device.type == "cpu":
        return HostScalars(log, Thresholds(), keep_best=False)
    return DeviceScalars(log, Thresholds(), keep_best=False, device=where.device, dtype=where.dtype)
