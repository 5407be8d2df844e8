"""Functions of many minima: values, blur against sampling and quadrature, starts from the seed."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from optbench_testfunctions.multimodal import DEEP, WIDE
from scipy.optimize import minimize

NAMES = ["rastrigin", "ackley", "griewank", "double-well"]
BLURRABLE = ["rastrigin", "griewank", "double-well"]


class Streams:
    def __init__(self, seed: int) -> None:
        self.seed = seed

    def __call__(self, purpose: str, name: str = "") -> torch.Generator:
        assert purpose == "start"
        return torch.Generator().manual_seed(self.seed)


def tensor(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)


def test_values_are_those_of_the_formulas(build: Any) -> None:
    x = [0.3, -1.7, 2.25]
    rastrigin = sum(a * a - 10 * math.cos(2 * math.pi * a) + 10 for a in x)
    squares, cosines = sum(a * a for a in x) / 3, sum(math.cos(2 * math.pi * a) for a in x) / 3
    ackley = -20 * math.exp(-0.2 * math.sqrt(squares)) - math.exp(cosines) + 20 + math.e
    griewank = 1 + 3 * squares / 4000 - math.prod(math.cos(a / math.sqrt(i)) for i, a in enumerate(x, 1))
    for name, expected in (("rastrigin", rastrigin), ("ackley", ackley), ("griewank", griewank)):
        assert float(build(name, n=3).value(tensor(*x))) == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize("name", ["rastrigin", "ackley", "griewank"])
@pytest.mark.parametrize("n", [1, 2, 30])
def test_the_minimum_is_zero_at_the_origin(build: Any, name: str, n: int) -> None:
    problem = build(name, n=n)
    assert float(problem.value(torch.zeros(n, dtype=torch.float64))) == problem.f_star == 0
    assert float(problem.value(torch.full((n,), 1e-3, dtype=torch.float64))) > 0


@pytest.mark.parametrize("name", BLURRABLE)
@pytest.mark.parametrize("sigma", [0.1, 0.7])
def test_blur_is_the_mean_over_gaussian_steps(build: Any, name: str, sigma: float) -> None:
    problem = build(name, n=2)
    nodes, weights = map(torch.from_numpy, np.polynomial.hermite_e.hermegauss(100))
    x = tensor(1.3, -0.4)
    values = torch.func.vmap(problem.value)(x + sigma * torch.cartesian_prod(nodes, nodes))
    mean = values.dot(torch.outer(weights, weights).flatten()) / (2 * math.pi)
    assert float(problem.blurred(sigma).value(x)) == pytest.approx(float(mean), rel=1e-7)


@pytest.mark.parametrize("name", BLURRABLE)
def test_no_blur_is_the_function_itself(build: Any, name: str) -> None:
    problem = build(name, n=3)
    assert problem.blurred(0.0) is problem
    x = tensor(0.3, -1.7, 2.25)
    torch.testing.assert_close(problem.blurred(1e-9).value(x), problem.value(x), rtol=1e-14, atol=0)
    assert problem.blurred(0.5).f_star is None
    assert problem.blurred(0.5).start(Streams(0)).parameters.tolist() == problem.start(Streams(0)).parameters.tolist()


@pytest.mark.parametrize("name", ["rastrigin", "ackley", "griewank"])
def test_the_seed_draws_the_start_within_the_box(build: Any, name: str) -> None:
    problem = build(name, n=1000)
    x = problem.start(Streams(0)).parameters
    assert x.tolist() == problem.start(Streams(0)).parameters.tolist()
    assert x.tolist() != problem.start(Streams(1)).parameters.tolist()
    assert 0.98 * problem.reach < float(x.abs().max()) <= problem.reach
    assert float(x.min()) < 0
    assert build(name, torch.float32, n=4).start(Streams(0)).parameters.dtype is torch.float32


@pytest.mark.parametrize("name", NAMES)
def test_single_precision_stays_single(build: Any, name: str) -> None:
    problem = build(name, torch.float32, n=3)
    assert problem.value(problem.start(Streams(0)).parameters).dtype is torch.float32


def descend(problem: Any, x: torch.Tensor) -> torch.Tensor:
    """Return where BFGS ends."""

    def value_and_gradient(x: np.ndarray) -> tuple[float, np.ndarray]:
        leaf = torch.from_numpy(x.copy()).requires_grad_()
        value = problem.value(leaf)
        return float(value.detach()), torch.autograd.grad(value, leaf)[0].numpy()

    found = minimize(value_and_gradient, x.numpy(), jac=True, method="BFGS", options={"gtol": 1e-12})
    return torch.from_numpy(found.x)


def test_blur_leads_from_the_deep_well_to_the_wide_one(build: Any) -> None:
    problem = build("double-well", n=3)
    plain = descend(problem, problem.start(Streams(0)).parameters)
    assert float(plain[0]) == pytest.approx(DEEP[2], abs=0.1)
    assert float(problem.value(plain)) == pytest.approx(problem.f_star, rel=1e-12)
    x = problem.start(Streams(0)).parameters
    for sigma in (3.0, 2.0, 1.5, 1.0, 0.7, 0.5, 0.25, 0.0):
        x = descend(problem.blurred(sigma), x)
    assert float(x[0]) == pytest.approx(WIDE[2], abs=0.2)
    assert float(problem.value(x)) == pytest.approx(problem.local_minima[0], rel=1e-12)


def test_enough_blur_makes_rastrigin_convex_and_leads_to_its_minimum(build: Any) -> None:
    problem = build("rastrigin", n=2)
    x = problem.start(Streams(3)).parameters
    assert float(problem.value(descend(problem, x))) > 1
    for sigma in (1.0, 0.5, 0.3, 0.2, 0.1, 0.0):
        x = descend(problem.blurred(sigma), x)
    assert float(problem.value(x)) == pytest.approx(0, abs=1e-12)
