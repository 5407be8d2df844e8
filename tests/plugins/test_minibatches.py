"""cg, lbfgs and newton-cg on minibatches: one is held for a whole step, and gradients of two never mix."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from optbench_descent.cg import cg
from optbench_descent.coordinate.descent import coordinate_descent
from optbench_descent.steepest import gradient_descent
from optbench_newton.gauss_newton import gauss_newton
from optbench_newton.newton import newton
from optbench_newton.newton_cg import newton_cg
from optbench_quasinewton.bfgs import bfgs
from optbench_quasinewton.lbfgs import lbfgs
from torch import Tensor

from optbench.api import Block, Point, Recipe, Stage, SupervisedProblem
from optbench.api.streams import SeededStreams
from optbench.measure.event_log import EventLog
from optbench.measure.ledger import Ledger
from optbench.measure.loop import TrialLoop
from optbench.measure.oracle import Books
from optbench.measure.place import Place
from optbench.measure.scalars import HostScalars, Thresholds
from optbench.measure.snapshots import SnapshotSpool
from optbench.records import Budget

PLACE = Place(torch.device("cpu"), torch.float64, SeededStreams(0))
PRODUCTS = {"max_cg": 0, "forcing": "superlinear", "line_search": "strong-wolfe", "curvature": "hessian"}
CONJUGATE = {"beta": "hager-zhang", "restart": "every(k=20)", "preconditioner": "diagonal", "warm_start": 0, "lr": 0.01}
PAIRS = {"history": 3, "initial_scale": "scaled", "negative_curvature": "skip", "line_search": "strong-wolfe"}
METHODS = {
    "cg": lambda **options: cg(line_search="strong-wolfe(c2=0.1)", **CONJUGATE, **options),
    "memoryless cg": lambda **options: cg(line_search="auto", **{**CONJUGATE, "beta": "memoryless"}, **options),
    "lbfgs": lambda **options: lbfgs(**PAIRS, **options),
    "newton-cg": lambda **options: newton_cg(trust_region=False, **PRODUCTS, **options),
    "newton-cg in a region": lambda **options: newton_cg(trust_region=True, **PRODUCTS, **options),
}
ONE_STEP_EACH = {
    "fixed step": gradient_descent(lr=0.1, line_search="none"),
    "steepest descent": gradient_descent(lr=0.1, line_search="armijo"),
    "bfgs": bfgs(initial_scale="scaled", negative_curvature="skip", self_scaling=True, line_search="strong-wolfe"),
    "newton, undamped": newton(damping="0"),
    "newton in a region": newton(damping="auto"),
    "newton with a search": newton(damping="auto", line_search="armijo"),
    "levenberg-marquardt": newton(damping="levenberg-marquardt"),
    "gauss-newton": gauss_newton(damping="levenberg-marquardt", scaling="identity"),
    "gauss-newton, undamped": gauss_newton(damping="0", scaling="identity"),
    "coordinate-descent": coordinate_descent(blocks="single", order="cyclic", solver="newton"),
}


class Told:
    """½(x − c)ᵀA(x − c) + 1000 b on minibatch b: each has a centre c and a height of its own, all one Hessian A.

    So gradients of one minibatch differ by A times the displacement, and those of two don't.
    """

    f_star, f_star_source, f_star_from_start = None, "", None
    size, batch_size, examples = 4, 1, 8
    hessian_of_all = torch.tensor([[4.0, 1, 0, 0], [1, 3, 0, 0], [0, 0, 2, 0.5], [0, 0, 0.5, 1]], dtype=torch.float64)

    def __init__(self) -> None:
        self.centres = torch.randn(8, 4, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
        self.asked: list[int] = []

    def start(self, streams: Any) -> Point:
        return Point(parameters=torch.full((4,), 3.0, dtype=torch.float64))

    def batches(self, streams: Any) -> Iterator[Tensor]:
        while True:
            yield from torch.arange(8).reshape(8, 1)

    def value(self, x: Tensor, batch: Tensor | None = None) -> Tensor:
        assert batch is not None
        self.asked.append(int(batch))
        away = x - self.centres[int(batch)]
        return 0.5 * away @ self.hessian_of_all @ away + 1000.0 * (int(batch) % 3)


def run(optimizer: Any, problem: Any, steps: int) -> tuple[Any, EventLog]:
    log = EventLog(capacity=10_000)
    scalars = HostScalars(log, Thresholds(), keep_best=False)
    stage = Stage(problem=problem, optimizer=optimizer)
    books, spool = Books(Ledger(), log, scalars, scalars), SnapshotSpool(None, 8 * problem.size)
    return TrialLoop(Recipe(stages=(stage,)), PLACE, books, Budget(steps=steps), spool, optimizer).run(), log


def net(batch_size: int | None = 20) -> SupervisedProblem:
    """Classification by a net of 6-5-3 units."""
    inputs = torch.randn(60, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    blocks = (
        Block(name="hidden", role="hidden", build=lambda: torch.nn.Sequential(torch.nn.Linear(6, 5), torch.nn.Tanh())),
        Block(name="output", role="output", build=lambda: torch.nn.Linear(5, 3)),
    )
    return SupervisedProblem(blocks=blocks, data={"train": (inputs, inputs[:, :3].argmax(1))}, batch_size=batch_size)


@pytest.fixture(params=METHODS)
def make(request: pytest.FixtureRequest) -> Any:
    return METHODS[request.param]


@pytest.mark.parametrize("memory", ["keep", "reset"])
@pytest.mark.parametrize("inner_steps", [1, 3])
def test_one_minibatch_is_held_for_a_whole_step(make: Any, inner_steps: int, memory: str) -> None:
    problem = Told()
    _, log = run(make(inner_steps=inner_steps, memory=memory), problem, steps=8)
    changes = [later for earlier, later in itertools.pairwise(problem.asked) if later != earlier]
    assert changes == list(range(1, 8))
    trace = log.trace()
    rows = [(step, value) for step, value in zip(trace["step"], trace["value"], strict=True) if not math.isnan(value)]
    for step in range(8):  # a product has no value
        first, *others = [value for at, value in rows if at == step]
        assert min(others) < first


@pytest.mark.parametrize("name", ["cg", "lbfgs"])
@pytest.mark.parametrize("memory", ["keep", "reset"])
def test_gradient_changes_are_of_one_minibatch(name: str, memory: str, monkeypatch: pytest.MonkeyPatch) -> None:
    optimizer = METHODS[name](inner_steps=2, memory=memory)
    directions, seen = optimizer.method.directions, []
    learn = directions.learn

    def watched(state: Any, move: Any) -> None:
        seen.append((move.step * move.direction.clone(), move.next_gradient - move.gradient))
        learn(state, move)

    monkeypatch.setattr(directions, "learn", watched)
    run(optimizer, Told(), steps=8)

    assert len(seen) >= 12
    for displacement, change in seen:
        torch.testing.assert_close(change, Told.hessian_of_all @ displacement, rtol=1e-10, atol=1e-12)


def test_pairs_are_kept_for_the_next_minibatch_or_dropped() -> None:
    counts = {}
    for memory in ("keep", "reset"):
        optimizer, problem = METHODS["lbfgs"](inner_steps=2, memory=memory), Told()
        learnt: list[int] = []
        learn = optimizer.method.directions.learn

        def watched(pairs: Any, move: Any, learn: Any = learn, learnt: list[int] = learnt) -> None:
            learn(pairs, move)
            learnt.append(pairs.count)

        optimizer.method.directions.learn = watched
        run(optimizer, problem, steps=4)
        counts[memory] = learnt
    assert counts["keep"] == [1, 2, 3, 3, 3, 3, 3, 3]
    assert counts["reset"] == [1, 2] * 4


def test_inner_steps_with_memory_reset_are_steps_on_all_of_the_minibatch_bit_for_bit(make: Any) -> None:
    problem, inner_steps, steps = net(), 4, 5
    outcome, _ = run(make(inner_steps=inner_steps, memory="reset"), problem, steps=steps)

    batches = problem.batches(PLACE.streams)
    point = problem.start(PLACE.streams)
    for _ in range(steps):
        batch = next(batches)
        inputs, classes = problem.data["train"]
        alone = replace(net(None), data={"train": (inputs[batch], classes[batch])})
        start = point
        object.__setattr__(alone, "start", lambda streams, start=start: start)
        ended, _ = run(make(), alone, steps=inner_steps)
        point = ended.point

    assert torch.equal(outcome.point.parameters, point.parameters)


def test_that_nothing_is_left_to_gain_on_a_minibatch_ends_no_trial(make: Any) -> None:
    outcome, _ = run(make(inner_steps=200, memory="keep"), Told(), steps=6)
    assert (outcome.status.value, outcome.reason) == ("budget", "steps")


class Solved(Told):
    """½‖x − c‖² on each minibatch, of which all but the last begin solved."""

    def __init__(self) -> None:
        super().__init__()
        self.centres[:] = 3.0
        self.centres[7] = 1.0

    def value(self, x: Tensor, batch: Tensor | None = None) -> Tensor:
        return 0.5 * self.residuals(x, batch).square().sum()

    def residuals(self, x: Tensor, batch: Tensor | None = None) -> Tensor:
        assert batch is not None
        return x - self.centres[int(batch)]


@pytest.mark.parametrize("name", ONE_STEP_EACH)
def test_that_one_minibatch_is_solved_ends_no_trial(name: str) -> None:
    outcome, _ = run(ONE_STEP_EACH[name], Solved(), steps=8)
    assert (outcome.status.value, outcome.reason) == ("budget", "steps")
    assert float((outcome.point.parameters - 3.0).abs().min()) > 0.0


def test_without_minibatches_a_step_is_one_iteration(make: Any) -> None:
    ends = [run(make(inner_steps=k, memory=memory), net(None), steps=4)[0] for k, memory in ((1, "keep"), (5, "reset"))]
    assert torch.equal(ends[0].point.parameters, ends[1].point.parameters)


@pytest.mark.parametrize("memory", ["keep", "reset"])
def test_the_loss_on_all_examples_falls(make: Any, memory: str) -> None:
    problem = net()
    outcome, _ = run(make(inner_steps=2, memory=memory), problem, steps=30)
    before, after = (float(problem.value(point.parameters)) for point in (problem.start(PLACE.streams), outcome.point))
    assert after < 0.5 * before


def test_what_is_forgotten_on_a_new_minibatch_is_kept_while_it_stays():
    method = lbfgs(**PAIRS, memory="reset")
    oracle = SimpleNamespace(batch=1, offers=frozenset(), value_and_gradient=_quartic)
    state = method.init(oracle, torch.ones(3, dtype=torch.float64))
    kept = []
    for oracle.batch in (1, 1, 1, 2):
        state = method.step(oracle, state)
        kept.append(state.memory.count)
    assert kept == [1, 2, 3, 1]


def _quartic(x: Tensor) -> tuple[Tensor, Tensor]:
    return (x**4).sum() + x[0] * x[1], 4 * x**3 + torch.stack((x[1], x[0], torch.zeros_like(x[0])))
