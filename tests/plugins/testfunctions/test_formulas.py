"""Every function of the family against the papers' formulas, which reference/points.py works out in 60 digits."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from optbench_testfunctions import optbench_problems
from torch import Tensor

from optbench.measure.derivatives import Derivatives
from optbench.measure.function_problem import as_problem

POINTS = json.loads((Path(__file__).parent / "reference" / "points.json").read_text())["points"]
CASES = [pytest.param(p, id=" ".join([p["problem"], *map(str, p["options"].values()), p["role"]])) for p in POINTS]
STARTS = [case for case, p in zip(CASES, POINTS, strict=True) if p["role"] == "start"]
PLUGINS = {plugin.name: plugin for plugin in optbench_problems()}
DRAWN = {name for name, plugin in PLUGINS.items() if plugin.random}  # the seed draws their starts
ELSEWHERE = {
    "quadratic": "its matrix is made up: test_quadratic.py builds it densely",
    "streaming-least-squares": "its examples are drawn: test_streaming.py compares them with the closed form",
}

Made = Callable[[dict[str, Any]], tuple[Any, Tensor]]


def tensor(numbers: list[float] | list[str]) -> Tensor:
    return torch.tensor([float(a) for a in numbers], dtype=torch.float64)


@pytest.fixture
def made(build: Any) -> Made:
    """Return a function that builds the problem of a point of the reference, and the point."""

    def make(point: dict[str, Any]) -> tuple[Any, Tensor]:
        problem = build(point["problem"], **point["options"])
        return as_problem(problem, torch.device("cpu"), torch.float64), tensor(point["point"])

    return make


def assert_near(found: Tensor, expected: Tensor) -> None:
    """Ten digits of each entry, or what rounding of the largest leaves of them."""
    allowed = 1e-10 * expected.abs() + 1e-13 * expected.abs().max()
    assert ((found - expected).abs() <= allowed).all(), (found, expected)


@pytest.mark.parametrize("point", STARTS)
def test_the_start_is_the_papers(made: Made, point: dict[str, Any]) -> None:
    problem, x = made(point)
    torch.testing.assert_close(problem.start(None).parameters, x, rtol=1e-15, atol=0)


@pytest.mark.parametrize("point", CASES)
def test_value_and_gradient_are_those_of_the_papers_formula(made: Made, point: dict[str, Any]) -> None:
    problem, x = made(point)
    assert float(problem.value(x)) == pytest.approx(float(point["value"]), rel=1e-13, abs=0)
    assert_near(Derivatives(problem, takes_batch=False).value_and_gradient(x)[1], tensor(point["gradient"]))


@pytest.mark.parametrize("point", CASES)
def test_curvature_is_that_of_the_papers_formula(made: Made, point: dict[str, Any]) -> None:
    problem, x = made(point)
    derivatives, direction = Derivatives(problem, takes_batch=False), tensor(point["direction"])
    hessian, expected = derivatives.hessian(x), tensor(point["product"])
    assert float(hessian.norm()) == pytest.approx(float(point["curvature"]), rel=1e-13, abs=1e-30)
    assert_near(hessian @ direction, expected)
    assert_near(derivatives.hessian_vector(x, direction), expected)


def test_every_function_of_the_family_is_compared_at_two_points() -> None:
    at = {role: {p["problem"] for p in POINTS if p["role"] == role} for role in ("start", "beside")}
    assert at["beside"] == set(PLUGINS) - set(ELSEWHERE)
    assert at["start"] == at["beside"] - DRAWN
