"""Conjugate gradients against the algebra of quadratics, and on curved functions."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from optbench_descent.betas import BETAS
from optbench_descent.cg import cg
from torch import Tensor

from optbench.numerics.descent import Move

OPTIONS: dict[str, Any] = {
    "beta": "polak-ribiere+",
    "restart": "none",
    "preconditioner": "none",
    "line_search": "exact",
    "warm_start": 0,
    "lr": 0.1,
}
RULES = [*BETAS, "memoryless"]
SEARCHED = {**OPTIONS, "line_search": "strong-wolfe(c2=0.1)"}


def matrix(n: int, condition: float = 100.0) -> Tensor:
    """Return a dense symmetric matrix with eigenvalues from 1 to `condition`."""
    basis, _ = torch.linalg.qr(torch.randn(n, n, dtype=torch.float64, generator=torch.Generator().manual_seed(1)))
    return (basis * torch.logspace(0, torch.tensor(condition).log10(), n, dtype=torch.float64)) @ basis.T


def walk(method: Any, problem: Any, steps: int) -> tuple[list[Tensor], list[Tensor]]:
    """Return the displacements, and the gradients before and after them."""
    state = method.init(problem, torch.ones(problem.size, dtype=torch.float64))
    displacements, gradients = [], [problem.gradient(state.point)]
    for _ in range(steps):
        before = state.point.clone()
        state = method.step(problem, state)
        displacements.append(state.point - before)
        gradients.append(state.here.gradient)
    return displacements, gradients


@pytest.mark.parametrize("beta", RULES)
def test_directions_are_conjugate_and_gradients_orthogonal(beta: str, oracle: Any) -> None:
    dense = matrix(12)
    problem = oracle(lambda x: 0.5 * x @ dense @ x, 12, quadratic=True)
    displacements, gradients = walk(cg(**{**OPTIONS, "beta": beta}), problem, 6)
    directions = torch.stack([torch.nn.functional.normalize(d, dim=0) for d in displacements])
    products = directions @ dense @ directions.T
    assert (products - products.diag().diag()).abs().max() < 1e-9
    units = torch.stack([torch.nn.functional.normalize(g, dim=0) for g in gradients])
    assert (units @ units.T - torch.eye(7, dtype=torch.float64)).abs().max() < 1e-9


@pytest.mark.parametrize("beta", RULES)
def test_it_ends_after_n_steps_and_as_many_analytic_line_minima(beta: str, oracle: Any) -> None:
    dense = matrix(8, condition=10.0)
    problem = oracle(lambda x: 0.5 * x @ dense @ x, 8, quadratic=True)
    _, gradients = walk(cg(**{**OPTIONS, "beta": beta}), problem, 8)
    sizes = [float(gradient.norm()) for gradient in gradients]
    assert sizes[-1] < 1e-9 * sizes[0]
    assert min(sizes[:-1]) > 1e-6 * sizes[0]
    assert problem.counts["line_minimum"] == 8
    assert problem.counts["gradient"] == 9


@pytest.mark.parametrize("beta", RULES)
@pytest.mark.parametrize("distinct", [1, 3, 5])
def test_as_many_steps_as_distinct_eigenvalues(beta: str, distinct: int, oracle: Any, quadratic: Any) -> None:
    spectrum = torch.linspace(1, 10, distinct, dtype=torch.float64).repeat_interleave(30 // distinct)
    problem = oracle(quadratic(spectrum), len(spectrum), quadratic=True)
    norms = [float(gradient.norm()) for gradient in walk(cg(**{**OPTIONS, "beta": beta}), problem, distinct)[1]]
    assert norms[-1] < 1e-9
    assert all(norm > 1e-3 for norm in norms[:-1])


@pytest.mark.parametrize("restart", ["none", "every(k=0)", "powell"])
def test_all_betas_walk_the_same_way_on_a_quadratic(restart: str, oracle: Any) -> None:
    """Restarts that are not due change nothing; the sixth line is the last that rounding leaves alone."""
    dense = matrix(20)
    walks = []
    for beta in RULES:
        problem = oracle(lambda x: 0.5 * x @ dense @ x, 20, quadratic=True)
        walks.append(torch.stack(walk(cg(**{**OPTIONS, "beta": beta, "restart": restart}), problem, 6)[0]))
    assert all(torch.allclose(one, walks[0], atol=1e-9) for one in walks)


def test_every_five_moves_conjugacy_starts_anew(oracle: Any) -> None:
    dense = matrix(12)
    problem = oracle(lambda x: 0.5 * x @ dense @ x, 12, quadratic=True)
    displacements, gradients = walk(cg(**{**OPTIONS, "restart": "every(k=5)"}), problem, 8)
    along = [-torch.cosine_similarity(d, g, dim=0).item() for d, g in zip(displacements, gradients, strict=False)]
    assert [index for index, cosine in enumerate(along) if cosine > 1 - 1e-12] == [0, 5]


@pytest.mark.parametrize("beta", RULES)
@pytest.mark.parametrize("search", ["strong-wolfe(c2=0.1)", "hager-zhang"])
def test_every_beta_solves_rosenbrock(beta: str, search: str, oracle: Any, minimize: Any) -> None:
    problem = oracle(lambda x: 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2, 2)
    method = cg(**{**OPTIONS, "beta": beta, "restart": "every(k=0)", "line_search": search})
    minimize(method, problem, torch.tensor([-1.2, 1.0], dtype=torch.float64))
    assert problem.best < 1e-12


@pytest.mark.parametrize("beta", RULES)
def test_f_scaled_by_a_power_of_two_makes_no_difference(beta: str, oracle: Any, minimize: Any) -> None:
    ends = []
    for scale in (1.0, 2.0**-60, 2.0**60):
        problem = oracle(lambda x, scale=scale: scale * (100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2 + 3), 2)
        method = cg(**{**SEARCHED, "beta": beta, "restart": "powell"})
        state = minimize(method, problem, torch.tensor([-1.2, 1.0], dtype=torch.float64), limit=40)
        ends.append((state.point.tolist(), problem.evaluations))
    assert ends[0] == ends[1] == ends[2]


@pytest.mark.parametrize("beta", ["memoryless", "hager-zhang"])
def test_squares_that_underflow_on_the_way_make_no_difference(beta: str, oracle: Any, minimize: Any) -> None:
    """In single precision the squares of a gradient of 1e-10 leave the floats before its digits are used up."""
    ends = []
    for power in (0, -30, -45, -60):
        problem = oracle(
            lambda x, scale=2.0**power: scale * (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum(),
            10,
            dtype=torch.float32,
        )
        state = minimize(cg(**{**SEARCHED, "beta": beta, "restart": "none"}), problem, torch.tensor([-1.2, 1.0] * 5))
        ends.append((state.point.tolist(), problem.evaluations))
    assert all(end == ends[0] for end in ends)


def test_beta_is_made_of_two_gradients_of_one_minibatch(oracle: Any) -> None:
    """The minibatch changes between steps: the direction is kept, β is that of the batch on which it was learnt."""
    centres = torch.tensor([[1.0, 2.0, 3.0], [-2.0, 0.5, 1.0], [0.3, -1.0, 2.0]], dtype=torch.float64)
    scales = torch.tensor([1.0, 4.0, 9.0], dtype=torch.float64)
    problem = oracle(lambda x: 0.5 * (scales * (x - centres[problem.batch]) ** 2).sum(), 3, quadratic=True)
    method = cg(**{**OPTIONS, "beta": "polak-ribiere"})
    state = method.init(problem, torch.zeros(3, dtype=torch.float64))
    expected = None
    for problem.batch in range(3):
        start, g = state.point.clone(), scales * (state.point - centres[problem.batch])
        direction = -g if expected is None else expected - g
        state = method.step(problem, state)
        if g @ direction < 0:
            step = -(g @ direction) / (direction @ (scales * direction))
            assert torch.allclose(state.point, start + step * direction)
            after = scales * (state.point - centres[problem.batch])
            expected = direction * (after @ (after - g) / (g @ g))
        else:
            assert torch.equal(state.point, start)
            expected = None
    assert expected is not None


def test_a_beta_that_is_not_a_number_is_none() -> None:
    method = cg(**{**OPTIONS, "beta": "hestenes-stiefel"}).method
    memory = method.directions.start(torch.zeros(2, dtype=torch.float64))
    gradient = torch.ones(2, dtype=torch.float64)
    after = torch.tensor([2.0, 0.0], dtype=torch.float64)  # no change along the direction
    move = Move(direction=-gradient, step=1.0, gradient=gradient, next_gradient=after, slope=-2, next_slope=-2)
    method.directions.learn(memory, move)
    assert float(memory.beta) == 0
    assert torch.equal(method.directions.direction(memory, gradient), -gradient)
