"""Conjugate gradients that need no exact line search, against dense algebra."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from optbench_descent.cg import cg
from optbench_descent.memoryless import MemorylessDirections, overlap
from optbench_descent.metrics import Plain, Scaled
from optbench_descent.pairs import Pair
from optbench_descent.restarts import Every, Never, Powell
from torch import Tensor

from optbench.numerics import vectors
from optbench.numerics.descent import Descent, Move
from optbench.numerics.line_searches import build

OPTIONS: dict[str, Any] = {"beta": "memoryless", "restart": "none", "warm_start": 0, "lr": 0.1}


def spread(n: int, condition: float = 100.0) -> Tensor:
    """Return a dense symmetric matrix with eigenvalues from 1 to `condition`."""
    basis, _ = torch.linalg.qr(torch.randn(n, n, dtype=torch.float64, generator=torch.Generator().manual_seed(1)))
    return (basis * torch.logspace(0, torch.tensor(condition).log10(), n, dtype=torch.float64)) @ basis.T


def moved(hessian: Tensor, point: Tensor, direction: Tensor, step: float) -> Move:
    before, after = hessian @ point, hessian @ (point + step * direction)
    return Move(direction.clone(), step, before, after, float(before @ direction), float(after @ direction))


def pair(displacement: Tensor, change: Tensor) -> Pair:
    return Pair(displacement, change, displacement @ change)


def walk(rule: Any, hessian: Tensor, steps: list[float]) -> tuple[Any, list[Tensor], list[Tensor]]:
    """Return the memory, the displacements it held and the points after the moves of these steps."""
    point = torch.ones(len(hessian), dtype=torch.float64)
    memory, displacements, points = rule.start(point), [], []
    for step in steps:
        one = moved(hessian, point, rule.direction(memory, hessian @ point), step)
        rule.learn(memory, one)
        point = point + step * one.direction
        displacements.append(torch.tensor(memory.pair.displacement))
        points.append(point)
    return memory, displacements, points


@pytest.mark.parametrize("metric", [Plain(), Scaled()], ids=["plain", "scaled"])
def test_the_direction_is_that_of_the_dense_bfgs_update(metric: Any) -> None:
    hessian = spread(5)
    rule = MemorylessDirections(Every(k=2), metric)
    memory, _, points = walk(rule, hessian, [0.01, 0.9, 1.3])
    inverse = np.eye(5) if isinstance(metric, Plain) else np.diag(memory.scales.root**2)
    s, y = memory.pair.displacement, memory.pair.change
    gradient = hessian @ points[-1]
    projection = np.eye(5) - np.outer(y, s) / (s @ y)
    dense = s @ y / (y @ inverse @ y) * projection.T @ inverse @ projection + np.outer(s, s) / (s @ y)
    assert rule.direction(memory, gradient).numpy() == pytest.approx(-dense @ gradient.numpy(), rel=1e-10)


@pytest.mark.parametrize("restart", [Every(k=2), Powell()], ids=["every", "powell"])
def test_long_vectors_go_the_way_of_short_ones(restart: Any, oracle: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """By torch, and by numpy: on a function that isn't quadratic, over restarts and after forgetting."""
    points = {}
    for longest in (0, 2**14):
        monkeypatch.setattr(vectors, "SHORT", longest)
        problem = oracle(lambda x: ((x - 1) ** 4).sum() + (x * x).sum() + x[0] * x[1], 6)
        descent = Descent(MemorylessDirections(restart, Scaled()), build("strong-wolfe(bits=8)"))
        state = descent.init(problem, torch.linspace(-1, 2, 6, dtype=torch.float64))
        for k in range(8):
            state = descent.step(problem, state)
            if k == 5:
                descent.directions.forget(state.memory)
        points[longest] = state.point.tolist()
        assert isinstance(state.memory.image, torch.Tensor) == (longest == 0)
    assert points[0] == pytest.approx(points[2**14], rel=1e-8)


def test_the_way_to_the_last_minimum_is_longer_where_the_curvature_has_shrunk() -> None:
    """From x = 1 to 0.8 on x⁴/4 the curvature at the end is 0.79 of the mean; without values the mean counts."""
    rule = MemorylessDirections(Never(), Plain())
    memory = rule.start(torch.ones(1, dtype=torch.float64))
    before, after = torch.tensor([1.0], dtype=torch.float64), torch.tensor([0.512], dtype=torch.float64)
    one = Move(-before, 0.2, before, after, -1.0, -0.512, value=0.25, next_value=0.1024)
    rule.learn(memory, one)
    longer = float(rule.direction(memory, after))
    rule.forget(memory)
    rule.learn(memory, one._replace(value=math.nan))
    assert float(rule.direction(memory, after)) == pytest.approx(-0.512 * 0.2 / 0.488)
    assert longer == pytest.approx(-0.512 * 0.2 / 0.488 / 0.75)


def test_on_a_quadratic_all_directions_are_conjugate_though_no_search_is_exact() -> None:
    hessian = spread(12)
    _, displacements, _ = walk(MemorylessDirections(Never(), Plain()), hessian, [0.007, *[1.0] * 5])
    units = torch.stack([s / (s @ hessian @ s).sqrt() for s in displacements])
    assert (units @ hessian @ units.T - torch.eye(6, dtype=torch.float64)).abs().max() < 1e-8


def test_without_exact_searches_a_quadratic_ends_one_evaluation_after_as_many_as_it_has_eigenvalues(
    oracle: Any, quadratic: Any
) -> None:
    """Each later line costs one evaluation; the last one is the way to the last minimum."""
    spectrum = torch.linspace(1, 4, 5, dtype=torch.float64).repeat_interleave(6)
    problem = oracle(quadratic(spectrum), len(spectrum))
    method = cg(**OPTIONS, preconditioner="none", line_search="fixed(step=1.0)")
    state = method.init(problem, torch.ones(30, dtype=torch.float64))
    sizes = []
    for _ in range(6):
        state = method.step(problem, state)
        sizes.append(float(state.here.gradient.norm()))
    assert sizes[-1] < 1e-9 * sizes[0]
    assert min(sizes[:-1]) > 1e-6 * sizes[0]


def test_it_needs_a_third_of_the_evaluations_of_accurate_searches_on_a_large_quadratic(oracle: Any) -> None:
    n, spent = 100, {}
    for beta in ("memoryless", "hager-zhang"):
        problem = oracle(lambda x: (x[0] - 1) ** 2 + ((x[:-1] - x[1:]) ** 2).sum(), n)
        method = cg(**{**OPTIONS, "beta": beta}, preconditioner="none", line_search="auto")
        state = method.init(problem, torch.zeros(n, dtype=torch.float64))
        while problem.best > 1e-10 and problem.evaluations < 1000:
            state = method.step(problem, state)
        spent[beta] = problem.evaluations
    assert 3 * spent["memoryless"] < spent["hager-zhang"]


def test_what_is_common_to_two_moves_on_a_quadratic_is_their_inner_product() -> None:
    hessian = spread(4)
    last, now = torch.randn(2, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    shared, is_quadratic = overlap(pair(last, hessian @ last), pair(now, hessian @ now))
    assert is_quadratic
    assert float(shared) == pytest.approx(float(last @ hessian @ now / (last @ hessian @ last)))


@pytest.mark.parametrize(("asymmetry", "counts"), [(0.29, True), (0.31, False)])
def test_moves_that_no_hessian_explains_have_nothing_in_common(asymmetry: float, counts: bool) -> None:
    """Here s⁻·y = 0, s·y⁻ = asymmetry, and both curvatures are 1, so that all of the second is left."""
    last, change = torch.eye(2, dtype=torch.float64)
    shared, is_quadratic = overlap(pair(last, last + asymmetry * change), pair(change, change))
    assert bool(is_quadratic) == counts
    assert float(shared) == pytest.approx(asymmetry if counts else 0)


def test_a_move_that_curves_downwards_leaves_the_last_one() -> None:
    rule = MemorylessDirections(Never(), Plain())
    memory, displacements, points = walk(rule, spread(3), [0.01])
    rule.learn(memory, moved(-torch.eye(3, dtype=torch.float64), points[0], points[0], 0.5))
    assert memory.pair.displacement.tolist() == displacements[0].tolist()


def test_a_restart_that_is_due_waits_while_f_is_quadratic_but_no_longer_than_n_moves() -> None:
    rule = MemorylessDirections(Every(k=3), Scaled())
    n = 25
    hessian = torch.diag(torch.linspace(1, 9, n, dtype=torch.float64))
    memory = rule.start(torch.ones(n, dtype=torch.float64))
    point = torch.ones(n, dtype=torch.float64)
    renewed = []
    for _ in range(n):
        one = moved(hessian, point, rule.direction(memory, hessian @ point), 0.8)
        rule.learn(memory, one)
        point = point + 0.8 * one.direction
        renewed.append(bool((memory.scales.root != 1).any()))
    assert renewed == [False] * (n - 1) + [True]


def test_a_restart_that_is_due_comes_with_the_first_move_off_the_quadratic() -> None:
    rule = MemorylessDirections(Every(k=2), Scaled())
    hessian = torch.diag(torch.linspace(1, 9, 6, dtype=torch.float64))
    memory, _, points = walk(rule, hessian, [0.1, 0.9, 0.9])
    assert memory.scales.root.tolist() == [1.0] * 6
    bent = moved(hessian, points[-1], rule.direction(memory, hessian @ points[-1]), 1.0)
    rule.learn(memory, bent._replace(next_gradient=bent.next_gradient + torch.from_numpy(memory.pair.change) * 3))
    assert memory.scales.root.tolist() != [1.0] * 6


def test_after_forgetting_it_is_the_negative_gradient() -> None:
    rule = MemorylessDirections(Every(k=1), Scaled())
    memory, _, _ = walk(rule, spread(4), [0.01, 1.0])
    assert rule.knows_scale(memory)
    rule.forget(memory)
    gradient = torch.arange(4, dtype=torch.float64)
    assert torch.equal(rule.direction(memory, gradient), -gradient)
    assert not rule.knows_scale(memory)


@pytest.mark.parametrize(("across", "is_quadratic"), [(0.7, True), (0.6, False)])
def test_how_far_two_products_may_differ_is_a_share_of_the_curvature_that_is_left(
    across: float, is_quadratic: bool
) -> None:
    """Unit curvatures, s·y⁻ = 0.8: of 0.44 or 0.52 that is left 0.13 or 0.16 is allowed; they differ by 0.1 or 0.2."""
    last, last_change, displacement = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.8, 1.0]], dtype=torch.float64)
    change = torch.tensor([across, 1 - 0.8 * across], dtype=torch.float64)
    shared, found = overlap(pair(last, last_change), pair(displacement, change))
    assert bool(found) is is_quadratic
    assert float(shared) == pytest.approx(0.8 * is_quadratic)
