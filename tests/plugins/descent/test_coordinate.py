"""Coordinate descent on any differentiable function: one coordinate or one block at a time."""

from __future__ import annotations

import itertools
import math
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from optbench_descent.coordinate.blocks import Alternating, Given, Groups, Single
from optbench_descent.coordinate.orders import ORDERS
from optbench_descent.coordinate.solvers import InnerOptimizer
from optbench_descent.coordinate.sweeps import Sweeps
from optbench_testfunctions.small import coupled_pair, kinked_pair, powell_cycling
from torch import Tensor

from optbench.api import UserError
from tests.plugins.descent.sweeping import method, run

CPU = {"device": torch.device("cpu"), "dtype": torch.float64, "streams": None}
SOLVERS = ("newton", "exact", "cg", "gradient-descent")
MATRIX = torch.tensor(
    [[4.0, 1.0, 0.5, 0.0], [1.0, 3.0, 0.2, 0.4], [0.5, 0.2, 2.0, 0.3], [0.0, 0.4, 0.3, 1.0]], dtype=torch.float64
)
RIGHT = torch.tensor([1.0, -2.0, 0.5, 3.0], dtype=torch.float64)


def quadratic(x: Tensor) -> Tensor:
    return 0.5 * x @ MATRIX.to(x.dtype) @ x - RIGHT.to(x.dtype) @ x


def rosenbrock(x: Tensor) -> Tensor:
    return 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2


# ---- what a sweep does


def test_a_sweep_of_newton_steps_on_a_quadratic_is_a_gauss_seidel_sweep(oracle_of: Any, function_problem: Any) -> None:
    points, _ = run(method(), oracle_of(function_problem(quadratic, [1.0, 2.0, 3.0, 4.0])), 5)
    x = torch.tensor([1.0, 2.0, 3.0, 4.0], dtype=torch.float64)
    lower, upper = MATRIX.tril(), MATRIX.triu(1)
    for point in points:
        x = torch.linalg.solve_triangular(lower, (RIGHT - upper @ x)[:, None], upper=False)[:, 0]
        torch.testing.assert_close(point, x, rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("solver", ["newton", "exact", "cg(steps=20)"])
def test_a_sweep_over_groups_of_a_quadratic_is_a_block_gauss_seidel_sweep(
    solver: str, oracle_of: Any, function_problem: Any
) -> None:
    points, _ = run(method("groups(sizes=[3, 1])", solver=solver), oracle_of(function_problem(quadratic, [1.0] * 4)), 3)
    x = torch.ones(4, dtype=torch.float64)
    for point in points:
        for block in (slice(0, 3), slice(3, 4)):
            x[block] -= torch.linalg.solve(MATRIX[block, block], (MATRIX @ x - RIGHT)[block])
        torch.testing.assert_close(point, x, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("alpha", [0.01, 0.3, 2.0])
@pytest.mark.parametrize("solver", ["newton", "exact"])
def test_a_sweep_over_the_coupled_pair_multiplies_x_by_a_known_factor(
    solver: str, alpha: float, oracle_of: Any
) -> None:
    oracle = oracle_of(coupled_pair(**CPU, alpha=alpha))
    points, _ = run(method(solver=solver), oracle, 4)
    before = oracle.start()
    for point in points:
        torch.testing.assert_close(point, before * (1 + alpha) ** -2, rtol=1e-7 if solver == "exact" else 1e-12, atol=0)
        before = point


def test_a_newton_step_is_counted_as_what_it_asks_for(oracle_of: Any, function_problem: Any) -> None:
    oracle = oracle_of(function_problem(quadratic, [1.0] * 4))
    run(method(), oracle, 3)
    assert oracle.counts == {"value": 13, "gradient": 13, "hessian_vector": 12}


def test_in_float32_no_digit_of_a_blocks_newton_step_depends_on_the_unit_of_f(
    oracle_of: Any, function_problem: Any
) -> None:
    ends = []
    for unit in (1.0, 2.0**-60, 2.0**60):
        start = torch.tensor([-1.2, 1.0])
        problem = function_problem(lambda x, unit=unit: unit * rosenbrock(x), start, dtype=torch.float32)
        ends.append(run(method("groups(sizes=[2])"), oracle_of(problem, dtype=torch.float32), 6)[0][-1])
    assert torch.equal(ends[0], ends[1])
    assert torch.equal(ends[0], ends[2])


@pytest.mark.parametrize(
    ("order", "blocks", "solver"),
    [
        *itertools.product(["cyclic"], ["single", "groups(sizes=[2])"], SOLVERS),
        *itertools.product(["random", "greedy"], ["single", "groups(sizes=[2])"], ["newton"]),
    ],
)
def test_no_sweep_goes_uphill_and_the_minimum_is_found(
    order: str, blocks: str, solver: str, oracle_of: Any, function_problem: Any
) -> None:
    problem = function_problem(lambda x: quadratic(x) + (x**4).sum() + x[0].exp(), [1.0, -2.0, 0.5, 1.5])
    points, state = run(method(blocks, order, solver), oracle_of(problem), 12)
    values = [float(problem.value(point)) for point in points]
    assert all(later <= earlier + 1e-14 for earlier, later in itertools.pairwise(values))
    leaf = state.point.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(problem.value(leaf), leaf)
    assert float(gradient.abs().max()) < 1e-6


def test_an_exact_step_leaves_no_slope_along_its_coordinate(oracle_of: Any, function_problem: Any) -> None:
    oracle = oracle_of(function_problem(lambda x: (x[0] - 1.0).cosh() + x[0] ** 4 + 0 * x[1], [3.0, 0.0]))
    points, _ = run(method(solver="exact(tolerance=1e-10)"), oracle, 1)
    x = points[0][0]
    assert float(torch.sinh(x - 1) + 4 * x**3) == pytest.approx(0, abs=1e-7)


# ---- orders and blocks


def test_greedy_moves_the_steepest_coordinate_each_time(oracle_of: Any, function_problem: Any) -> None:
    oracle = oracle_of(function_problem(quadratic, [1.0, 2.0, 3.0, 4.0]))
    points, _ = run(method(order="greedy"), oracle, 1)
    x = oracle.start()
    for _ in range(4):
        gradient = MATRIX @ x - RIGHT
        steepest = int(gradient.abs().argmax())
        x[steepest] -= gradient[steepest] / MATRIX[steepest, steepest]
    torch.testing.assert_close(points[0], x, rtol=1e-13, atol=1e-14)


def test_random_sweeps_cover_every_coordinate_and_repeat_under_a_seed(oracle_of: Any, function_problem: Any) -> None:
    turns: list[list[int]] = []
    for seed in (3, 3, 4):
        oracle = oracle_of(function_problem(quadratic, [1.0] * 4), seed=seed)
        turns.append([])
        product = oracle.hessian_vector
        oracle.hessian_vector = lambda x, v, ask=product, to=turns[-1]: to.append(int(v.argmax())) or ask(x, v)
        run(method(order="random"), oracle, 5)
    assert turns[0] == turns[1] != turns[2]
    sweeps = [turns[0][first : first + 4] for first in range(0, 20, 4)]
    assert all(sorted(sweep) == [0, 1, 2, 3] for sweep in sweeps)
    assert len(set(map(tuple, sweeps))) > 1


def test_blocks_cover_every_coordinate_once() -> None:
    oracle: Any = SimpleNamespace(
        size=7, layout={"a": (0, (2, 2)), "b": (4, (3,))}, coordinate_blocks=[slice(5, None), slice(0, 5), slice(2, 2)]
    )
    cuts = {
        "single": (Single(), [1] * 7),
        "groups": (Groups([3]), [3, 3, 1]),
        "uneven": (Groups([1, 2]), [1, 2, 1, 2, 1]),
        "given": (Given(), [5, 2]),  # sorted, without empty ones
        "alternating": (Alternating(), [4, 3]),
    }
    for blocks, sizes in cuts.values():
        made = blocks.of_point(oracle)
        assert [block.stop - block.start for block in made] == sizes
        assert [index for block in made for index in range(7)[block]] == list(range(7))
    oracle.layout = {}
    assert Alternating().of_point(oracle) == [slice(0, 7)]


def test_blocks_that_the_problem_gives_are_solved_together(oracle_of: Any, function_problem: Any) -> None:
    """Two parabolas of two coordinates each: one sweep over the right blocks is enough."""
    matrix = torch.block_diag(MATRIX[:2, :2], MATRIX[2:, 2:])
    problem = function_problem(
        lambda x: 0.5 * x @ matrix @ x, [1.0, 2.0, 3.0, 4.0], coordinate_blocks=[slice(0, 2), slice(2, 4)]
    )
    points, _ = run(method("given"), oracle_of(problem), 1)
    assert float(points[0].abs().max()) < 1e-14


def test_what_can_not_be_meant_is_the_users_mistake(oracle_of: Any, function_problem: Any) -> None:
    with pytest.raises(UserError, match="lengths of the groups"):
        method("groups(sizes=[0])")
    with pytest.raises(UserError, match="lengths of groups"):
        method("groups(sizes=[])")
    with pytest.raises(UserError, match="sigle"):
        method("sigle")
    with pytest.raises(UserError, match="coordinate_blocks"):
        run(method("given"), oracle_of(function_problem(quadratic, [1.0] * 4)), 1)


# ---- where it must fail


@pytest.mark.parametrize("solver", ["newton", "exact"])
def test_it_gets_stuck_on_a_kink_that_is_no_minimum(solver: str, oracle_of: Any) -> None:
    """Along either coordinate |x₁ − x₂| + 0.1‖x‖² rises from x₁ = x₂, though f falls along (1, 1)."""
    oracle = oracle_of(kinked_pair(**CPU))
    _, state = run(method(solver=solver), oracle, 100)
    assert state.finished == "stalled"
    first, second = state.point.tolist()
    assert first == pytest.approx(second, abs=1e-6)
    assert first > 0.01
    assert float(oracle.problem.value(state.point)) > 1e-5


def test_a_group_of_both_coordinates_passes_the_kink(oracle_of: Any) -> None:
    _, state = run(method("groups(sizes=[2])", solver="exact"), oracle_of(kinked_pair(**CPU)), 100)
    assert float(state.point.abs().max()) < 1e-10


def test_exact_cyclic_sweeps_go_round_powells_cube(oracle_of: Any) -> None:
    """Two sweeps lead past six corners and back; the gradient does not fall, the overshoot by −⅛ each turn."""
    oracle = oracle_of(powell_cycling(**CPU, epsilon=1.0))
    points, state = run(method(solver="exact(tolerance=1e-13)"), oracle, 5)
    signs = [point.sign().tolist() for point in points]
    assert signs[0] == signs[2] == signs[4] != signs[1] == signs[3]
    assert signs[0] == [-sign for sign in signs[1]]
    overshoots = [float(point.abs().max()) - 1 for point in points]
    for before, after in itertools.pairwise(overshoots):
        assert after / before == pytest.approx(1 / 8, rel=1e-3)
    assert float(oracle.gradient(state.point).abs().max()) > 1.9
    assert state.finished is None


# ---- edges


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize(
    ("function", "start", "finished"),
    [
        (lambda x: ((x - 3) ** 4).sum() + (x - 3).square().sum(), [10.0], "converged"),
        (lambda x: x.square().sum(), [0.0, 0.0], "converged"),
        (lambda x: 0 * x.sum() + 2, [1.0, 2.0], "converged"),
        (lambda x: x.sum(), [1.0, 2.0], "unbounded"),
        (lambda x: (x * math.nan).sum(), [1.0, 2.0], "stalled"),
    ],
    ids=["one", "optimum", "constant", "linear", "nan"],
)
def test_edges(
    function: Any, start: Any, finished: str, solver: str, dtype: Any, oracle_of: Any, function_problem: Any
) -> None:
    oracle = oracle_of(function_problem(function, start, dtype=dtype), dtype=dtype)
    _, state = run(method(solver=solver), oracle, 200)
    assert state.finished == finished
    assert state.point.dtype == dtype
    if start == [10.0]:
        assert float(state.point) == pytest.approx(3, abs=1e-3)


@pytest.mark.parametrize("blocks", ["single", "groups(sizes=[2])"])
def test_negative_curvature_leads_down(blocks: str, oracle_of: Any, function_problem: Any) -> None:
    oracle = oracle_of(function_problem(lambda x: (x**4).sum() - x.square().sum() + x[0] * x[1], [0.1, 0.2]))
    _, state = run(method(blocks), oracle, 60)
    assert float(oracle.problem.value(state.point)) == pytest.approx(-1.125, rel=1e-10)


@pytest.mark.parametrize("blocks", ["single", "groups(sizes=[2])"])
@pytest.mark.parametrize("solver", ["newton", "exact", "cg(steps=2)", "gradient-descent(steps=2)"])
def test_the_scale_of_f_changes_nothing(solver: str, blocks: str, oracle_of: Any, function_problem: Any) -> None:
    ends = []
    for scale in (1.0, 2.0**40, 2.0**-40):
        oracle = oracle_of(function_problem(lambda x, scale=scale: scale * rosenbrock(x), [-1.2, 1.0]))
        points, _ = run(method(blocks, solver=solver), oracle, 4)
        ends.append((oracle.counts, points[-1].tolist()))
    assert ends[0] == ends[1] == ends[2]


def test_a_point_where_f_is_not_a_number_only_shortens_the_step(oracle_of: Any, function_problem: Any) -> None:
    oracle = oracle_of(function_problem(lambda x: (x - x.log()).sum(), [1e-4, 50.0]))
    _, state = run(method(), oracle, 60)
    torch.testing.assert_close(state.point, torch.ones(2, dtype=torch.float64))


def test_a_restart_begins_at_the_given_point_and_goes_on_drawing(oracle_of: Any, function_problem: Any) -> None:
    oracle, optimizer = oracle_of(function_problem(quadratic, [1.0] * 4)), method(order="random")
    _, state = run(optimizer, oracle, 3)
    again = optimizer.restart(state, oracle, torch.full((4,), 2.0, dtype=torch.float64))
    assert again.point.tolist() == [2.0] * 4
    assert again.finished is None
    assert again.generator is state.generator


def test_another_minibatch_is_evaluated_afresh(oracle_of: Any, function_problem: Any) -> None:
    oracle, optimizer = oracle_of(function_problem(quadratic, [1.0] * 4)), method()
    _, state = run(optimizer, oracle, 1)
    before = oracle.counts["gradient"]
    oracle.batch += 1
    optimizer.step(oracle, state)
    assert oracle.counts["gradient"] == before + 5


def test_a_block_whose_gradient_vanishes_takes_no_turn_from_others(oracle_of: Any, function_problem: Any) -> None:
    problem = function_problem(lambda x: x[0] ** 2 + (x[1] - 1) ** 2 + (x[2] - 2) ** 2, [0.0, 0.0, 0.0])
    (point,), _ = run(method(solver="exact"), oracle_of(problem), 1)
    torch.testing.assert_close(point, torch.tensor([0.0, 1.0, 2.0], dtype=torch.float64))


def test_an_inner_optimizer_that_goes_uphill_moves_nothing(oracle_of: Any, function_problem: Any) -> None:
    class Uphill:
        def init(self, oracle: Any, start: Tensor) -> Any:
            return SimpleNamespace(point=start.clone(), finished=None)

        def step(self, oracle: Any, state: Any) -> Any:
            state.point = state.point + oracle.gradient(state.point)
            return state

    oracle = oracle_of(function_problem(quadratic, [1.0, 2.0, 3.0, 4.0]))
    sweeps = Sweeps(Groups([4]), ORDERS["cyclic"], InnerOptimizer(Uphill(), steps=1))
    (point,), _ = run(sweeps, oracle, 1)
    assert point.tolist() == [1.0, 2.0, 3.0, 4.0]
