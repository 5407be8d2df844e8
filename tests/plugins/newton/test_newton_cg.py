"""Newton's method by truncated conjugate gradients."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
import torch
from optbench_newton import NEWTON_CG_LINE_SEARCH
from optbench_newton.forcing import EisenstatWalker, Superlinear, forcing_rule
from optbench_newton.newton_cg import NewtonCG, newton_cg
from optbench_newton.truncated import Limits, Workspace, solve
from torch import Tensor

from optbench.api import Refused, UserError
from optbench.numerics.line import Found, Line
from optbench.testing.subjects import subject_of
from optbench.testing.trials import limited, place, run
from optbench.testing.workloads import small_net

Make = Callable[..., NewtonCG]
WHOLE = Limits(residual=0.0, products=1, radius=math.inf, reach=1.0)


def method(**options: Any) -> Any:
    defaults = {
        "max_cg": 0,
        "forcing": "superlinear",
        "trust_region": True,
        "line_search": "strong-wolfe",
        "curvature": "hessian",
    }
    return newton_cg(**{**defaults, **options})


BOTH = pytest.mark.parametrize("trust_region", [True, False], ids=["within-radius", "along-line"])


def rosenbrock(x: Tensor) -> Tensor:
    return (100 * (x[1::2] - x[::2] ** 2) ** 2 + (1 - x[::2]) ** 2).sum()


def double(*numbers: float) -> Tensor:
    return torch.tensor(numbers, dtype=torch.float64)


@BOTH
def test_solved_exactly_the_first_step_is_newtons(trust_region: bool, oracle: Any, quadratic: Any) -> None:
    problem = oracle(quadratic(torch.logspace(0, 2, 8, dtype=torch.float64)), 8)
    exact = method(forcing="1e-13", trust_region=trust_region)
    start = torch.ones(8, dtype=torch.float64)
    state = exact.step(problem, exact.init(problem, start))
    assert float(state.point.norm()) < 1e-9
    assert problem.counts["hessian_vector"] <= 10


@BOTH
def test_a_looser_solution_costs_fewer_products(trust_region: bool, oracle: Any, quadratic: Any) -> None:
    spent = []
    for forcing in ("0.5", "1e-10"):
        problem = oracle(quadratic(torch.logspace(0, 3, 30, dtype=torch.float64)), 30)
        chosen = method(forcing=forcing, trust_region=trust_region)
        state = chosen.step(problem, chosen.init(problem, torch.ones(30, dtype=torch.float64)))
        spent.append(problem.counts["hessian_vector"])
        assert state.finished is None
    assert spent[0] < spent[1] / 3


def test_no_step_takes_more_products_than_max_cg(oracle: Any, quadratic: Any) -> None:
    problem = oracle(quadratic(torch.logspace(0, 3, 30, dtype=torch.float64)), 30)
    chosen = method(max_cg=4, forcing="1e-10")
    state = chosen.init(problem, torch.ones(30, dtype=torch.float64))
    for steps in range(1, 6):
        state = chosen.step(problem, state)
        assert problem.counts["hessian_vector"] == 4 * steps


@BOTH
def test_saddles_are_left(trust_region: bool, oracle: Any, minimize: Any) -> None:
    """From beside the saddle of x⁴ − x² + y² Newton's own step leads back onto it."""
    problem = oracle(lambda x: x[0] ** 4 - x[0] ** 2 + x[1] ** 2, 2)
    state = minimize(method(trust_region=trust_region), problem, double(1e-3, 1.0))
    assert state.finished == "converged"
    assert abs(float(state.point[0])) == pytest.approx(math.sqrt(0.5))


@BOTH
def test_where_f_falls_without_end_it_says_so(trust_region: bool, oracle: Any, minimize: Any) -> None:
    problem = oracle(lambda x: -(x.square().sum()), 3)
    assert minimize(method(trust_region=trust_region), problem, double(1.0, -2.0, 0.5)).finished == "unbounded"


def test_a_rejected_step_is_tried_again_shorter_without_a_product(oracle: Any) -> None:
    """Newton's step on √(1 + x²) from 5 ends at −125, where f is larger; the next trial is as long as the radius."""
    tried: list[float] = []

    def function(x: Tensor) -> Tensor:
        tried.append(float(x.detach()[0]))
        return (1 + x.square()).sqrt().sum()

    problem = oracle(function, 1)
    problem.hessian_vector = lambda x, v: problem.counts.update(hessian_vector=1) or v * (1 + x.square()) ** -1.5
    chosen = method()
    state = chosen.step(problem, chosen.init(problem, double(5.0)))
    assert problem.counts["hessian_vector"] == 1
    assert -5 < float(state.point) < 5
    rise = math.sqrt(1 + 125**2) - math.sqrt(26)
    promised = 0.5 * 130 * 5 / math.sqrt(26)
    assert tried[:3] == pytest.approx([5.0, -125.0, 5 - 130 * 0.5 / (1 + rise / promised)])


def test_where_a_search_fails_the_next_goes_along_the_gradient_and_a_second_failure_ends_it(oracle: Any) -> None:
    class Failing:
        def search(self, line: Line, first: float) -> Found:
            return Found(line.start, "failed", 0)

    problem = oracle(lambda x: (double(1.0, 10.0, 100.0) * x**2).sum(), 3)
    chosen = method(trust_region=False, forcing="1e-12")
    chosen.method.globalisation.search = Failing()
    state = chosen.step(problem, chosen.init(problem, double(1.0, 1.0, 1.0)))
    assert (state.finished, problem.counts["hessian_vector"]) == (None, 3)
    state = chosen.step(problem, state)
    assert (state.finished, problem.counts["hessian_vector"]) == ("stalled", 4)


def test_the_accuracy_does_not_follow_gradients_of_different_minibatches(oracle: Any, quadratic: Any) -> None:
    problem = oracle(quadratic(torch.logspace(0, 3, 30, dtype=torch.float64)), 30)
    chosen = method(forcing="eisenstat-walker")
    state = chosen.init(problem, torch.ones(30, dtype=torch.float64))
    for _ in range(6):
        state = chosen.step(problem, state)
    assert state.forcing.last < 0.5
    problem.batch += 1
    assert chosen.step(problem, state).forcing.last == 0.5


@BOTH
@pytest.mark.parametrize("power", [-30, 30])
def test_f_times_a_power_of_two_takes_the_same_steps(
    power: int, trust_region: bool, oracle: Any, minimize: Any
) -> None:
    counts = []
    for factor in (1.0, 2.0**power):
        problem = oracle(lambda x, factor=factor: factor * rosenbrock(x), 6)
        chosen = method(trust_region=trust_region)
        state = chosen.init(problem, double(*(-1.2, 1.0) * 3))
        while float(rosenbrock(state.point)) > 1e-12:
            state = chosen.step(problem, state)
        counts.append(dict(problem.counts))
    assert counts[0] == counts[1]


@BOTH
def test_a_step_stays_on_one_minibatch(trust_region: bool, oracle: Any) -> None:
    """Two functions alternate from step to step, as minibatches do: nothing of one may be judged by the other."""
    centres = (double(1.0, 1.0), double(1.5, 0.5))
    problem = oracle(lambda x: ((x - centres[problem.batch % 2]) ** 4 + (x - centres[problem.batch % 2]) ** 2).sum(), 2)
    chosen = method(trust_region=trust_region)
    state = chosen.init(problem, double(9.0, -7.0))
    for _ in range(40):
        problem.batch += 1
        before = float(problem.value(state.point))
        state = chosen.step(problem, state)
        assert float(problem.value(state.point)) <= before
    assert state.finished is None
    assert float((state.point - double(1.25, 0.75)).abs().max()) < 0.5


def test_restart_goes_on_from_another_point_with_the_radius(oracle: Any) -> None:
    problem = oracle(rosenbrock, 2)
    chosen = method()
    state = chosen.init(problem, double(-1.2, 1.0))
    for _ in range(3):
        state = chosen.step(problem, state)
    radius = state.trust.radius
    state = chosen.restart(state, problem, double(2.0, 2.0))
    assert (state.finished, state.trust.radius) == (None, radius)
    assert torch.equal(state.point, double(2.0, 2.0))
    while state.finished is None:
        state = chosen.step(problem, state)
    assert torch.allclose(state.point, double(1.0, 1.0))


@pytest.mark.parametrize("trust_region", [False, True])
def test_where_products_are_no_numbers_the_gradient_leads_on(trust_region: bool, oracle: Any) -> None:
    problem = oracle(rosenbrock, 2)
    problem.hessian_vector = lambda x, v: torch.full_like(v, math.nan)
    chosen = method(trust_region=trust_region)
    state = chosen.init(problem, double(-1.2, 1.0))
    heights = []
    while len(heights) < 5:
        state = chosen.step(problem, state)
        heights.append(float(rosenbrock(state.point)))
    assert state.finished is None
    assert heights == sorted(heights, reverse=True)
    assert heights[0] < 24.2


def test_the_last_steps_converge_faster_than_linearly(oracle: Any) -> None:
    problem = oracle(lambda x: (x.exp() - x).sum(), 5)
    chosen = method()
    state = chosen.init(problem, double(2.0, 1.0, -1.0, 0.5, -2.0))
    norms = []
    while state.finished is None:
        norms.append(float(problem.gradient(state.point).norm()))
        state = chosen.step(problem, state)
    ratios = [after / before for before, after in pairwise(norms) if after > 1e-13]
    assert ratios[-1] < 0.1 * ratios[0]


@pytest.mark.parametrize("factor", [0.5, 1.0])
def test_with_gauss_newton_products_linear_residuals_are_solved_in_a_step(factor: float, least_squares: Any) -> None:
    """f is ½‖r‖² or ‖r‖², the matrix is its Hessian; no Jacobian is asked for, a product an iteration."""
    matrix = torch.tensor([[1.0, 2.0], [0.0, 3.0], [4.0, -1.0]], dtype=torch.float64)
    right = double(1.0, -2.0, 0.5)
    problem = least_squares(lambda x: matrix @ x - right, 2, factor=factor)
    chosen = method(curvature="gauss-newton", forcing="1e-12")
    state = chosen.step(problem, chosen.init(problem, double(3.0, -1.0)))
    assert torch.allclose(state.point, torch.linalg.lstsq(matrix, right).solution)
    assert (problem.counts["jacobian"], problem.counts["gauss_newton_vector"]) == (0, 2)


def test_gauss_newton_products_solve_a_valley(least_squares: Any, minimize: Any) -> None:
    problem = least_squares(lambda x: torch.stack((10 * (x[1] - x[0] ** 2), 1 - x[0])), 2)
    state = minimize(method(curvature="gauss-newton"), problem, double(-1.2, 1.0))
    assert state.finished == "converged"
    assert torch.allclose(state.point, double(1.0, 1.0))


def test_gauss_newton_products_need_no_matrix_and_no_residuals() -> None:
    """On a sum of 10⁵ squares, whose Jacobian would take 80 GB, and on a net's minibatches."""
    subject = subject_of('newton-cg(curvature="gauss-newton", max_cg=5)', "optimizers")
    large = subject_of("chained-rosenbrock(n=100000)", "problems").problem(place())
    for problem, budget, share in ((large, limited(steps=3), 0.8), (small_net(place()), limited(steps=40), 0.1)):
        start = problem.start(place().streams).parameters
        end = run(subject, problem, place(), budget).end
        assert float(problem.value(end)) < share * float(problem.value(start))


def test_without_residuals_gauss_newton_products_are_refused_in_one_line(oracle: Any) -> None:
    problem = oracle(rosenbrock, 2)
    chosen = method(curvature="gauss-newton")
    with pytest.raises(Refused, match="needs residuals, or a model with a loss, which this"):
        chosen.step(problem, chosen.init(problem, double(-1.2, 1.0)))


def test_superlinear_forcing_is_relative_to_the_first_gradient() -> None:
    rule = Superlinear()
    assert rule.relative(100.0) == 0.5
    assert rule.relative(1.0) == pytest.approx(0.1)
    rule.begin()
    assert rule.relative(1.0) == pytest.approx(0.1)


def test_eisenstat_and_walkers_forcing_follows_the_fall_of_the_gradient_but_not_at_once() -> None:
    rule = EisenstatWalker()
    golden = (1 + 5**0.5) / 2
    assert rule.relative(1.0) == 0.5
    second, third = 0.9 * 0.5**golden, 0.9 * (0.9 * 0.5**golden) ** golden
    assert rule.relative(1e-3) == pytest.approx(second)
    assert rule.relative(1e-5) == pytest.approx(third)
    assert rule.relative(1e-6) == pytest.approx(
        0.9 * 0.1**golden
    )  # the safeguard falls below a tenth: no longer needed
    rule.begin()
    assert rule.relative(1e-6) == 0.5


def test_a_trust_region_takes_no_line_search() -> None:
    options = {"max_cg": 0, "forcing": "superlinear", "curvature": "hessian", "trust_region": True}
    with pytest.raises(UserError, match="a trust region and a line search"):
        newton_cg(line_search="armijo", **options)
    newton_cg(line_search=NEWTON_CG_LINE_SEARCH, **options)


@pytest.mark.parametrize("forcing", ["-1", "1", "tight", "nan", ""])
def test_a_forcing_that_is_none_is_the_users_mistake(forcing: str) -> None:
    with pytest.raises(UserError, match="a number from 0, below 1"):
        forcing_rule(forcing)


def test_memory_is_a_few_vectors(oracle: Any) -> None:
    problem = oracle(rosenbrock, 100)
    state = method().init(problem, torch.ones(100, dtype=torch.float64))
    work = (state.work.step, state.work.residual, state.work.direction)
    assert all(buffer.shape == (100,) for buffer in (state.point, *work, state.spare))


def test_minibatches_on_which_nothing_is_accepted_leave_no_radius_of_zero(oracle: Any, quadratic: Any) -> None:
    problem = oracle(quadratic(torch.ones(2, dtype=torch.float64)), 2)
    honest, asked = problem.value_and_gradient, [0]

    def rising(x: Tensor) -> tuple[Tensor, Tensor]:
        asked[0] += 1
        value, gradient = honest(x)
        return value * 0 + asked[0], gradient

    newton = method(inner_steps=1)
    state = newton.init(problem, double(1, 2))
    problem.value_and_gradient = rising
    for batch in range(1, 13):
        problem.batch = batch
        state = newton.step(problem, state)
    assert torch.equal(state.point, double(1, 2))
    problem.value_and_gradient, problem.batch = honest, 13
    for _ in range(3):
        state = newton.step(problem, state)
    assert state.point.norm() < 1e-6


def test_a_step_whose_squares_underflow_has_a_length() -> None:
    gradient, size = double(3e-200, 4e-200), 5e-200
    found = solve(lambda v: v, gradient, size, WHOLE, Workspace.like(gradient))
    assert found.length == pytest.approx(size)
