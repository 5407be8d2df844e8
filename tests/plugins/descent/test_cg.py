"""Conjugate gradients."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from optbench_descent.cg import BETAS, ConjugateDirections, cg, fletcher_reeves, polak_ribiere, polak_ribiere_plus

from optbench.numerics.descent import Move


def exact(beta: str) -> Any:
    return cg(beta=beta, restart=0, line_search="exact")


@pytest.mark.parametrize("beta", BETAS)
@pytest.mark.parametrize("distinct", [1, 2, 3, 5])
def test_as_many_steps_as_distinct_eigenvalues(beta: str, distinct: int, oracle: Any, quadratic: Any) -> None:
    spectrum = torch.linspace(1, 10, distinct, dtype=torch.float64).repeat_interleave(30 // distinct)
    problem = oracle(quadratic(spectrum), len(spectrum), quadratic=True)
    state = exact(beta).init(problem, torch.ones(len(spectrum), dtype=torch.float64))
    norms = []
    for _ in range(distinct):
        state = exact(beta).step(problem, state)
        norms.append(float(state.here.gradient.norm()))
    assert norms[-1] < 1e-9
    assert all(norm > 1e-3 for norm in norms[:-1])
    assert problem.counts["line_minimum"] == distinct


def test_all_betas_walk_the_same_way_on_a_quadratic(oracle: Any, quadratic: Any) -> None:
    function = quadratic(torch.linspace(1, 10, 20, dtype=torch.float64))
    points = []
    for beta in BETAS:
        problem = oracle(function, 20, quadratic=True)
        state = exact(beta).init(problem, torch.ones(20, dtype=torch.float64))
        for _ in range(8):
            state = exact(beta).step(problem, state)
        points.append(state.point)
    assert all(torch.allclose(point, points[0], atol=1e-8) for point in points)


def test_directions_are_conjugate(oracle: Any) -> None:
    spectrum = torch.linspace(1, 10, 10, dtype=torch.float64)
    problem = oracle(lambda x: 0.5 * (spectrum * x * x).sum(), 10, quadratic=True)
    method = exact("polak-ribiere+")
    state = method.init(problem, torch.ones(10, dtype=torch.float64))
    directions = []
    for _ in range(5):
        before = state.point.clone()
        state = method.step(problem, state)
        directions.append(torch.nn.functional.normalize(state.point - before, dim=0))
    for i, one in enumerate(directions):
        assert all(abs(one @ (spectrum * other)) < 1e-6 for other in directions[:i])


def move(before: list[float], after: list[float]) -> Move:
    return Move(
        direction=torch.ones(2, dtype=torch.float64),
        step=1.0,
        gradient=torch.tensor(before, dtype=torch.float64),
        next_gradient=torch.tensor(after, dtype=torch.float64),
        slope=-1.0,
        next_slope=0.0,
    )


def test_betas_are_their_formulas() -> None:
    step = move([3.0, 4.0], [1.0, 2.0])
    assert float(fletcher_reeves(step)) == pytest.approx(5 / 25)
    assert float(polak_ribiere(step)) == pytest.approx((1 * -2 + 2 * -2) / 25)
    assert float(polak_ribiere_plus(step)) == 0.0


def test_it_restarts_every_k_moves() -> None:
    rule = ConjugateDirections(fletcher_reeves, restart=2)
    memory = rule.start(torch.zeros(2, dtype=torch.float64))
    betas = []
    for _ in range(4):
        rule.direction(memory, torch.ones(2, dtype=torch.float64))
        rule.learn(memory, move([3.0, 4.0], [1.0, 2.0]))
        betas.append(float(memory.beta))
    assert betas == pytest.approx([0.2, 0.0, 0.2, 0.0])


@pytest.mark.parametrize(("n", "moves"), [(2, 20), (30, 30)])
def test_by_default_it_restarts_once_a_parameter_but_not_too_often(n: int, moves: int) -> None:
    rule = ConjugateDirections(fletcher_reeves, restart=0)
    memory = rule.start(torch.zeros(n, dtype=torch.float64))
    ages = []
    for _ in range(moves):
        rule.learn(memory, move([3.0, 4.0], [1.0, 2.0]))
        ages.append(memory.age)
    assert ages == [*range(1, moves), 0]


@pytest.mark.parametrize("beta", BETAS)
def test_every_beta_solves_rosenbrock(beta: str, oracle: Any, minimize: Any) -> None:
    problem = oracle(lambda x: 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2, 2)
    method = cg(beta=beta, restart=0, line_search="strong-wolfe(c2=0.1)")
    minimize(method, problem, torch.tensor([-1.2, 1.0], dtype=torch.float64))
    assert problem.best < 1e-12
