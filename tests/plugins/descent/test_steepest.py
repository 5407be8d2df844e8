"""Gradient descent: the fixed step and steepest descent."""

from __future__ import annotations

import itertools
import math
from typing import Any

import pytest
import torch
from optbench_descent.steepest import gradient_descent

from optbench.api import UserError


def test_the_fixed_step_is_the_formula(oracle: Any) -> None:
    problem = oracle(lambda x: (x**4).sum(), 2)
    start = torch.tensor([1.0, -2.0], dtype=torch.float64)
    method = gradient_descent(lr=0.01, line_search="none")
    state = method.step(problem, method.init(problem, start))
    assert torch.equal(state.point, start - 0.01 * 4 * start**3)
    assert torch.equal(start, torch.tensor([1.0, -2.0], dtype=torch.float64))
    assert {kind: count for kind, count in problem.counts.items() if count} == {"value": 1, "gradient": 1}


def test_exact_directions_are_orthogonal_and_zigzag_at_the_known_rate(oracle: Any) -> None:
    """From (κ, 1) on ½(a² + κb²) each step multiplies f by ((κ − 1)/(κ + 1))²."""
    kappa = 25.0
    problem = oracle(lambda x: 0.5 * (x[0] ** 2 + kappa * x[1] ** 2), 2, quadratic=True)
    method = gradient_descent(lr=0.1, line_search="exact")
    state = method.init(problem, torch.tensor([kappa, 1.0], dtype=torch.float64))
    values, gradients = [], []
    for _ in range(8):
        state = method.step(problem, state)
        values.append(state.here.value)
        gradients.append(state.here.gradient)
    for earlier, later in itertools.pairwise(values):
        assert later / earlier == pytest.approx(((kappa - 1) / (kappa + 1)) ** 2, rel=1e-6)
    for earlier, later in itertools.pairwise(gradients):
        assert abs(torch.cosine_similarity(earlier, later, dim=0)) < 1e-6


@pytest.mark.parametrize("search", ["exact", "armijo", "strong-wolfe", "strong-wolfe(c2=0.1)"])
def test_steepest_descent_converges_with_any_search(search: str, oracle: Any, minimize: Any, quadratic: Any) -> None:
    problem = oracle(quadratic(torch.linspace(1, 10, 5, dtype=torch.float64)), 5)
    state = minimize(gradient_descent(lr=0.1, line_search=search), problem, torch.ones(5, dtype=torch.float64))
    assert problem.best < 1e-16
    assert state.finished == "converged"


def test_an_unknown_search_is_the_users_mistake() -> None:
    with pytest.raises(UserError, match="nearest: armijo"):
        gradient_descent(lr=0.1, line_search="armigo")


def test_a_fixed_step_sees_f_fall_for_ever(oracle: Any, minimize: Any) -> None:
    state = minimize(
        gradient_descent(lr=1e300, line_search="none"),
        oracle(lambda x: -(x**3).sum(), 1),
        torch.ones(1, dtype=torch.float64),
    )
    assert state.finished == "unbounded"
    assert not math.isnan(float(state.point))


def test_that_f_fell_steadily_from_one_point_promises_nothing_of_another(oracle: Any) -> None:
    method = gradient_descent(lr=1.0, line_search="armijo")
    problem = oracle(lambda x: x.sum(), 2)
    state = method.init(problem, torch.zeros(2, dtype=torch.float64))
    for _ in range(2):
        state = method.step(problem, state)
    assert state.steady.growth > 1
    assert method.restart(state, problem, torch.ones(2, dtype=torch.float64)).steady.growth == 1


def test_that_one_minibatch_is_solved_does_not_end_the_trial(oracle: Any) -> None:
    method = gradient_descent(lr=1.0, line_search="armijo")
    problem = oracle(lambda x: (x - 1.0).square().sum(), 2)
    problem.batch = 1
    state = method.init(problem, torch.ones(2, dtype=torch.float64))
    assert method.step(problem, state).finished is None
    problem.batch = 0
    assert method.step(problem, state).finished == "converged"
