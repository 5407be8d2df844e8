"""Gauss-Newton on problems of Moré, Garbow and Hillstrom, against MINPACK; and where there are no residuals."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
import torch
from optbench_newton.gauss_newton import gauss_newton
from optbench_testfunctions.data_fits import kowalik_osborne, meyer
from optbench_testfunctions.equations import beale, freudenstein_roth
from optbench_testfunctions.exponentials import brown_dennis
from optbench_testfunctions.extended import rosenbrock
from optbench_testfunctions.linear import linear_rank_1_zeros
from scipy import optimize
from torch import Tensor

from optbench.registry import load_catalogue, missing_features

TIGHT = 2.3e-16

PROBLEMS = {
    "rosenbrock": (rosenbrock, {"n": 10}),
    "freudenstein-roth": (freudenstein_roth, {}),
    "beale": (beale, {}),
    "kowalik-osborne": (kowalik_osborne, {}),
    "brown-dennis": (brown_dennis, {"m": 20}),
    "meyer": (meyer, {}),
    "linear-rank-1-zeros": (linear_rank_1_zeros, {"n": 10, "m": 0}),
}


@dataclass
class Counted:
    """A problem that counts Jacobians until f − f* is 1e-10 of what it was at the start."""

    problem: Any
    batch: int = 0
    jacobians: int = 0
    reached: bool = False
    start: Tensor = field(init=False)

    def __post_init__(self) -> None:
        self.start = self.problem.start(lambda _: torch.Generator()).parameters
        lowest = self.problem.f_star_from_start
        lowest = self.problem.f_star if lowest is None else lowest
        self._target = lowest + 1e-10 * (float(self.problem.value(self.start)) - lowest)

    def residuals(self, x: Tensor) -> Tensor:
        found: Tensor = self.problem.residuals(x)
        self.reached = self.reached or float(found.dot(found)) <= self._target
        return found

    def jacobian(self, x: Tensor) -> Tensor:
        self.jacobians += not self.reached
        found: Tensor = self.problem.jacobian(x)
        return found


@pytest.fixture(params=PROBLEMS)
def problem(request: pytest.FixtureRequest) -> Any:
    make, options = PROBLEMS[request.param]
    return make(device=torch.device("cpu"), dtype=torch.float64, streams=lambda _: torch.Generator(), **options)


def solved(problem: Any, scaling: str) -> Counted:
    counted = Counted(problem)
    method: Any = gauss_newton(damping="levenberg-marquardt", scaling=scaling)
    state = method.init(counted, counted.start)
    for _ in range(500):
        state = method.step(counted, state)
        if state.finished:
            break
    return counted


def by_minpack(problem: Any, scale: Any) -> Counted:
    counted = Counted(problem)
    optimize.least_squares(
        lambda x: counted.residuals(torch.tensor(x)).numpy(),
        counted.start.numpy(),
        jac=lambda x: counted.jacobian(torch.tensor(x)).numpy(),
        method="lm",
        x_scale=scale,
        ftol=TIGHT,
        xtol=TIGHT,
        gtol=TIGHT,
    )
    return counted


@pytest.mark.parametrize(("scaling", "scale"), [("identity", 1.0), ("moré", "jac")])
def test_it_is_solved_with_hardly_more_jacobians_than_minpack_takes(problem: Any, scaling: str, scale: Any) -> None:
    ours, theirs = solved(problem, scaling), by_minpack(problem, scale)
    assert ours.reached
    assert theirs.reached
    assert ours.jacobians <= 1.4 * theirs.jacobians + 2


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
