"""Every problem with a number of parameters that has no upper limit, at sizes where a square matrix would not fit."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from optbench_testfunctions import optbench_problems

from optbench.api.streams import SeededStreams
from optbench.measure.derivatives import Derivatives

DENSE = {"chebyquad": "its n residuals are polynomials of degree up to n in all n variables: O(n²) at least"}
SCALABLE = [
    plugin.name
    for plugin in optbench_problems()
    if "n" in plugin.options and plugin.options["n"].high is None and plugin.name not in DENSE
]


def evaluated(build: Any, name: str, n: int) -> tuple[Any, float, torch.Tensor]:
    """Return the problem, f and the gradient at the start."""
    streams = SeededStreams(0)
    problem = build(name, streams=streams, n=n)
    x = problem.start(streams).parameters
    value, gradient = Derivatives(problem, takes_batch=False).value_and_gradient(x)
    return problem, float(value), gradient


@pytest.mark.parametrize("name", SCALABLE)
def test_value_and_gradient_need_no_square_matrix(build: Any, name: str) -> None:
    _, value, gradient = evaluated(build, name, 100_000)  # an (n, n) matrix would take 80 GB
    assert abs(value) < float("inf")
    assert gradient.shape == (100_000,)


@pytest.mark.slow
@pytest.mark.parametrize("name", SCALABLE)
def test_ten_million_variables_fit(build: Any, name: str) -> None:
    problem, value, gradient = evaluated(build, name, 10_000_000)
    assert abs(value) < float("inf")
    assert gradient.shape == (10_000_000,)
    assert gradient.isfinite().all()
    assert problem.f_star is None or problem.f_star <= value
