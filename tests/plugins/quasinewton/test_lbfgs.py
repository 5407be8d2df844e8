"""The compact L-BFGS direction against dense matrices."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from optbench_quasinewton import compact
from optbench_quasinewton.compact import OnDevice, OnHost
from optbench_quasinewton.lbfgs import CompactInverse, Pairs, lbfgs
from optbench_quasinewton.passes import ByNumpy, ByTorch
from optbench_quasinewton.secant import at_the_end, damping, mean
from torch import Tensor

from optbench.numerics import vectors
from optbench.numerics.descent import Move


def moves(n: int, count: int, dtype: torch.dtype = torch.float64) -> list[Move]:
    """Return random moves on a convex quadratic."""
    generator = torch.Generator().manual_seed(n + count)
    root = torch.randn(n, n, generator=generator, dtype=dtype)
    hessian = root @ root.T / n + torch.eye(n, dtype=dtype)
    result = []
    for _ in range(count):
        direction, gradient = torch.randn(2, n, generator=generator, dtype=dtype)
        step = 0.7
        after = gradient + step * hessian @ direction
        slopes = float(gradient @ direction), float(after @ direction)
        result.append(
            Move(
                direction=direction,
                step=step,
                gradient=gradient,
                next_gradient=after,
                slope=slopes[0],
                next_slope=slopes[1],
            )
        )
    return result


def dense_inverse(pairs: list[Move], *, scaled: bool) -> Tensor:
    """Return the inverse Hessian of true changes, by the textbook."""
    return _updated([_pair(pair) for pair in pairs], scaled=scaled)


def _updated(pairs: list[tuple[Tensor, Tensor]], *, scaled: bool = True) -> Tensor:
    """Return the inverse Hessian by the textbook's product formula (Nocedal & Wright 2006, equation 7.16)."""
    last_s, last_y = pairs[-1]
    identity = torch.eye(last_s.numel(), dtype=torch.float64)
    inverse = identity * (last_s @ last_y / (last_y @ last_y)) if scaled else identity
    for s, y in pairs:
        shift = identity - torch.outer(s, y) / (s @ y)
        inverse = shift @ inverse @ shift.T + torch.outer(s, s) / (s @ y)
    return inverse


def _pair(move: Move) -> tuple[Tensor, Tensor]:
    return move.step * move.direction.double(), (move.next_gradient - move.gradient).double()


def learnt(rule: CompactInverse, history: list[Move]) -> Pairs:
    memory = rule.start(history[0].direction)
    for move in history:
        rule.learn(memory, move)
    return memory


@pytest.mark.parametrize("history", [1, 3, 5])
@pytest.mark.parametrize("count", [1, 2, 3, 5, 12])
@pytest.mark.parametrize("scaled", [True, False])
def test_the_direction_is_that_of_the_dense_inverse(history: int, count: int, scaled: bool) -> None:
    rule, seen = CompactInverse(history, scaled=scaled), moves(12, count)
    gradient = torch.randn(12, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    expected = -dense_inverse(seen[-history:], scaled=scaled) @ gradient
    assert torch.allclose(rule.direction(learnt(rule, seen), gradient), expected, rtol=1e-10, atol=1e-12)


def test_float32_pairs_give_a_direction_of_float32_accuracy() -> None:
    rule, seen = CompactInverse(5, scaled=True), moves(12, 8, torch.float32)
    gradient = torch.randn(12, generator=torch.Generator().manual_seed(1))
    expected = -dense_inverse(seen[-5:], scaled=True) @ gradient.double()
    direction = rule.direction(learnt(rule, seen), gradient)
    assert direction.dtype == torch.float32
    assert torch.allclose(direction.double(), expected, rtol=1e-3, atol=1e-4)


def test_one_pair_with_the_identity_is_the_memoryless_form() -> None:
    """The textbook's: −g + ((s·g)/(s·y))·y + ((y·g)/(s·y) − (1 + y·y/s·y)·(s·g)/(s·y))·s."""
    rule, seen = CompactInverse(1, scaled=False), moves(9, 3)
    gradient = torch.randn(9, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    s, y = _pair(seen[-1])
    along, across, curvature = s @ gradient, y @ gradient, s @ y
    expected = -gradient + along / curvature * y + (across - (1 + y @ y / curvature) * along) / curvature * s
    assert torch.allclose(rule.direction(learnt(rule, seen), gradient), expected, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("pairs", ["conjugate", "plain"])
@pytest.mark.parametrize("curvature", ["cubic", "secant"])
@pytest.mark.parametrize(("secant", "line_search"), [("skip", "strong-wolfe"), ("damp", "armijo")])
def test_in_a_run_the_small_matrices_and_the_direction_are_those_of_the_stored_pairs(
    pairs: str, curvature: str, secant: str, line_search: str, oracle: Any
) -> None:
    """After more steps than there are places; the products with the newest change are differences of projections."""
    problem = oracle(lambda x: (x**4).sum() + x[:-1] @ x[1:] + x.sum(), 6)
    method = lbfgs(
        history=3,
        initial_scale="scaled",
        negative_curvature=secant,
        line_search=line_search,
        pairs=pairs,
        curvature=curvature,
    )
    rule = method.method.directions
    state = method.init(problem, torch.linspace(-3, 2, 6, dtype=torch.float64))
    for _ in range(9):
        state = method.step(problem, state)
        memory, gradient = state.memory, state.here.gradient
        kept = [(memory.newest - age) % 3 for age in reversed(range(memory.count))]  # oldest first
        steps, changes = memory.rows[kept], memory.rows[[3 + place for place in kept]]
        upper = torch.linalg.inv((steps @ changes.T).triu())
        assert torch.allclose(torch.as_tensor(memory.products.inverse_upper)[kept][:, kept], upper, rtol=1e-8)
        assert torch.allclose(torch.as_tensor(memory.products.changes)[kept][:, kept], changes @ changes.T, rtol=1e-8)
        assert torch.allclose(memory.projection.values.tensor, memory.rows @ gradient, rtol=1e-10)
        stretches = (steps * changes).sum(1) / torch.as_tensor(memory.products.curvatures)[kept]
        expected = -_updated(list(zip(steps, stretches[:, None] * changes, strict=True))) @ gradient
        assert torch.allclose(rule.direction(memory, gradient), expected, rtol=1e-8)


def test_a_pair_stands_for_the_curvature_at_the_end_of_its_step() -> None:
    """Along the step f is a cubic whose curvature grows from 2 to 3.2, its mean being 2.6."""
    move, direction = moves(4, 1)[0], torch.tensor([1.0, 0, 0, 0], dtype=torch.float64)
    move = move._replace(
        direction=direction,
        step=1.0,
        gradient=-3 * direction,
        next_gradient=-0.4 * direction,
        slope=-3.0,
        next_slope=-0.4,
        value=0.0,
        next_value=-3 + 1 + 0.2,
    )
    for stretch, curvature in ((at_the_end, 3.2), (mean, 2.6)):
        rule = CompactInverse(3, scaled=True, stretch=stretch)
        newton = rule.direction(learnt(rule, [move]), -direction)
        assert torch.allclose(newton, direction / curvature, rtol=1e-12)


def _cosines(memory: Pairs, hessian: Tensor) -> Tensor:
    """Return those between each stored displacement and the one before it, in the norm of the Hessian."""
    half = len(memory.rows) // 2
    kept = [(memory.newest - age) % half for age in reversed(range(memory.count))]
    steps = memory.rows[kept]
    products = steps @ hessian @ steps.T
    norms = products.diagonal().sqrt()
    return (products / torch.outer(norms, norms)).diagonal(1)


@pytest.mark.parametrize("negative_curvature", ["skip", "damp"])
def test_pairs_of_a_quadratic_are_conjugate_without_accurate_searches(
    negative_curvature: str, oracle: Any, quadratic: Any
) -> None:
    spectrum = torch.linspace(1, 100, 30, dtype=torch.float64)
    largest = {}
    for pairs in ("conjugate", "plain"):
        problem = oracle(quadratic(spectrum), 30)
        method = lbfgs(
            history=5,
            initial_scale="scaled",
            negative_curvature=negative_curvature,
            line_search="strong-wolfe",
            pairs=pairs,
        )
        state = method.init(problem, torch.ones(30, dtype=torch.float64))
        hessian = problem.hessian(state.point)
        for _ in range(12):
            state = method.step(problem, state)
        largest[pairs] = float(_cosines(state.memory, hessian).abs().max())
    assert largest["conjugate"] < 1e-8
    assert largest["plain"] > 0.05


def test_conjugate_pairs_end_a_quadratic_after_few_evaluations_for_each_eigenvalue(oracle: Any, quadratic: Any) -> None:
    spectrum = torch.tensor([1.0, 3, 10, 40, 100], dtype=torch.float64).repeat(8)
    counts = {}
    for pairs in ("conjugate", "plain"):
        problem = oracle(quadratic(spectrum), 40)
        method = lbfgs(
            history=5, initial_scale="scaled", negative_curvature="skip", line_search="strong-wolfe", pairs=pairs
        )
        state = method.init(problem, torch.linspace(1, 2, 40, dtype=torch.float64))
        while problem.best > 1e-20:
            state = method.step(problem, state)
        counts[pairs] = problem.evaluations
    assert counts["conjugate"] <= 15
    assert counts["plain"] > 30


@pytest.mark.parametrize("of", [OnHost, OnDevice])
def test_a_share_is_taken_only_where_the_function_is_quadratic_along_both_moves(of: Any) -> None:
    """Curvatures 4 along the last move and 9 along this; a cosine of 1/2 has the products 3 and 3.

    The last pair stands for twice its curvature: its displacement's product with y⁻ is half of that with H⁻¹·s⁻.
    """
    small = of(2, torch.zeros(1, dtype=torch.float64), scaled=True, conjugate=True)
    kind = np.asarray if of is OnHost else torch.as_tensor

    def share(along: float, across: float) -> float:
        small._latest, small.curvatures = kind([4.0, 0, 0, 0]), kind([2.0, 0])
        earlier = kind([-2 * along, 0, 0, 0])
        later = kind([across - 2 * along, 0, 0, 0])
        return float(small.begin(1, later, earlier, (1.0, -1.0), 1.0, 9.0) or 0)

    assert share(3.0, 3.0) == pytest.approx(0.75)
    assert share(-3.0, -3.0) == pytest.approx(-0.75)
    assert share(3.0, 2.0) == pytest.approx(0.75)  # 1/6 of √36 asymmetric, of which 5/6 is left
    assert share(3.0, 0.0) == 0  # ½, and all is left
    assert share(5.0, 4.0) == 0  # 1/6 once more, of which 4/9 is left
    assert share(5.9, 6.1) == 0  # as good as nothing is left
    assert share(5.9999, 5.9999) == 0  # nor here, though both agree
    assert share(7.0, 7.0) == 0  # no Hessian has that
    assert share(float("nan"), 3.0) == share(3.0, float("inf")) == 0


def _points(oracle: Any, dtype: torch.dtype) -> list[Tensor]:
    """Return those of a run whose pairs are partly made conjugate."""
    problem = oracle(lambda x: (x**4).sum() + x[:-1] @ x[1:] + x.sum(), 8, dtype=dtype)
    method = lbfgs(history=3, initial_scale="scaled", negative_curvature="skip", line_search="strong-wolfe")
    state = method.init(problem, torch.linspace(-3, 2, 8, dtype=dtype))
    points = []
    for _ in range(9):
        state = method.step(problem, state)
        points.append(state.point.clone())
    return points


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-9), (torch.float32, 1e-2)])
@pytest.mark.parametrize(("on_cpu", "longest"), [(True, 7), (False, 8)])
def test_long_vectors_and_those_elsewhere_make_the_same_pairs_conjugate(
    on_cpu: bool, longest: int, dtype: torch.dtype, tolerance: float, oracle: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = _points(oracle, dtype)
    for module in (compact, vectors):
        monkeypatch.setattr(module, "in_numpy", lambda _: on_cpu)
    monkeypatch.setattr(vectors, "SHORT", longest)
    for point, same in zip(_points(oracle, dtype), expected, strict=True):
        assert torch.allclose(point, same, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 1e-4)])
@pytest.mark.parametrize(("on_cpu", "longest"), [(True, 11), (False, 12)])
def test_long_vectors_and_those_elsewhere_than_on_the_cpu_give_the_same_direction(
    on_cpu: bool, longest: int, dtype: torch.dtype, tolerance: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    gradient = torch.randn(12, generator=torch.Generator().manual_seed(1), dtype=torch.float64).to(dtype)
    rule, seen = CompactInverse(4, scaled=True), moves(12, 7, dtype)
    memory = learnt(rule, seen)
    assert isinstance(memory.passes, ByNumpy)
    expected = rule.direction(memory, gradient)
    for module in (compact, vectors):
        monkeypatch.setattr(module, "in_numpy", lambda _: on_cpu)
    monkeypatch.setattr(vectors, "SHORT", longest)
    memory = learnt(rule, seen)
    assert isinstance(memory.passes, ByTorch)
    assert isinstance(memory.products.changes, Tensor) != on_cpu
    assert torch.allclose(rule.direction(memory, gradient), expected, rtol=tolerance, atol=tolerance)


def test_a_gradient_of_another_minibatch_is_projected_anew() -> None:
    rule, seen = CompactInverse(3, scaled=True), moves(6, 4)
    memory = learnt(rule, seen)
    for gradient in (seen[-1].next_gradient, torch.ones(6, dtype=torch.float64), seen[0].gradient):
        expected = -dense_inverse(seen[-3:], scaled=True) @ gradient
        assert torch.allclose(rule.direction(memory, gradient), expected, rtol=1e-10, atol=1e-12)


def test_without_pairs_or_after_forgetting_it_is_the_negative_gradient() -> None:
    rule, seen = CompactInverse(3, scaled=True), moves(6, 4)
    gradient = torch.arange(6, dtype=torch.float64)
    memory = rule.start(gradient)
    assert torch.equal(rule.direction(memory, gradient), -gradient)
    memory = learnt(rule, seen)
    rule.forget(memory)
    assert torch.equal(rule.direction(memory, gradient), -gradient)
    rule.learn(memory, seen[0])
    assert torch.allclose(rule.direction(memory, gradient), -dense_inverse(seen[:1], scaled=True) @ gradient)


def test_a_pair_without_positive_curvature_is_left_out() -> None:
    rule, (convex, other) = CompactInverse(3, scaled=True), moves(6, 2)
    concave = Move(
        direction=other.direction,
        step=other.step,
        gradient=other.next_gradient,
        next_gradient=other.gradient,
        slope=other.next_slope,
        next_slope=other.slope,
    )
    gradient = torch.arange(6, dtype=torch.float64)
    direction = rule.direction(learnt(rule, [convex]), gradient).clone()
    assert torch.equal(rule.direction(learnt(rule, [convex, concave]), gradient), direction)


def test_a_damped_pair_without_positive_curvature_gives_the_dense_inverse_of_the_damped_change() -> None:
    rule, (convex, other) = CompactInverse(3, scaled=True, secant=damping), moves(6, 2)
    memory = learnt(rule, [convex])
    gradient, step = other.gradient, 0.7
    direction = rule.direction(memory, gradient).clone()
    after = gradient - 0.3 * (other.next_gradient - gradient) - 0.5 * direction
    concave = Move(
        direction=direction,
        step=step,
        gradient=gradient,
        next_gradient=after,
        slope=float(gradient @ direction),
        next_slope=float(after @ direction),
    )
    assert not concave.is_convex
    s, y = _pair(concave)
    model = torch.linalg.inv(dense_inverse([convex], scaled=True))
    bent, curvature = s @ model @ s, s @ y
    kept = 0.8 * bent / (bent - curvature)
    damped = concave._replace(next_gradient=gradient + kept * y + (1 - kept) * model @ s)
    rule.learn(memory, concave)
    expected = -dense_inverse([convex, damped], scaled=True) @ after
    assert torch.allclose(rule.direction(memory, after), expected, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("scale", [1e-20, 1e20])
def test_curvature_is_judged_relatively(scale: float, oracle: Any, minimize: Any) -> None:
    spectrum = torch.linspace(1, 100, 10, dtype=torch.float64)
    problem = oracle(lambda x: scale * (spectrum * (x - 1) ** 2).sum(), 10)
    method = lbfgs(history=10, initial_scale="scaled", negative_curvature="skip", line_search="strong-wolfe")
    state = minimize(method, problem, torch.zeros(10, dtype=torch.float64), limit=200)
    assert problem.best < 1e-20 * scale * float(spectrum.sum())
    assert state.finished == "converged"


@pytest.mark.parametrize("secant", ["skip", "damp"])
def test_what_overflows_ends_without_an_exception_or_a_warning(secant: str, oracle: Any, minimize: Any) -> None:
    problem = oracle(lambda x: 1e300 * (x**4).sum() + x.sum(), 3)
    method = lbfgs(history=3, initial_scale="scaled", negative_curvature=secant, line_search="armijo")
    state = minimize(method, problem, torch.tensor([3.0, -2.0, 1e3], dtype=torch.float64), limit=300)
    assert state.finished is not None


@pytest.mark.parametrize("longest", [4, 5])
def test_buffers_are_allocated_once(longest: int, oracle: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vectors, "SHORT", longest)
    problem = oracle(lambda x: (x**4).sum() + (x - 1).square().sum(), 5)
    method = lbfgs(history=2, initial_scale="scaled", negative_curvature="skip", line_search="strong-wolfe")
    state = method.init(problem, torch.full((5,), 3.0, dtype=torch.float64))
    addresses = _addresses(state.memory)
    assert len(addresses) >= 7
    for _ in range(6):
        method.step(problem, state)
    assert addresses == _addresses(state.memory)


def _addresses(memory: Pairs) -> set[int]:
    held = (
        memory,
        memory.products,
        memory.weights,
        memory.passes,
        memory.projection,
        memory.earlier,
    )
    values = [value for item in held for value in vars(item).values()]
    values += [memory.projection.values.tensor, memory.earlier.values.tensor]
    tensors = {value.data_ptr() for value in values if isinstance(value, Tensor)}
    arrays = {value.ctypes.data for value in values if isinstance(value, np.ndarray)}
    gradient = memory.projection.gradient
    return (tensors | arrays) - ({gradient.data_ptr()} if gradient is not None else set())


@pytest.mark.parametrize("history", [1, 5, 20])
@pytest.mark.parametrize("initial_scale", ["scaled", "identity"])
def test_with_exact_searches_it_walks_as_cg_does(history: int, initial_scale: str, oracle: Any, quadratic: Any) -> None:
    function = quadratic(torch.linspace(1, 10, 20, dtype=torch.float64))
    problem = oracle(function, 20, quadratic=True)
    method = lbfgs(history=history, initial_scale=initial_scale, negative_curvature="skip", line_search="exact")
    state = method.init(problem, torch.ones(20, dtype=torch.float64))
    hessian = problem.hessian(state.point)
    for _ in range(6):
        state = method.step(problem, state)
    assert torch.allclose(state.point, _linear_cg(hessian, torch.ones(20, dtype=torch.float64), 6), atol=1e-8)


def _linear_cg(hessian: Tensor, point: Tensor, steps: int) -> Tensor:
    residual = -hessian @ point
    direction = residual
    for _ in range(steps):
        step = residual @ residual / (direction @ hessian @ direction)
        point = point + step * direction
        after = residual - step * hessian @ direction
        direction, residual = after + (after @ after) / (residual @ residual) * direction, after
    return point
