"""Where rounding prevents progress the second-order methods end soon."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from optbench_newton.newton import newton
from optbench_newton.newton_cg import newton_cg
from torch import Tensor

_CG: dict[str, Any] = {"max_cg": 0, "forcing": "superlinear", "line_search": "strong-wolfe", "curvature": "hessian"}
METHODS: dict[str, Callable[[], Any]] = {
    "region": lambda: newton(damping="auto"),
    "marquardt": lambda: newton(damping="levenberg-marquardt"),
    "cg-line": lambda: newton_cg(trust_region=False, **_CG),
    "cg-region": lambda: newton_cg(trust_region=True, **_CG),
}
WEIGHTS = torch.linspace(1, 1000, 6, dtype=torch.float64)


def exponentials(x: Tensor) -> Tensor:
    """Convex; at the minimum f is about -2e4 and the gradient some 1e-13 of rounding, never 0."""
    return (x.exp() - WEIGHTS * x).sum() + (x[0] - x[1]) ** 4


@pytest.fixture(params=METHODS)
def method(request: pytest.FixtureRequest) -> Any:
    """Each in turn."""
    return METHODS[request.param]()


def test_a_few_steps_after_the_last_fall_of_f_or_the_gradient_it_has_ended(method: Any, oracle: Any) -> None:
    problem = oracle(exponentials, 6)
    state = method.init(problem, torch.tensor([-1.2, 1.0] * 3, dtype=torch.float64))
    lowest, smallest, last = float("inf"), float("inf"), 0
    while not state.finished:
        state = method.step(problem, state)
        value, gradient = problem.value_and_gradient(state.point)
        height, size = float(value), float(gradient.abs().max())
        if height < lowest or size < smallest:
            last = problem.counts["value"]
        lowest, smallest = min(lowest, height), min(smallest, size)
    assert state.finished == "converged"
    assert smallest < 1e-12
    assert problem.counts["value"] - last <= 8


def test_where_only_the_gradient_shows_the_fall_it_goes_on(method: Any, oracle: Any) -> None:
    """Far above 0 the quartic is hidden by rounding from 1e-4 on; its gradient falls to a third a step."""
    problem = oracle(lambda x: 1.0 + (x**4).sum() * 1e3, 2)
    state = method.init(problem, torch.tensor([1.0, 2.0], dtype=torch.float64))
    while not state.finished:
        state = method.step(problem, state)
    assert float(problem.gradient(state.point).abs().max()) < 1e-15
