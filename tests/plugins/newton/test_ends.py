"""As long as the gradient may still fall the second-order methods go on, whatever rounding hides of f."""

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


@pytest.fixture(params=METHODS)
def method(request: pytest.FixtureRequest) -> Any:
    """Each in turn."""
    return METHODS[request.param]()


def test_where_only_the_gradient_shows_the_fall_it_goes_on(method: Any, oracle: Any) -> None:
    """Far above 0 the quartic is hidden by rounding from 1e-4 on; its gradient falls to a third a step."""
    problem = oracle(lambda x: 1.0 + (x**4).sum() * 1e3, 2)
    state = method.init(problem, torch.tensor([1.0, 2.0], dtype=torch.float64))
    while not state.finished:
        state = method.step(problem, state)
    assert float(problem.gradient(state.point).abs().max()) < 1e-15


def test_beside_a_constant_that_hides_every_decrease_a_curved_valley_is_followed_to_its_end(
    method: Any, oracle: Any
) -> None:
    """Gradients rise for some steps there before they fall."""

    def valley(x: Tensor) -> Tensor:
        return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum() + 1e16

    problem = oracle(valley, 5)
    state = method.init(problem, torch.tensor([-1.2, 1.0, -1.2, 1.0, 0.5], dtype=torch.float64))
    while not state.finished:
        state = method.step(problem, state)
    assert float(problem.gradient(state.point).abs().max()) < 1e-2
