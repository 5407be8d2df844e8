"""scipy's methods through the oracle."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from optbench_peers.scipy_minimize import ScipyMinimizer, bfgs, cg, l_bfgs_b
from torch import Tensor

from optbench.api import StopTrial


@pytest.fixture(params=["l-bfgs-b", "bfgs", "cg"])
def solver(request: pytest.FixtureRequest) -> ScipyMinimizer:
    return {"l-bfgs-b": lambda: l_bfgs_b(maxcor=10, maxls=20), "bfgs": bfgs, "cg": cg}[request.param]()


def rosenbrock(x: Tensor) -> Tensor:
    return 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2


@pytest.mark.filterwarnings("ignore::scipy.optimize.OptimizeWarning")
def test_it_goes_on_to_rounding(solver: ScipyMinimizer, oracle: Any) -> None:
    problem = oracle(rosenbrock, 2)
    start = torch.tensor([-1.2, 1.0], dtype=torch.float64)
    observed: list[Tensor] = []
    end = solver.minimize(problem, start, observed.append)
    assert problem.best < 1e-20
    assert torch.allclose(end, torch.ones(2, dtype=torch.float64), atol=1e-6)
    assert torch.equal(start, torch.tensor([-1.2, 1.0], dtype=torch.float64))
    assert len(observed) > 10
    assert len({tuple(point.tolist()) for point in observed}) > 10, "scipy overwrites its point: each must be a copy"


def test_float32_problems_are_asked_in_float32(solver: ScipyMinimizer, oracle: Any) -> None:
    problem = oracle(lambda x: (x - 3).square().sum(), 3, dtype=torch.float32)
    end = solver.minimize(problem, torch.zeros(3), lambda point: None)
    assert end.dtype == torch.float32
    assert torch.allclose(end, torch.full((3,), 3.0), atol=1e-4)


def stopping(x: Tensor) -> Tensor:
    raise StopTrial


@pytest.mark.parametrize(("function", "observe"), [(stopping, lambda point: None), (rosenbrock, stopping)])
def test_the_end_of_the_trial_passes_through(
    function: Callable[[Tensor], Tensor], observe: Callable[[Tensor], Any], solver: ScipyMinimizer, oracle: Any
) -> None:
    with pytest.raises(StopTrial):
        solver.minimize(oracle(function, 2), torch.tensor([-1.2, 1.0], dtype=torch.float64), observe)
