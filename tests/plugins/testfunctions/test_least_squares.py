"""Moré-Garbow-Hillstrom functions against published figures and autograd."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from optbench_testfunctions import optbench_problems
from optbench_testfunctions.least_squares import LeastSquares
from scipy.optimize import minimize
from torch.autograd.functional import hessian, jacobian

from optbench.api import ProblemPlugin, UserError

# name, options, f, |g| and |H|_F at the standard start, from an independent implementation that agrees with the R
# package funconstrain and with S2MPJ.
FIGURES = [
    ("rosenbrock", {"n": 2}, 24.2, 232.867687754227, 1506.5523555456),
    ("rosenbrock", {"n": 10}, 121, 520.707979581646, 3368.7534786624),
    ("freudenstein-roth", {}, 400.5, 1272.35372440214, 3333.92261457881),
    ("beale", {}, 14.203125, 27.75, 78.9453925191331),
    ("helical-valley", {}, 2500, 1879.63549420052, 2367.73205953897),
    ("bard", {}, 41.681695861678, 84.6308180778556, 187.573815111219),
    ("powell-singular", {"n": 4}, 215, 458.776634104223, 991.80844924814),
    ("powell-singular", {"n": 12}, 645, 794.624439593951, 1717.86262547388),
    ("wood", {}, 19192, 16397.1256017633, 15245.7758136475),
    ("brown-dennis", {}, 7926693.33699743, 2140490.67243167, 571213.017732504),
    ("variably-dimensioned", {"n": 10}, 2198551.1625, 4480426.92741782, 6848767.00000263),
    ("broyden-tridiagonal", {"n": 10}, 21, 50.3587132480567, 412.325114442475),
]
CASES = [pytest.param(name, options, id=f"{name}-{options.get('n', '')}") for name, options, *_ in FIGURES]
PLUGINS = {plugin.name: plugin for plugin in optbench_problems() if plugin.name != "streaming-least-squares"}


def build(name: str, dtype: torch.dtype = torch.float64, **options: Any) -> LeastSquares:
    module, _, factory = PLUGINS[name].factory.partition(":")
    make = getattr(__import__(module, fromlist=[factory]), factory)
    problem = make(device=torch.device("cpu"), dtype=dtype, streams=None, **options)
    assert isinstance(problem, LeastSquares)
    return problem


def start(problem: LeastSquares) -> torch.Tensor:
    return problem.start(None).parameters  # type: ignore[arg-type]  # no problem here draws random numbers


@pytest.mark.parametrize(("name", "options", "value", "gradient", "curvature"), FIGURES)
def test_start_has_published_figures(
    name: str, options: dict[str, int], value: float, gradient: float, curvature: float
) -> None:
    problem = build(name, **options)
    x = start(problem)
    assert float(problem.value(x)) == pytest.approx(value, rel=1e-12)
    assert float(problem.gradient(x).norm()) == pytest.approx(gradient, rel=1e-12)
    assert float(hessian(problem.value, x).norm()) == pytest.approx(curvature, rel=1e-12)


@pytest.mark.parametrize(("name", "options"), CASES)
def test_derivatives_agree_with_autograd_away_from_the_start(name: str, options: dict[str, int]) -> None:
    problem = build(name, **options)
    x = start(problem)
    x = x + 0.1 + 0.05 * torch.arange(len(x), dtype=x.dtype).sin()
    leaf = x.clone().requires_grad_()
    (expected,) = torch.autograd.grad(problem.value(leaf), leaf)
    value, gradient = problem.value_and_gradient(x)
    torch.testing.assert_close(value, problem.value(x), rtol=1e-14, atol=0)
    torch.testing.assert_close(gradient, expected, rtol=1e-12, atol=1e-11)
    torch.testing.assert_close(problem.gradient(x), gradient, rtol=0, atol=0)
    torch.testing.assert_close(problem.jacobian(x), jacobian(problem.residuals, x), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("name", "options"), CASES)
def test_gradient_can_be_differentiated_to_the_hessian(name: str, options: dict[str, int]) -> None:
    problem = build(name, **options)
    x = start(problem)
    torch.testing.assert_close(jacobian(problem.gradient, x), hessian(problem.value, x), rtol=1e-11, atol=1e-8)


@pytest.mark.parametrize(("name", "options"), CASES)
def test_descent_from_the_start_ends_at_the_stated_minimum(name: str, options: dict[str, int]) -> None:
    problem = build(name, **options)
    expected = problem.f_star if problem.f_star_from_start is None else problem.f_star_from_start

    def value_and_gradient(x: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = problem.value_and_gradient(torch.from_numpy(x.copy()))
        return float(value), gradient.numpy()

    x0 = start(problem).numpy()
    found = minimize(value_and_gradient, x0, jac=True, method="BFGS", options={"gtol": 1e-12, "maxiter": 3000})
    f0 = float(problem.value(start(problem)))
    assert abs(found.fun - expected) <= 1e-12 * (f0 - expected)


@pytest.mark.parametrize(("name", "options"), CASES)
def test_single_precision_stays_single(name: str, options: dict[str, int]) -> None:
    problem = build(name, torch.float32, **options)
    x = start(problem)
    tensors = (x, problem.value(x), problem.gradient(x), problem.jacobian(x), problem.residuals(x))
    assert {tensor.dtype for tensor in tensors} == {torch.float32}


def test_start_is_a_fresh_copy() -> None:
    problem = build("rosenbrock", n=4)
    start(problem).zero_()
    assert start(problem).tolist() == [-1.2, 1.0, -1.2, 1.0]


@pytest.mark.parametrize(("name", "n", "message"), [("rosenbrock", 3, "n=4"), ("powell-singular", 6, "n=8")])
def test_odd_size_is_the_users_mistake(name: str, n: int, message: str) -> None:
    with pytest.raises(UserError, match=message):
        build(name, n=n)


@pytest.mark.parametrize("name", ["rosenbrock", "powell-singular", "variably-dimensioned", "broyden-tridiagonal"])
def test_gradient_needs_no_square_matrix(name: str) -> None:
    problem = build(name, n=200_000)  # an (n, n) Jacobian would take 320 GB
    assert problem.gradient(start(problem)).shape == (200_000,)


def test_records_name_what_the_factories_take() -> None:
    for plugin in PLUGINS.values():
        assert isinstance(plugin, ProblemPlugin)
        assert not plugin.depends_on_seed({key: option.default for key, option in plugin.options.items()})
