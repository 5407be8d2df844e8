"""The problem of plain numpy functions."""

from __future__ import annotations

import numpy as np
import pytest
from optbench_testfunctions.functions import himmelblau, himmelblau_gradient, himmelblau_hessian, himmelblau_value
from scipy.optimize import approx_fprime, minimize

SOMEWHERE = np.array([0.3, -1.7])


def test_derivatives_agree_with_finite_differences() -> None:
    assert himmelblau_gradient(SOMEWHERE) == pytest.approx(approx_fprime(SOMEWHERE, himmelblau_value, 1e-7), rel=1e-5)
    expected = np.stack([approx_fprime(SOMEWHERE, lambda x, i=i: himmelblau_gradient(x)[i], 1e-7) for i in (0, 1)])
    assert himmelblau_hessian(SOMEWHERE) == pytest.approx(expected, rel=1e-5)


def test_descent_from_the_start_reaches_the_minimum_of_zero() -> None:
    problem = himmelblau(device=None, dtype=None, streams=None)  # type: ignore[arg-type]  # plain numpy needs none
    found = minimize(problem.value, problem.start_point, jac=problem.gradient, method="BFGS", options={"gtol": 1e-10})
    assert found.x == pytest.approx([3, 2], abs=1e-8)
    assert found.fun == pytest.approx(0, abs=1e-16)
    assert problem.f_star == 0.0
