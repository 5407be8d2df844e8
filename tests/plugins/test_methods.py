"""What every deterministic method of ours must do, whatever its family."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from optbench_descent.cg import cg
from optbench_descent.steepest import gradient_descent
from optbench_newton.newton import newton
from optbench_newton.newton_cg import newton_cg
from optbench_quasinewton.bfgs import bfgs
from optbench_quasinewton.lbfgs import lbfgs

PRODUCTS = {"max_cg": 0, "forcing": "superlinear", "line_search": "strong-wolfe", "curvature": "hessian"}
METHODS = {
    "lbfgs": lbfgs(history=10, initial_scale="scaled", negative_curvature="skip", line_search="strong-wolfe"),
    "bfgs": bfgs(initial_scale="scaled", negative_curvature="skip", self_scaling=True, line_search="strong-wolfe"),
    "newton": newton(damping="auto"),
    "newton-cg": newton_cg(trust_region=True, **PRODUCTS),
    "newton-cg-along-lines": newton_cg(trust_region=False, **PRODUCTS),
    "cg": cg(
        beta="memoryless",
        restart="every(k=20)",
        preconditioner="diagonal",
        line_search="auto",
        warm_start=0,
        lr=0.01,
    ),
}
WITH_STEEPEST = {**METHODS, "gradient-descent": gradient_descent(lr=0.1, line_search="strong-wolfe")}


def rosenbrock(x: torch.Tensor) -> torch.Tensor:
    return 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2


@pytest.fixture(params=METHODS)
def method(request: pytest.FixtureRequest) -> Any:
    return METHODS[request.param]


@pytest.fixture(params=WITH_STEEPEST)
def any_method(request: pytest.FixtureRequest) -> Any:
    return WITH_STEEPEST[request.param]


def test_it_solves_the_standard_problems(method: Any, task: Any, oracle: Any, minimize: Any, accuracy: Any) -> None:
    problem = oracle(task.function, len(task.start))
    start = torch.tensor(task.start, dtype=torch.float64)
    state = minimize(method, problem, start)
    assert accuracy(task, problem) <= 1e-8
    crawls = method is METHODS["cg"] and task.name == "powell-singular"  # f falls below 1e-20, but slowly
    assert state.finished == "converged" or crawls
    assert torch.equal(start, torch.tensor(task.start, dtype=torch.float64))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize(
    ("edge", "finished"),
    [("one", "converged"), ("optimum", "converged"), ("constant", "converged"), ("linear", "unbounded")],
)
def test_edges(
    edge: str, finished: str, dtype: torch.dtype, any_method: Any, oracle: Any, minimize: Any, edges: Any
) -> None:
    function, start = edges[edge]
    problem = oracle(function, len(start), dtype=dtype)
    state = minimize(any_method, problem, torch.tensor(start, dtype=dtype))
    assert state.finished == finished
    assert state.point.dtype == dtype
    if edge == "one":
        assert float(state.point) == pytest.approx(3, abs=1e-3)
    if edge in ("optimum", "constant"):
        assert problem.evaluations == 1


@pytest.mark.parametrize("offset", [0.0, 1e8])
def test_it_goes_on_while_the_gradient_falls(offset: float, method: Any, oracle: Any, minimize: Any) -> None:
    """Values that round to one float must not end the descent: only the gradient is left to tell."""
    spectrum = torch.logspace(0, 2, 20, dtype=torch.float64)
    problem = oracle(lambda x: offset + 0.5 * (spectrum * (x - 1) ** 2).sum(), 20)
    state = minimize(method, problem, torch.zeros(20, dtype=torch.float64))
    assert float((state.point - 1).abs().max()) < 1e-6


def test_float32_reaches_float32_accuracy(method: Any, oracle: Any, minimize: Any) -> None:
    problem = oracle(lambda x: (100 * (x[1::2] - x[::2] ** 2) ** 2 + (1 - x[::2]) ** 2).sum(), 10, dtype=torch.float32)
    state = minimize(method, problem, torch.tensor([-1.2, 1.0] * 5))
    assert float((state.point - 1).abs().max()) < 1e-2


def test_a_point_where_f_is_not_a_number_only_shortens_the_step(any_method: Any, oracle: Any, minimize: Any) -> None:
    problem = oracle(lambda x: (x - x.log()).sum(), 2)
    minimize(any_method, problem, torch.tensor([1e-4, 50.0], dtype=torch.float64))
    assert problem.best == pytest.approx(2, rel=1e-10)


def test_it_ends_at_the_point_it_publishes(method: Any, oracle: Any) -> None:
    """The published point keeps its value until the next step publishes another: nothing writes into it meanwhile."""
    problem = oracle(rosenbrock, 2)
    state = method.init(problem, torch.tensor([-1.2, 1.0], dtype=torch.float64))
    for _ in range(5):
        state = method.step(problem, state)
        published, version = state.point, state.point._version
        assert float(problem.function(published)) == state.here.value
        state = method.step(problem, state)
        if state.point is not published:
            assert published._version == version


def test_nothing_is_evaluated_twice(method: Any, oracle: Any) -> None:
    seen: list[bytes] = []

    def function(x: torch.Tensor) -> torch.Tensor:
        seen.append(x.detach().numpy().tobytes())
        return rosenbrock(x)

    problem = oracle(function, 2)
    problem.hessian = lambda x: torch.autograd.functional.hessian(rosenbrock, x)
    problem.hessian_vector = lambda x, v: torch.autograd.functional.hvp(rosenbrock, x, v)[1]
    state = method.init(problem, torch.tensor([-1.2, 1.0], dtype=torch.float64))
    for _ in range(10):
        state = method.step(problem, state)
    assert len(seen) == len(set(seen)) == problem.counts["value"]


def test_two_runs_agree_bitwise(method: Any, oracle: Any, minimize: Any) -> None:
    ends = []
    for _ in range(2):
        problem = oracle(rosenbrock, 2)
        state = minimize(method, problem, torch.tensor([-1.2, 1.0], dtype=torch.float64), limit=60)
        ends.append((problem.evaluations, state.point))
    assert ends[0][0] == ends[1][0]
    assert torch.equal(ends[0][1], ends[1][1])


def test_another_minibatch_is_evaluated_afresh(method: Any, oracle: Any) -> None:
    problem = oracle(lambda x: (x**4).sum() + x.square().sum(), 2)
    state = method.init(problem, torch.tensor([1.0, -0.5], dtype=torch.float64))
    state = method.step(problem, state)
    before = problem.counts["gradient"]
    problem.batch += 1
    assert method.step(problem, state).finished is None
    assert problem.counts["gradient"] >= before + 2
