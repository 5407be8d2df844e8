"""Steps of gradient descent before conjugate gradients begin."""

from __future__ import annotations

from typing import Any

import torch
from optbench_descent.cg import cg
from optbench_descent.steepest import gradient_descent

OPTIONS: dict[str, Any] = {
    "beta": "polak-ribiere+",
    "restart": "none",
    "preconditioner": "none",
    "line_search": "strong-wolfe(c2=0.1)",
    "lr": 0.01,
}
START = torch.tensor([1.5, -0.7, 0.2], dtype=torch.float64)


def quartic(x: torch.Tensor) -> torch.Tensor:
    return (x**4).sum() + (x[0] - x[1]) ** 2 + 0.1 * (x[2] - 1) ** 2


def steps(method: Any, problem: Any, start: torch.Tensor, count: int) -> Any:
    state = method.init(problem, start)
    for _ in range(count):
        state = method.step(problem, state)
    return state


def test_it_is_gradient_descent_and_then_the_method_from_there(oracle: Any) -> None:
    descended = steps(gradient_descent(lr=0.01, line_search="none"), oracle(quartic, 3), START, 3).point
    cold = steps(cg(**OPTIONS, warm_start=0), oracle(quartic, 3), descended, 4)
    problem = oracle(quartic, 3)
    warm = steps(cg(**OPTIONS, warm_start=3), problem, START, 3)
    assert torch.equal(warm.point, descended)
    assert problem.counts["gradient"] == problem.counts["value"] == 3
    warm = steps(cg(**OPTIONS, warm_start=3), oracle(quartic, 3), START, 7)
    assert torch.equal(warm.point, cold.point)


def test_the_first_direction_is_the_negative_gradient_at_the_warm_point(oracle: Any) -> None:
    problem = oracle(quartic, 3)
    method = cg(**OPTIONS, warm_start=2)
    state = steps(method, problem, START, 2)
    before = state.point.clone()
    gradient = problem.gradient(before)
    moved = method.step(problem, state).point - before
    assert torch.cosine_similarity(moved, -gradient, dim=0) > 1 - 1e-12


def test_the_start_is_left_alone_and_the_end_is_told(oracle: Any, minimize: Any) -> None:
    start = START.clone()
    state = minimize(cg(**OPTIONS, warm_start=5), oracle(lambda x: quartic(x) + x.square().sum(), 3), start)
    assert torch.equal(start, START)
    assert state.finished == "converged"


def test_steps_that_lead_far_away_do_not_make_f_look_unbounded(oracle: Any, minimize: Any) -> None:
    """From 1, five steps of lr = 1e7 on 5x² lead to 1e40; the minimum is still where it was."""
    problem = oracle(lambda x: 5 * x.square().sum(), 3)
    state = minimize(cg(**{**OPTIONS, "lr": 1e7}, warm_start=5), problem, torch.ones(3, dtype=torch.float64))
    assert state.finished == "converged"
    assert float(state.point.abs().max()) < 1e20


def test_a_minibatch_whose_gradient_vanishes_ends_nothing(oracle: Any) -> None:
    problem = oracle(lambda x: problem.batch * quartic(x), 3)
    state = steps(cg(**OPTIONS, warm_start=2), problem, START, 2)
    assert state.finished is None


def test_a_restart_goes_on_where_it_is_told_to(oracle: Any) -> None:
    problem = oracle(quartic, 3)
    method = cg(**OPTIONS, warm_start=2)
    state = steps(method, problem, START, 4)
    state = method.restart(state, problem, START)
    assert torch.equal(state.point, START)
    evaluations = problem.evaluations
    state = method.step(problem, state)
    assert not torch.equal(state.point, START)
    assert problem.evaluations > evaluations + 1  # a line search, not one more step of gradient descent
