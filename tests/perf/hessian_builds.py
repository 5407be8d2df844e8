"""Ways to build a Hessian, interleaved: seconds of each, and the engine's rule over torch.func.hessian.

`python tests/perf/hessian_builds.py [REPETITIONS]` takes CPU seconds on one thread (load disturbs them less than
wall seconds) of logistic regression on 2000 examples, n = 100, 300, 1000, and of a perceptron with one hidden layer on
500 examples, n = 97, 289, 991. A line a way: the median, and the geometric mean of its ratios to torch.func.hessian
with the 95 % interval. The last line of a case is a Cholesky factorisation with its solution.
"""

from __future__ import annotations

import math
import random
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from optbench_learning.convex import LogisticRegression
from torch import Tensor
from torch.func import functional_call, grad, hessian, jacrev, jvp, linearize, vmap

from optbench.analysis.student import t_interval
from optbench.measure.derivatives import Derivatives

BASE = "torch.func.hessian"

Function = Callable[[Tensor], Tensor]
Way = Callable[[Function, Tensor], Tensor]


@dataclass(frozen=True)
class Case:
    """A function without derivatives of its own, a point, and a problem that has them in closed form, if any."""

    name: str
    value: Function
    point: Tensor
    structured: LogisticRegression | None = None

    @property
    def size(self) -> int:
        """The number of parameters."""
        return self.point.numel()


def logistic(n: int, examples: int = 2000) -> Case:
    """Return logistic regression on random data."""
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(examples, n, dtype=torch.float64, generator=generator)
    targets = torch.randint(2, (examples,), generator=generator)
    problem = LogisticRegression({"train": (inputs, targets)}, l2=1e-3)
    return Case(f"logistic regression, n = {n}", problem.value, torch.full((n,), 0.01, dtype=torch.float64), problem)


def perceptron(units: int, inputs: int = 4, examples: int = 500) -> Case:
    """Return the mean squared error of a net with one hidden layer."""
    generator = torch.Generator().manual_seed(0)
    data = torch.randn(examples, inputs, dtype=torch.float64, generator=generator)
    targets = data.sum(1, keepdim=True).sin()
    net = torch.nn.Sequential(torch.nn.Linear(inputs, units), torch.nn.Tanh(), torch.nn.Linear(units, 1)).double()
    names, tensors = zip(*net.named_parameters(), strict=True)
    sizes = [tensor.numel() for tensor in tensors]

    def value(x: Tensor) -> Tensor:
        parts = [part.view(tensor.shape) for part, tensor in zip(x.split(sizes), tensors, strict=True)]
        return (functional_call(net, dict(zip(names, parts, strict=True)), data) - targets).square().mean()

    point = 0.3 * torch.randn(sum(sizes), dtype=torch.float64, generator=generator)
    return Case(f"perceptron, n = {sum(sizes)}", value, point)


def forward_over_reverse(rows: int | None) -> Way:
    """Return vmap(jvp(grad)), so many columns at once."""

    def build(function: Function, x: Tensor) -> Tensor:
        columns = vmap(lambda v: jvp(grad(function), (x,), (v,))[1], chunk_size=rows)
        product: Tensor = columns(torch.eye(x.numel(), dtype=x.dtype))
        return product

    return build


def reverse_over_reverse(rows: int | None) -> Way:
    """Return jacrev(grad), so many rows at once."""
    return lambda function, x: jacrev(grad(function), chunk_size=rows)(x)


def linearized(function: Function, x: Tensor) -> Tensor:
    """Trace the gradient's derivative once, then push all columns through."""
    _, push = linearize(grad(function), x)
    columns: Tensor = vmap(push)(torch.eye(x.numel(), dtype=x.dtype))
    return columns


def batched_grad(function: Function, x: Tensor) -> Tensor:
    """Take torch.autograd.grad of the gradient with is_grads_batched."""
    leaf = x.detach().requires_grad_(True)
    (gradient,) = torch.autograd.grad(function(leaf), leaf, create_graph=True)
    units = torch.eye(x.numel(), dtype=x.dtype)
    return torch.autograd.grad(gradient, leaf, units, is_grads_batched=True)[0]


class Bare:
    """A problem that has a value only."""

    def __init__(self, function: Function) -> None:
        """Keep the function."""
        self.value = function


WAYS: dict[str, Way] = {
    BASE: lambda function, x: hessian(function)(x),
    "vmap(jvp(grad))": forward_over_reverse(None),
    "vmap(jvp(grad)), 64 at once": forward_over_reverse(64),
    "jacrev(grad)": reverse_over_reverse(None),
    "jacrev(grad), 64 at once": reverse_over_reverse(64),
    "jacrev(grad), 16 at once": reverse_over_reverse(16),
    "linearize": linearized,
    "is_grads_batched": batched_grad,
}


def measure(case: Case, repetitions: int) -> dict[str, list[float]]:
    """Return the seconds of each way, in changing order, after one call each that must agree with the first."""
    calls = {name: (lambda way=way: way(case.value, case.point)) for name, way in WAYS.items()}
    engine = Derivatives(Bare(case.value), takes_batch=False)  # type: ignore[arg-type]  # all that it needs
    calls["the engine's rule"] = lambda: engine.hessian(case.point)
    if case.structured is not None:
        calls["structured"] = lambda problem=case.structured: problem.hessian(case.point)
    matrix = calls[BASE]()
    for name, call in calls.items():
        if not torch.allclose(call(), matrix, rtol=1e-9, atol=1e-12 * float(matrix.abs().max())):
            raise SystemExit(f"{case.name}: {name} is wrong")
    damped = matrix + matrix.abs().sum() * torch.eye(case.size, dtype=matrix.dtype)
    calls["Cholesky and solve"] = lambda: torch.cholesky_solve(case.point[:, None], torch.linalg.cholesky(damped))
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    order = random.Random(0)  # what ran before leaves its mark on caches and on the allocator
    for _ in range(repetitions):
        for name in order.sample(list(calls), len(calls)):
            began = time.process_time()
            calls[name]()
            seconds[name].append(time.process_time() - began)
    return seconds


def show(case: Case, seconds: dict[str, list[float]]) -> None:
    """Print a line a way."""
    print(case.name)
    for name, values in seconds.items():
        ratios = [math.log(value / base) for value, base in zip(values, seconds[BASE], strict=True)]
        ratio = t_interval(ratios)
        low, middle, high = (math.exp(part) for part in (ratio.low, ratio.estimate, ratio.high))
        milliseconds = 1e3 * statistics.median(values)
        print(f"  {name:30s} {milliseconds:9.2f} ms   {middle:7.3f}  ({low:.3f} to {high:.3f})", flush=True)


def main() -> None:
    """Measure every case."""
    torch.set_num_threads(1)
    repetitions = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    for case in (*(logistic(n) for n in (100, 300, 1000)), *(perceptron(units) for units in (16, 48, 165))):
        show(case, measure(case, repetitions))


if __name__ == "__main__":
    main()
