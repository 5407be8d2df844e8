"""Gauss-Newton on problems of Moré, Garbow and Hillstrom, against MINPACK; and where there are no residuals."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from optbench_testfunctions.data_fits import kowalik_osborne, meyer
from optbench_testfunctions.equations import beale, freudenstein_roth
from optbench_testfunctions.exponentials import brown_dennis
from optbench_testfunctions.extended import rosenbrock
from optbench_testfunctions.linear import linear_rank_1_zeros

from optbench.registry import load_catalogue, missing_features
from tests.perf.least_squares import Counted, minpack, ours

PROBLEMS = {
    "rosenbrock": (rosenbrock, {"n": 10}),
    "freudenstein-roth": (freudenstein_roth, {}),
    "beale": (beale, {}),
    "kowalik-osborne": (kowalik_osborne, {}),
    "brown-dennis": (brown_dennis, {"m": 20}),
    "meyer": (meyer, {}),
    "linear-rank-1-zeros": (linear_rank_1_zeros, {"n": 10, "m": 0}),
}


@pytest.fixture(params=PROBLEMS)
def problem(request: pytest.FixtureRequest) -> Any:
    make, options = PROBLEMS[request.param]
    return make(device=torch.device("cpu"), dtype=torch.float64, streams=lambda _: torch.Generator(), **options)


@pytest.mark.parametrize(("scaling", "scale"), [("identity", 1.0), ("moré", "jac")])
def test_it_is_solved_with_hardly_more_jacobians_than_minpack_takes(problem: Any, scaling: str, scale: Any) -> None:
    found, theirs = Counted(problem), Counted(problem)
    ours(scaling)(found)
    minpack(scale)(theirs)
    assert found.reached
    assert theirs.reached
    assert found.counts["jacobian"] <= 1.4 * theirs.counts["jacobian"] + 2


@pytest.mark.parametrize("name", ["himmelblau", "tridiagonal-quadratic", "softmax-digits"])
def test_problems_without_residuals_are_refused_before_anything_runs(name: str) -> None:
    catalogue = load_catalogue()
    problem, method = (
        catalogue.get(kind, of).record for kind, of in (("problems", name), ("optimizers", "gauss-newton"))
    )
    reason = missing_features(problem=problem, optimizer=method)
    assert reason == f"gauss-newton evaluates jacobian and residuals, which {name} does not offer"
    products = catalogue.get("optimizers", "newton-cg").record
    assert missing_features(problem=problem, optimizer=products) is None
