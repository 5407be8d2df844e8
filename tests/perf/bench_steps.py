"""One step of each optimizer in the box, 200 parameters in float64, evaluations included."""

from __future__ import annotations

import pytest

from optbench.api import UserError
from optbench.registry import load_catalogue
from optbench.testing.stepping import Stepper

CATALOGUE = load_catalogue()
PROBLEMS = ("chained-rosenbrock(n=200)", "softmax-digits")  # the first that an optimizer runs on
PEERS = "peers"  # other libraries' solvers own their loops


def _problem_of(name: str) -> str | None:
    """Return the problem on which an optimizer is stepped; None where it can't be stepped."""
    for problem in PROBLEMS:
        try:
            Stepper(name, problem, catalogue=CATALOGUE).step()
        except (UserError, TypeError, AttributeError):
            continue
        return problem
    return None


NAMES = [item.qualified for item in CATALOGUE.records("optimizers") if item.plugin != PEERS]


@pytest.mark.parametrize("name", NAMES)
def bench_step(optbench_steps, benchmark, name):
    problem = _problem_of(name)
    if problem is None:
        pytest.skip(f"{name} can't be stepped on {' or '.join(PROBLEMS)}")
    benchmark.group = "step"
    optbench_steps(name, problem, steps=5, warm=2, rounds=7, catalogue=CATALOGUE)
