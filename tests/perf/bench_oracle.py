"""One call of the oracle by kind, at a new point each time: what counting, the clock and the log add to the problem."""

from __future__ import annotations

import pytest
import torch

from optbench.measure.reference import reference_seconds
from optbench.testing.stepping import Stepper

KINDS = ("value", "gradient", "value_and_gradient", "hessian_vector", "hessian")
SIZE = 100


@pytest.mark.parametrize("through", ["oracle", "problem"])
@pytest.mark.parametrize("kind", KINDS)
def bench_call(benchmark, kind, through):
    # Newton's method with products may ask for everything.
    stepper = Stepper("newton", f"chained-rosenbrock(n={SIZE})")
    asked = stepper.oracle if through == "oracle" else stepper.problem
    if not hasattr(asked, kind):
        pytest.skip(f"the problem leaves its {kind} to autograd")
    point = stepper.state.point.clone()
    direction = torch.ones_like(point)

    def call():
        point.add_(1e-9)  # the oracle remembers a point
        if kind == "hessian_vector":
            return asked.hessian_vector(point, direction)
        return getattr(asked, kind)(point)

    before = reference_seconds()
    benchmark.group = "oracle"
    benchmark.extra_info["steps"] = 1
    benchmark.pedantic(call, rounds=200, iterations=1, warmup_rounds=20)
    benchmark.extra_info["reference_seconds"] = min(before, reference_seconds())
