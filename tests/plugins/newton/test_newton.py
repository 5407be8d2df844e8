"""Newton's method, fixed and adaptive."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from optbench_newton.fixed import solve_symmetric
from optbench_newton.newton import newton

from optbench.api import UserError


def indefinite(x: torch.Tensor) -> torch.Tensor:
    return x[0] ** 2 - x[1] ** 2 + x[1] ** 4 / 4


@pytest.mark.parametrize("damping", ["0", "auto"])
@pytest.mark.parametrize("condition", [1.0, 1e3, 1e6])
def test_one_step_solves_a_quadratic(damping: str, condition: float, oracle: Any) -> None:
    spectrum = torch.logspace(0, float(torch.log10(torch.tensor(condition))), 20, dtype=torch.float64)
    problem = oracle(lambda x: 0.5 * (spectrum * (x - 1) ** 2).sum(), 20)
    method = newton(damping=damping)
    start = torch.full((20,), 30.0, dtype=torch.float64)
    state = method.step(problem, method.init(problem, start))
    before, after = (problem.gradient(point).norm() for point in (start, state.point))
    assert float(after / before) <= 1e-8
    assert problem.counts["hessian"] == 1


def test_undamped_it_goes_to_the_saddle_and_adaptive_it_leaves(oracle: Any, minimize: Any) -> None:
    start = torch.tensor([1.0, 0.1], dtype=torch.float64)
    at_saddle = minimize(newton(damping="0"), oracle(indefinite, 2), start).point
    assert at_saddle.abs().max() < 1e-8
    problem = oracle(indefinite, 2)
    minimize(newton(damping="auto"), problem, start)
    assert problem.best == pytest.approx(-1)


def test_undamped_it_may_go_uphill(oracle: Any) -> None:
    problem = oracle(lambda x: -x.square().sum(), 2)
    method = newton(damping="0")
    start = torch.ones(2, dtype=torch.float64)
    state = method.step(problem, method.init(problem, start))
    assert float(problem.gradient(start) @ (state.point - start)) > 0


def test_a_fixed_damping_is_the_formula(oracle: Any) -> None:
    problem = oracle(lambda x: (x**4).sum(), 3)
    start = torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64)
    method = newton(damping="0.5")
    state = method.step(problem, method.init(problem, start))
    assert torch.allclose(state.point, start - 4 * start**3 / (12 * start**2 + 0.5))


def test_a_damping_that_cancels_the_curvature_stalls_the_fixed_method(oracle: Any, minimize: Any) -> None:
    start = torch.ones(2, dtype=torch.float64)
    state = minimize(newton(damping="0.5"), oracle(lambda x: -0.25 * x.square().sum(), 2), start)
    assert state.finished == "stalled"
    assert torch.equal(state.point, start)


def test_a_damping_far_above_f_leaves_steps_too_short_to_see_and_raises_nothing(oracle: Any, minimize: Any) -> None:
    def tiny(x: torch.Tensor) -> torch.Tensor:
        return 1e-300 * ((1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2)

    start = torch.tensor([-1.2, 1.0], dtype=torch.float64)
    state = minimize(newton(damping="0.5", trust_region="true"), oracle(tiny, 2), start, limit=200)
    assert state.finished == "stalled"


def test_a_singular_hessian_stalls_the_fixed_method(oracle: Any, minimize: Any) -> None:
    state = minimize(newton(damping="0"), oracle(lambda x: x.sum(), 2), torch.ones(2, dtype=torch.float64))
    assert state.finished == "stalled"
    assert torch.equal(state.point, torch.ones(2, dtype=torch.float64))


def test_symmetric_systems_of_any_sign_are_solved() -> None:
    matrix = torch.tensor([[1.0, 2.0], [2.0, -3.0]], dtype=torch.float64)
    right = torch.tensor([1.0, 5.0], dtype=torch.float64)
    solution = solve_symmetric(matrix, right)
    assert solution is not None
    assert torch.allclose(matrix @ solution, right)
    assert solve_symmetric(torch.ones(2, 2, dtype=torch.float64), right) is None


def test_where_full_steps_diverge_the_radius_shrinks(oracle: Any, minimize: Any) -> None:
    """Undamped Newton on √(1 + x²) diverges from |x| > 1 though the Hessian is positive everywhere."""
    problem = oracle(lambda x: (1 + x.square()).sqrt().sum(), 1)
    state = minimize(newton(damping="auto"), problem, torch.tensor([5.0], dtype=torch.float64))
    assert abs(float(state.point)) < 1e-7


@pytest.mark.parametrize("damping", ["-1", "much", "inf", "nan", ""])
def test_a_damping_that_is_none_is_the_users_mistake(damping: str) -> None:
    with pytest.raises(UserError, match="a number from 0"):
        newton(damping=damping)
