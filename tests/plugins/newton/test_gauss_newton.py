"""Gauss-Newton methods for sums of squares."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from optbench_newton.gauss_newton import gauss_newton
from scipy import optimize
from torch import Tensor

from optbench.api import UserError

SCALINGS = pytest.mark.parametrize("scaling", ["identity", "moré"])
START = (1.0, 3.0, -1.0)


def levenberg(scaling: str = "identity") -> Any:
    return gauss_newton(damping="levenberg-marquardt", scaling=scaling)


def double(*numbers: float) -> Tensor:
    return torch.tensor(numbers, dtype=torch.float64)


def valley(x: Tensor) -> Tensor:
    return torch.stack((10 * (x[1] - x[0] ** 2), 1 - x[0]))


def freudenstein_roth(x: Tensor) -> Tensor:
    a, b = x
    return torch.stack((-13 + a + ((5 - b) * b - 2) * b, -29 + a + ((b + 1) * b - 14) * b))


@SCALINGS
def test_it_ends_where_scipys_least_squares_ends(
    scaling: str, least_squares: Any, minimize: Any, exponential_fit: Any
) -> None:
    problem = least_squares(exponential_fit, 3)
    state = minimize(levenberg(scaling), problem, double(*START))
    there = optimize.least_squares(
        lambda x: exponential_fit(torch.from_numpy(x)).numpy(), np.array(START), xtol=1e-15, ftol=1e-15, gtol=1e-15
    )
    assert state.finished == "converged"
    assert torch.allclose(state.point, torch.from_numpy(there.x), rtol=1e-6)


@SCALINGS
@pytest.mark.parametrize(
    ("function", "start", "end"),
    [(valley, (-1.2, 1.0), (1.0, 1.0)), (freudenstein_roth, (0.5, -2.0), (11.412779, -0.8968053))],
    ids=["zero-residual", "large-residual"],
)
def test_known_endpoints(function: Any, start: Any, end: Any, scaling: str, least_squares: Any, minimize: Any) -> None:
    state = minimize(levenberg(scaling), least_squares(function, 2), double(*start))
    assert torch.allclose(state.point, double(*end), rtol=1e-6)


@SCALINGS
def test_a_parameter_that_changes_nothing_stays_where_it_is(scaling: str, least_squares: Any, minimize: Any) -> None:
    problem = least_squares(lambda x: torch.stack((x[0] - 3, 2 * x[0] + 1, 0 * x[1])), 2)
    state = minimize(levenberg(scaling), problem, double(1.0, 5.0))
    assert state.finished == "converged"
    assert torch.allclose(state.point, double(0.2, 5.0))


def test_it_asks_for_residuals_and_jacobians_only_and_shares_a_jacobian_among_trials(
    least_squares: Any, minimize: Any
) -> None:
    problem = least_squares(valley, 2)
    minimize(levenberg(), problem, double(-1.2, 1.0))
    counts = problem.counts
    assert counts["value"] == counts["gradient"] == counts["gauss_newton_vector"] == 0
    assert counts["jacobian"] < counts["residuals"] < 30


@pytest.mark.parametrize("rank_one", [True, False])
def test_a_singular_jacobian_is_solved_by_the_shortest_step(rank_one: bool, least_squares: Any, minimize: Any) -> None:
    weights = double(1.0, 2.0, 3.0) if rank_one else double(0.0, 1.0, 0.0)
    problem = least_squares(lambda x: torch.arange(1.0, 7.0, dtype=x.dtype) * (weights @ x) - 1, 3)
    state = minimize(levenberg(), problem, double(1.0, 1.0, 1.0))
    best = float(21 / 91)  # Σ i / Σ i²
    assert state.finished == "converged"
    assert float(weights @ state.point) == pytest.approx(best)
    moved = state.point - 1
    assert torch.allclose(moved, weights * (weights @ moved) / (weights @ weights))


@SCALINGS
@pytest.mark.parametrize("power", [-40, 40])
def test_f_times_a_power_of_four_takes_the_same_steps(
    power: int, scaling: str, least_squares: Any, minimize: Any
) -> None:
    ends = []
    for size in (1.0, 2.0**power):
        problem = least_squares(lambda x, size=size: size * freudenstein_roth(x), 2)
        state = levenberg(scaling).init(problem, double(0.5, -2.0))
        for _ in range(12):
            state = levenberg(scaling).step(problem, state)
        ends.append((problem.counts, state.point))
    assert ends[0][0] == ends[1][0]
    assert torch.allclose(ends[0][1], ends[1][1], rtol=1e-9)


def test_more_scaling_knows_no_units_of_the_parameters(least_squares: Any, exponential_fit: Any) -> None:
    """Units that are powers of two: the same steps; without the scaling they differ."""
    units = double(2.0**20, 2.0**-10, 1.0)

    def after(scaling: str, units: Tensor) -> Tensor:
        problem = least_squares(lambda x: exponential_fit(x * units), 3)
        method = levenberg(scaling)
        state = method.init(problem, double(*START) / units)
        for _ in range(6):
            state = method.step(problem, state)
        return state.point * units

    plain = after("moré", torch.ones_like(units))
    assert torch.allclose(after("moré", units), plain, rtol=1e-9)
    assert not torch.allclose(after("identity", units), plain, rtol=1e-3)


def test_more_scaling_never_falls(least_squares: Any) -> None:
    problem = least_squares(lambda x: torch.stack((x[0] ** 2, x[1] - 1)), 2)
    method = levenberg("moré")
    state = method.init(problem, double(3.0, 0.0))
    for _ in range(5):
        state = method.step(problem, state)
    assert torch.equal(state.scale, double(6.0, 1.0))


@pytest.mark.parametrize(("factor", "multiple"), [(0.5, 1.0), (1.0, 2.0)])
@pytest.mark.parametrize("damping", [0.0, 0.3, 10.0])
def test_a_fixed_damping_is_added_to_the_hessians_approximation(
    damping: float, factor: float, multiple: float, least_squares: Any
) -> None:
    """(∇²-approximation + αI)·d = −∇f, whatever multiple of ‖r‖² f is."""
    problem = least_squares(freudenstein_roth, 2, factor=factor)
    start = double(0.5, -2.0)
    method = gauss_newton(damping=str(damping), scaling="identity")
    state = method.step(problem, method.init(problem, start))
    jacobian, residuals = torch.func.jacrev(freudenstein_roth)(start), freudenstein_roth(start)
    matrix = multiple * jacobian.T @ jacobian + damping * torch.eye(2, dtype=torch.float64)
    expected = start - torch.linalg.solve(matrix, multiple * jacobian.T @ residuals)
    assert torch.allclose(state.point, expected)


def test_undamped_it_may_lead_uphill(least_squares: Any) -> None:
    problem = least_squares(lambda x: torch.stack((x[0] / (1 + x[0] ** 2).sqrt(),)), 1)
    method = gauss_newton(damping="0", scaling="identity")
    state = method.step(problem, method.init(problem, double(3.0)))
    assert abs(float(state.point)) > 3


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("damping", ["levenberg-marquardt", "0"])
def test_at_the_optimum_it_ends_at_once(damping: str, dtype: torch.dtype, least_squares: Any, minimize: Any) -> None:
    problem = least_squares(valley, 2, dtype=dtype)
    state = minimize(gauss_newton(damping=damping, scaling="moré"), problem, torch.ones(2, dtype=dtype))
    assert state.finished == "converged"
    assert problem.counts["jacobian"] == 1


def test_float32_reaches_float32_accuracy(least_squares: Any, minimize: Any) -> None:
    problem = least_squares(valley, 2, dtype=torch.float32)
    state = minimize(levenberg(), problem, torch.tensor([-1.2, 1.0]))
    assert state.point.dtype == torch.float32
    assert float((state.point - 1).abs().max()) < 1e-3


def test_one_parameter(least_squares: Any, minimize: Any) -> None:
    state = minimize(levenberg(), least_squares(lambda x: torch.cat((x - 1, x - 2)), 1), double(10.0))
    assert float(state.point) == pytest.approx(1.5)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_residuals_that_are_no_numbers_only_shorten_the_step(bad: float, least_squares: Any, minimize: Any) -> None:
    """The first step ends at −2.3, where ln x is none."""
    problem = least_squares(lambda x: torch.where(x > 0, x.clamp(min=1e-300).log(), bad), 1)
    state = minimize(levenberg(), problem, double(10.0))
    assert float(state.point) == pytest.approx(1.0)


def test_a_start_that_is_no_number_ends_without_an_exception(least_squares: Any, minimize: Any) -> None:
    state = minimize(levenberg(), least_squares(lambda x: x.log(), 1), double(-1.0))
    assert state.finished == "stalled"


def test_another_minibatch_is_evaluated_afresh(least_squares: Any) -> None:
    problem = least_squares(valley, 2)
    method = levenberg()
    state = method.step(problem, method.init(problem, double(-1.2, 1.0)))
    before = dict(problem.counts)
    problem.batch += 1
    state = method.step(problem, state)
    assert problem.counts["residuals"] >= before["residuals"] + 2
    assert state.batch == problem.batch


def test_restart_goes_on_from_another_point_with_radius_and_scale(least_squares: Any) -> None:
    problem = least_squares(valley, 2)
    method = levenberg("moré")
    state = method.init(problem, double(-1.2, 1.0))
    for _ in range(3):
        state = method.step(problem, state)
    radius, scale = state.trust.radius, state.scale.clone()
    state = method.restart(state, problem, double(-3.0, 2.0))
    assert (state.finished, state.trust.radius) == (None, radius)
    assert torch.equal(state.scale, scale)
    while state.finished is None:
        state = method.step(problem, state)
    assert torch.allclose(state.point, double(1.0, 1.0))


@pytest.mark.parametrize("damping", ["-1", "much", "inf", "nan", ""])
def test_a_damping_that_is_none_is_the_users_mistake(damping: str) -> None:
    with pytest.raises(UserError, match="a number from 0"):
        gauss_newton(damping=damping, scaling="identity")
