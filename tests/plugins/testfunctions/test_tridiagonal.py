"""Tridiagonal quadratics against dense matrices and the published formula."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

NAMES = ["tridiagonal-quadratic", "toint-tridiagonal"]


def start(problem: Any) -> torch.Tensor:
    return problem.start(None).parameters


def somewhere(n: int) -> torch.Tensor:
    return torch.arange(1, n + 1, dtype=torch.float64).cos()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("n", [2, 3, 30])
def test_everything_agrees_with_the_dense_matrix(build: Any, name: str, n: int) -> None:
    problem, x = build(name, n=n), somewhere(n)
    matrix, error = problem.hessian(x), x - problem.minimiser
    value, gradient = problem.value_and_gradient(x)
    torch.testing.assert_close(value, 0.5 * error @ matrix @ error, rtol=1e-13, atol=0)
    torch.testing.assert_close(value, problem.value(x), rtol=0, atol=0)
    torch.testing.assert_close(gradient, matrix @ error, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(gradient, problem.gradient(x), rtol=0, atol=0)
    torch.testing.assert_close(problem.hessian_vector(x, x.sin()), matrix @ x.sin(), rtol=1e-12, atol=1e-12)
    leaf = x.clone().requires_grad_()
    torch.testing.assert_close(torch.autograd.grad(problem.value(leaf), leaf)[0], gradient, rtol=1e-12, atol=1e-12)


def test_matrix_is_the_second_difference(build: Any) -> None:
    problem = build("tridiagonal-quadratic", n=30)
    matrix = problem.hessian(start(problem))
    beside = torch.ones(29, dtype=torch.float64)
    expected = 2 * torch.eye(30, dtype=torch.float64) - torch.diag(beside, 1) - torch.diag(beside, -1)
    torch.testing.assert_close(matrix, expected, rtol=0, atol=0)
    values = torch.linalg.eigvalsh(matrix)
    assert float(values[-1] / values[0]) == pytest.approx(1 / math.tan(math.pi / 62) ** 2, rel=1e-11)


def test_tridia_is_the_published_sum(build: Any) -> None:
    problem, x = build("toint-tridiagonal", n=6), somewhere(6)
    terms = [(i + 1) * (2 * x[i] - x[i - 1]) ** 2 for i in range(1, 6)]
    assert float(problem.value(x)) == pytest.approx(float((x[0] - 1) ** 2 + sum(terms)), rel=1e-13)
    assert float(problem.value(start(problem))) == 20  # 2 + 3 + … + 6


@pytest.mark.parametrize("name", NAMES)
def test_minimum_is_zero_at_the_minimiser(build: Any, name: str) -> None:
    problem = build(name, n=30)
    assert float(problem.value(problem.minimiser)) == problem.f_star == 0
    assert problem.gradient(problem.minimiser).tolist() == [0] * 30


@pytest.mark.parametrize("name", NAMES)
def test_line_minimum_leaves_no_slope(build: Any, name: str) -> None:
    problem, x = build(name, n=30), somewhere(30)
    direction = x.sin()
    slope = direction @ problem.gradient(x + problem.line_minimum(x, direction) * direction)
    assert abs(float(slope)) < 1e-12 * abs(float(direction @ problem.gradient(x)))


@pytest.mark.parametrize("name", NAMES)
def test_gradient_needs_no_square_matrix(build: Any, name: str) -> None:
    problem = build(name, torch.float32, n=100_000)
    value, gradient = problem.value_and_gradient(start(problem))
    assert value.dtype is gradient.dtype is torch.float32
    assert value.isfinite()
    assert gradient.shape == (100_000,)
