"""The diagonal that scales conjugate gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from optbench_descent.betas import BETAS
from optbench_descent.cg import ConjugateDirections, cg
from optbench_descent.metrics import Scaled
from optbench_descent.pairs import Pair
from optbench_descent.restarts import Every
from torch import Tensor

from optbench.numerics.descent import Move

OPTIONS: dict[str, Any] = {"line_search": "strong-wolfe(c2=0.1)", "warm_start": 0, "lr": 0.1}


def move(hessian: Tensor, point: Tensor, direction: Tensor, step: float = 0.3) -> Move:
    before, after = hessian @ point, hessian @ (point + step * direction)
    slopes = float(before @ direction), float(after @ direction)
    return Move(direction, step, before, after, *slopes)


def moves(count: int, n: int = 4) -> list[Move]:
    generator = torch.Generator().manual_seed(0)
    draw = torch.randn(count, 2, n, dtype=torch.float64, generator=generator)
    hessian = torch.diag(torch.logspace(0, 4, n, dtype=torch.float64)) + 0.1
    return [move(hessian, point, direction) for point, direction in draw]


def test_the_diagonal_is_that_of_the_bfgs_update_of_a_diagonal_matrix() -> None:
    scales = Scaled().start(torch.zeros(4, dtype=torch.float64))
    dense = None
    for one in moves(6):
        Scaled().learn(scales, Pair.of(one, one.direction))
        s, y = one.step * one.direction.numpy(), (one.next_gradient - one.gradient).numpy()
        dense = np.eye(4) * (y @ y) / (s @ y) if dense is None else dense
        image = dense @ s
        dense = np.diag(np.diag(dense + np.outer(y, y) / (s @ y) - np.outer(image, image) / (s @ image)))
        assert scales.curvature.numpy() == pytest.approx(np.diag(dense), rel=1e-9)


def test_moves_along_single_coordinates_teach_the_diagonal_of_a_quadratic() -> None:
    diagonal = torch.tensor([1.0, 100.0, 1e4], dtype=torch.float64)
    point = torch.ones(3, dtype=torch.float64)
    scales = Scaled().start(point)
    for unit in torch.eye(3, dtype=torch.float64):
        one = move(torch.diag(diagonal), point, -unit)
        Scaled().learn(scales, Pair.of(one, unit))
    assert scales.curvature.tolist() == pytest.approx(diagonal.tolist(), rel=1e-9)


def test_a_move_without_curvature_teaches_nothing() -> None:
    rule = ConjugateDirections(BETAS["hager-zhang"], Every(k=3), Scaled())
    memory = rule.start(torch.zeros(2, dtype=torch.float64))
    rule.learn(memory, move(-torch.eye(2, dtype=torch.float64), torch.ones(2).double(), torch.ones(2).double()))
    assert memory.scales.curvature.tolist() == [1.0, 1.0]


@pytest.mark.parametrize("beta", BETAS)
def test_a_fixed_metric_is_a_change_of_variables(beta: str) -> None:
    """With D known, a direction is that of plain conjugate gradients in √D·x, brought back to x."""
    root = torch.tensor([1.0, 0.1, 3.0, 0.02], dtype=torch.float64)
    rule = ConjugateDirections(BETAS[beta], Every(k=100), Scaled())
    memory = rule.start(torch.zeros(4, dtype=torch.float64))
    one = moves(1)[0]
    memory.scales.root.copy_(root)
    memory.direction.copy_(one.direction)
    rule.learn(memory, one)
    direction = rule.direction(memory, one.next_gradient)
    seen = one._replace(
        direction=one.direction / root, gradient=one.gradient * root, next_gradient=one.next_gradient * root
    )
    expected = float(BETAS[beta](seen)) * seen.direction - seen.next_gradient
    assert torch.allclose(direction / root, expected, rtol=1e-12)
    assert torch.equal(memory.scales.root, root)


def test_what_is_learnt_takes_effect_at_restarts_only() -> None:
    rule = ConjugateDirections(BETAS["hager-zhang"], Every(k=3), Scaled())
    memory = rule.start(torch.zeros(4, dtype=torch.float64))
    known = []
    for one in moves(6):
        rule.learn(memory, one)
        known.append(memory.scales.root.tolist())
    assert known[0] == known[1] == [1.0] * 4
    assert known[2] == known[3] == known[4] != known[1]
    assert known[5] != known[4]
    rule.forget(memory)
    assert memory.scales.root.tolist() == memory.scales.curvature.tolist() == [1.0] * 4


@pytest.mark.parametrize("beta", ["hager-zhang", "polak-ribiere+", "hestenes-stiefel"])
def test_variables_in_units_far_apart_are_no_obstacle(beta: str, oracle: Any, minimize: Any) -> None:
    units = torch.logspace(0, 5, 30, dtype=torch.float64)
    best = {}
    for preconditioner in ("none", "diagonal"):
        problem = oracle(lambda x: ((units * x) ** 2).sum() + ((units * x) ** 4).sum() / 1e20, 30)
        method = cg(**OPTIONS, beta=beta, restart="every(k=20)", preconditioner=preconditioner)
        minimize(method, problem, torch.ones(30, dtype=torch.float64), limit=1000)
        best[preconditioner] = problem.best
    assert best["diagonal"] < 1e-10
    assert best["none"] > 1e-3
