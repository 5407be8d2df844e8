"""The dense inverse Hessian against the textbook's formula."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from optbench_quasinewton.bfgs import DenseInverse, bfgs, second_factor
from optbench_quasinewton.lbfgs import CompactInverse
from optbench_quasinewton.secant import DIFFERENCE, at_the_end, damping, shared
from optbench_quasinewton.sums import ByBlas, ByTorch
from torch import Tensor

from optbench.numerics.descent import Move


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def test_the_update_is_the_textbooks() -> None:
    root = random(7, 7)
    before = root @ root.T
    displacement, change = random(2, 7, seed=1)
    change = change * torch.sign(displacement @ change)
    curvature = displacement @ change
    shift = torch.eye(7, dtype=torch.float64) - torch.outer(displacement, change) / curvature
    expected = shift @ before @ shift.T + torch.outer(displacement, displacement) / curvature
    for growth in (1.0, 3.0):
        grown = expected + (growth - 1) * shift @ before @ shift.T
        bend = float(change @ before @ change)
        of_displacement, of_image = second_factor(curvature=float(curvature), bend=bend, growth=growth)
        second = of_displacement * displacement + of_image * (before @ change)
        updated = growth * before + torch.outer(displacement, second) + torch.outer(second, displacement)
        assert torch.allclose(updated, grown, rtol=1e-11, atol=1e-11 * float(grown.abs().max()))


def run(
    oracle: Any, steps: int, initial_scale: str = "scaled", *, self_scaling: bool = True, curvature: str = "secant"
) -> list[tuple[Tensor, Tensor, Tensor]]:
    """Return (H, displacement, gradient change) after each step on a function that is not convex."""
    problem = oracle(lambda x: (x**4).sum() - x.square().sum() + x[0] * x[1] + x.sum(), 4)
    method = bfgs(
        initial_scale=initial_scale,
        negative_curvature="skip",
        self_scaling=self_scaling,
        line_search="strong-wolfe",
        curvature=curvature,
        pairs="plain",
    )
    state = method.init(problem, torch.tensor([2.0, -1.0, 0.5, 3.0], dtype=torch.float64))
    seen = []
    for _ in range(steps):
        before, gradient = state.point.clone(), problem.gradient(state.point)
        state = method.step(problem, state)
        seen.append((state.memory.matrix.dense(), state.point - before, problem.gradient(state.point) - gradient))
    return seen


@pytest.mark.parametrize("self_scaling", [True, False])
def test_a_change_stands_for_the_curvature_at_the_end_of_its_step(oracle: Any, self_scaling: bool) -> None:
    """By the cubic through values and slopes, which differs from the mean by no more than a factor of 2."""

    def function(x: Tensor) -> Tensor:
        return (x**4).sum() - x.square().sum() + x[0] * x[1] + x.sum()

    point, gradient_of = torch.tensor([2.0, -1.0, 0.5, 3.0], dtype=torch.float64), torch.func.grad(function)
    stretches = []
    for matrix, displacement, change in run(oracle, 10, self_scaling=self_scaling, curvature="cubic"):
        slopes = gradient_of(point) @ displacement, gradient_of(point + displacement) @ displacement
        excess = 6 * (function(point) - function(point + displacement)) + 3 * (slopes[0] + slopes[1])
        stretch = (1 + excess / (displacement @ change)).clamp(0.5, 2)
        assert torch.allclose(stretch * matrix @ change, displacement, rtol=1e-7, atol=1e-11)
        assert torch.linalg.cholesky_ex(matrix).info == 0
        point = point + displacement
        stretches.append(float(stretch))
    assert max(abs(stretch - 1) for stretch in stretches) > 0.2


@pytest.mark.parametrize("self_scaling", [True, False])
def test_the_secant_equation_holds_and_the_matrix_stays_positive_definite(oracle: Any, self_scaling: bool) -> None:
    for matrix, displacement, change in run(oracle, 10, self_scaling=self_scaling):
        assert torch.allclose(matrix @ change, displacement, rtol=1e-9, atol=1e-13)
        assert torch.linalg.cholesky_ex(matrix).info == 0
        assert torch.allclose(matrix, matrix.T, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(("initial_scale", "scale"), [("scaled", None), ("identity", 1.0)])
def test_the_first_matrix_is_a_multiple_of_the_identity(initial_scale: str, scale: float | None, oracle: Any) -> None:
    matrix, displacement, change = run(oracle, 1, initial_scale, self_scaling=False)[0]
    scale = float(displacement @ change / (change @ change)) if scale is None else scale
    shift = torch.eye(4, dtype=torch.float64) - torch.outer(displacement, change) / (displacement @ change)
    expected = scale * shift @ shift.T + torch.outer(displacement, displacement) / (displacement @ change)
    assert torch.allclose(matrix, expected, rtol=1e-9)


@pytest.mark.parametrize(("initial_scale", "grows"), [("identity", False), ("scaled", True)])
def test_where_no_step_has_been_only_a_scaled_matrix_grows(initial_scale: str, grows: bool, oracle: Any) -> None:
    """Along a quartic, whose curvature falls, each step shows the matrix too small."""
    problem = oracle(lambda x: x[0] ** 4 + x[1] ** 2, 2)
    method = bfgs(initial_scale=initial_scale, negative_curvature="skip", self_scaling=True, line_search="strong-wolfe")
    state, seen = method.init(problem, torch.tensor([3.0, 0.0], dtype=torch.float64)), []
    for _ in range(5):
        state = method.step(problem, state)
        seen.append(float(state.memory.matrix.dense()[1, 1]))
    assert (seen[-1] > 2 * seen[0]) is grows
    assert grows or seen == [1.0] * 5


def test_the_direction_uses_the_matrix_as_it_is() -> None:
    rule = DenseInverse(scaled=True, grows=True)
    memory = rule.start(random(3))
    memory.matrix.fill(2.0)
    gradient = torch.ones(3, dtype=torch.float64)
    assert torch.equal(rule.direction(memory, gradient), -gradient)
    memory.updates = 1
    assert torch.equal(rule.direction(memory, gradient), -2 * gradient)


def test_what_was_forgotten_leaves_no_trace_in_the_matrix() -> None:
    rule = DenseInverse(scaled=True, grows=True)
    memory, fresh = rule.start(random(3)), rule.start(random(3))
    for seed in range(3):
        rule.learn(memory, convex_move(seed))
    rule.forget(memory)
    for known in (memory, fresh):
        rule.learn(known, convex_move(9))
    assert torch.equal(memory.matrix.dense(), fresh.matrix.dense())


def convex_move(seed: int) -> Move:
    """A move on a quadratic with the eigenvalues 1, 2 and 3."""
    direction, before = random(2, 3, seed=seed)
    after = before + 0.5 * direction * torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64)
    slopes = float(before @ direction), float(after @ direction)
    return Move(direction, 0.5, before, after, *slopes)


def test_the_matrix_is_allocated_once(oracle: Any) -> None:
    problem = oracle(lambda x: (x**4).sum() + x.sum(), 4)
    method = bfgs(initial_scale="scaled", negative_curvature="skip", self_scaling=True, line_search="strong-wolfe")
    state = method.init(problem, torch.ones(4, dtype=torch.float64))
    address = state.memory.matrix.entries.data_ptr()
    for _ in range(5):
        method.step(problem, state)
    assert state.memory.matrix.entries.data_ptr() == address


@pytest.mark.parametrize("self_scaling", [True, False])
def test_the_direction_that_is_ready_after_an_update_is_the_matrix_times_the_gradient(
    oracle: Any, self_scaling: bool
) -> None:
    problem = oracle(lambda x: (x**4).sum() - x.square().sum() + x[0] * x[1] + x.sum(), 4)
    method = bfgs(
        initial_scale="scaled", negative_curvature="skip", self_scaling=self_scaling, line_search="strong-wolfe"
    )
    state = method.init(problem, torch.tensor([2.0, -1.0, 0.5, 3.0], dtype=torch.float64))
    for _ in range(8):
        state = method.step(problem, state)
        gradient = state.here.gradient
        expected = -(state.memory.matrix.dense() @ gradient)
        assert state.memory.ahead is gradient
        assert torch.allclose(
            method.method.directions.direction(state.memory, gradient), expected, rtol=1e-9, atol=1e-13
        )


@pytest.mark.parametrize(("curvature", "growth"), [(0.25, 2.0), (0.5, 1.0), (2.0, 1.0)])
def test_the_matrix_grows_where_the_step_shows_it_too_small_and_only_there(curvature: float, growth: float) -> None:
    """f = ½·curvature·|x|² and H = 2·I: s'y/y'Hy is 1/(2·curvature)."""
    rule = DenseInverse(scaled=True, grows=True)
    point, gradient = random(2, 3)
    memory = rule.start(point)
    memory.matrix.fill(2.0)
    memory.updates = 1
    direction = rule.direction(memory, gradient).clone()
    after = gradient + 0.5 * curvature * direction
    slopes = float(gradient @ direction), float(after @ direction)
    rule.learn(
        memory,
        Move(
            direction=direction, step=0.5, gradient=gradient, next_gradient=after, slope=slopes[0], next_slope=slopes[1]
        ),
    )
    across = torch.linalg.cross(direction, gradient + random(3, seed=7))
    assert torch.allclose(memory.matrix.dense() @ across, growth * 2 * across)


@pytest.mark.parametrize("conjugate", [True, False])
def test_on_a_quadratic_a_conjugate_pair_leaves_what_the_last_one_told(conjugate: bool) -> None:
    """Whatever the steps: H maps the last two changes to their displacements, after a plain update only the last."""
    hessian = torch.tensor([3.0, 1.0, 0.2, 7.0], dtype=torch.float64)
    rule = DenseInverse(scaled=True, grows=False, conjugate=conjugate)
    memory, gradient, told = rule.start(hessian), random(4), []
    newest, earlier = [], []
    for step in (0.1, 0.4, 0.7, 0.3, 0.6):
        direction = rule.direction(memory, gradient).clone()
        after = gradient + step * hessian * direction
        rule.learn(
            memory, Move(direction, step, gradient, after, float(gradient @ direction), float(after @ direction))
        )
        assert torch.allclose(rule.direction(memory, after), -memory.matrix.dense() @ after, rtol=1e-9)
        told, gradient = [*told, torch.as_tensor(memory.last.displacement).clone()], after
        errors = [float((memory.matrix.dense() @ (hessian * s) - s).norm() / s.norm()) for s in told[-2:]]
        newest, earlier = [*newest, errors[-1]], [*earlier, errors[0]]
        assert len(told) == 1 or (abs(told[-1] @ (hessian * told[-2])) < 1e-12) == conjugate
    assert max(newest) < 1e-9
    assert (max(earlier) < 1e-9) is conjugate


def test_what_two_moves_share_is_left_out_only_where_f_is_quadratic_along_them() -> None:
    """s⁻·A·s⁻ = 4, s·A·s = 9, and s·A·s⁻ = 3 by both ways to tell it, nearly so, not at all so, or all there is."""
    assert shared(4.0, 9.0, 3.0, 3.0) == 0.75
    assert shared(4.0, 9.0, 3.0, 2.0) == 0.75
    assert shared(4.0, 9.0, 3.0, -1.0) == 0.0
    assert shared(4.0, 9.0, 6.0, 6.0) == 0.0
    assert shared(4.0, 9.0, 3.0, float("nan")) == 0.0


def test_the_matrix_grows_before_its_first_updates_only(oracle: Any) -> None:
    """Along a quartic every step shows it too small; what no step has told of grows with it until the thirteenth."""
    problem = oracle(lambda x: x[0] ** 4 + x[1] ** 2, 2)
    method = bfgs(initial_scale="scaled", negative_curvature="skip", self_scaling=True, line_search="strong-wolfe")
    state, seen = method.init(problem, torch.tensor([3.0, 0.0], dtype=torch.float64)), []
    for _ in range(16):
        state = method.step(problem, state)
        seen.append(float(state.memory.matrix.dense()[1, 1]))
    assert seen == sorted(seen)
    assert seen[11] > seen[10]
    assert seen[12:] == pytest.approx([seen[11]] * 4, rel=1e-12)


def test_a_damped_update_is_that_of_powells_change(oracle: Any) -> None:
    """Fixed steps over a function that is concave in between: H after each is the textbook's with the damped change."""
    problem = oracle(lambda x: (x**4).sum() - 8 * x.square().sum() + x.sum(), 3)
    method = bfgs(
        initial_scale="identity",
        negative_curvature="damp",
        self_scaling=False,
        line_search="armijo(c1=1e-300)",
        curvature="secant",
        pairs="plain",
    )
    state = method.init(problem, torch.tensor([0.3, -0.2, 0.1], dtype=torch.float64))
    inverse, identity, damped = torch.eye(3, dtype=torch.float64), torch.eye(3, dtype=torch.float64), 0
    for _ in range(6):
        before, gradient = state.point.clone(), problem.gradient(state.point)
        state = method.step(problem, state)
        s, y = state.point - before, problem.gradient(state.point) - gradient
        model = torch.linalg.inv(inverse)
        if s @ y <= 0:
            kept = 0.8 * s @ model @ s / (s @ model @ s - s @ y)
            y, damped = kept * y + (1 - kept) * model @ s, damped + 1
        shift = identity - torch.outer(s, y) / (s @ y)
        inverse = shift @ inverse @ shift.T + torch.outer(s, s) / (s @ y)
        assert torch.allclose(state.memory.matrix.dense(), inverse, rtol=1e-7, atol=1e-10)
        assert torch.linalg.cholesky_ex(inverse).info == 0
    assert 0 < damped < 6


def test_without_damping_such_a_move_changes_nothing() -> None:
    rule = DenseInverse(scaled=True, grows=True)
    gradient = random(3)
    memory = rule.start(gradient)
    direction = rule.direction(memory, gradient)
    slope = float(gradient @ direction)
    concave = Move(
        direction=direction, step=1.0, gradient=gradient, next_gradient=2 * gradient, slope=slope, next_slope=2 * slope
    )
    rule.learn(memory, concave)
    assert not rule.knows_scale(memory)
    DenseInverse(scaled=True, grows=True, secant=damping).learn(memory, concave)
    assert rule.knows_scale(memory)


def damped_at_once(rule: Any, unit: float) -> Tensor:
    """Return the direction after a first move along which f curves downwards, f in some unit."""
    gradient = unit * random(3)
    memory = rule.start(gradient)
    direction = rule.direction(memory, gradient).clone()
    after = 1.5 * gradient + unit * random(3).roll(1)
    slopes = float(gradient @ direction), float(after @ direction)
    move = Move(
        direction=direction,
        step=0.3 / unit,
        gradient=gradient,
        next_gradient=after,
        slope=slopes[0],
        next_slope=slopes[1],
    )
    assert not move.is_convex
    rule.learn(memory, move)
    assert rule.knows_scale(memory)
    return rule.direction(memory, after)


@pytest.mark.parametrize(
    "damped", [DenseInverse(scaled=True, grows=True, secant=damping), CompactInverse(3, scaled=True, secant=damping)]
)
def test_a_first_move_is_damped_alike_in_any_unit_of_f(damped: Any) -> None:
    assert torch.equal(damped_at_once(damped, 2.0**-40), damped_at_once(damped, 1.0))


def test_that_one_minibatch_is_solved_does_not_end_the_trial(oracle: Any) -> None:
    problem = oracle(lambda x: (x - 1.0).square().sum(), 3)
    problem.batch = 1
    method = bfgs(initial_scale="scaled", negative_curvature="skip", self_scaling=True, line_search="strong-wolfe")
    state = method.init(problem, torch.ones(3, dtype=torch.float64))
    assert method.step(problem, state).finished is None
    problem.batch = 0
    assert method.step(problem, state).finished == "converged"


@pytest.mark.parametrize(("stretch", "growth"), [(0.5, 2.0), (1.0, 1.0), (2.0, 1.0)])
def test_how_much_the_matrix_grows_counts_the_change_as_it_stands(stretch: float, growth: float) -> None:
    """f = ¼·|x|² and H = 2·I: s'y/y'Hy is 1, and twice that where y stands for a half of itself."""
    rule = DenseInverse(scaled=True, grows=True, stretch=lambda _move, _weights: stretch)
    point, gradient = random(2, 3)
    memory = rule.start(point)
    memory.matrix.fill(2.0)
    memory.updates = 1
    direction = rule.direction(memory, gradient).clone()
    after = gradient + 0.25 * direction
    slopes = float(gradient @ direction), float(after @ direction)
    rule.learn(memory, Move(direction, 0.5, gradient, after, *slopes))
    across = torch.linalg.cross(direction, gradient + random(3, seed=7))
    assert torch.allclose(memory.matrix.dense() @ across, growth * 2 * across)


def test_what_was_damped_stands_for_itself() -> None:
    move = SimpleNamespace(stretch=1.5)
    assert at_the_end(move, DIFFERENCE) == 1.5
    assert at_the_end(move, (0.5, -0.2)) == 1.0


@pytest.mark.parametrize("kind", [ByBlas, lambda _: ByTorch()], ids=["blas", "torch"])
def test_sums_and_products_are_those_of_the_vectors_and_infinite_beyond_the_dtype(kind: Any) -> None:
    for dtype in (torch.float32, torch.float64):
        first, second, out = random(3, 5).to(dtype)
        made, expected = kind(first), 2 * first - 0.5 * second
        given, other, target = made.of(first), made.of(second), made.of(out)
        made.write(target, (2.0, given), (-0.5, other))
        assert torch.allclose(out, expected)
        made.write(target, (-1.0, target), (1.0, given))
        assert torch.allclose(out, first - expected)
        assert made.products((given, other), (given, given)) == pytest.approx(
            [float(first @ second), float(first @ first)]
        )
    tiny = torch.ones(2)
    kind(tiny).write(kind(tiny).of(tiny), (1e80, kind(tiny).of(tiny)))
    assert torch.isinf(tiny).all()
