"""A small counting oracle and the problems that every family is tried on; independent of the engine's oracle."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
import torch
from torch import Tensor


@dataclass
class CountingOracle:
    """Derives everything from `function` by autograd, counts, and remembers the last point."""

    function: Callable[[Tensor], Tensor]
    size: int
    dtype: torch.dtype = torch.float64
    quadratic: bool = False
    counts: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(("value", "gradient", "hessian_vector", "hessian", "line_minimum"), 0)
    )
    best: float = float("inf")
    batch: int = 0
    layout: dict[str, Any] = field(default_factory=dict)
    device: torch.device = torch.device("cpu")
    _key: Any = None

    @property
    def offers(self) -> frozenset[str]:
        return frozenset(self.counts) - (frozenset() if self.quadratic else {"line_minimum"})

    @property
    def evaluations(self) -> int:
        return max(self.counts.values())

    def value_and_gradient(self, x: Any) -> tuple[Tensor, Tensor]:
        x = torch.as_tensor(x, dtype=self.dtype)
        if not self._remembers(x):
            leaf = x.detach().clone().requires_grad_()
            value = self.function(leaf)
            (gradient,) = torch.autograd.grad(value, leaf, allow_unused=True, materialize_grads=True)
            self._known = value.detach(), gradient
            self.counts["value"] += 1
            self.counts["gradient"] += 1
            self.best = min(self.best, float(value.detach()))
        return self._known

    def gradient(self, x: Tensor) -> Tensor:
        return self.value_and_gradient(x)[1]

    def value(self, x: Tensor) -> Tensor:
        return self.value_and_gradient(x)[0]

    def hessian(self, x: Tensor) -> Tensor:
        self.counts["hessian"] += 1
        return torch.autograd.functional.hessian(self.function, x.detach().clone())

    def hessian_vector(self, x: Tensor, v: Tensor) -> Tensor:
        self.counts["hessian_vector"] += 1
        return torch.autograd.functional.hvp(self.function, x.detach().clone(), v)[1]

    def line_minimum(self, x: Tensor, direction: Tensor) -> Tensor:
        self.counts["line_minimum"] += 1
        hessian = torch.autograd.functional.hessian(self.function, x.detach().clone())
        return -(self.gradient(x) @ direction) / (direction @ hessian @ direction)

    def _remembers(self, x: Tensor) -> bool:
        key = (x.data_ptr(), x._version, self.batch, x.numpy().tobytes())
        known, self._key = self._key == key, key
        return known


@pytest.fixture
def oracle() -> type[CountingOracle]:
    """The class: a test builds its own oracles."""
    return CountingOracle


def minimize(optimizer: Any, problem: CountingOracle, start: Tensor, limit: int = 2000) -> Any:
    """Step until the optimizer finishes or `limit` evaluations are spent; return the last state."""
    state = optimizer.init(problem, start)
    while state.finished is None and problem.evaluations < limit:
        before = problem.evaluations, state.point.clone()
        state = optimizer.step(problem, state)
        assert state.point.shape == start.shape, before
    return state


@pytest.fixture(name="minimize")
def minimize_fixture() -> Callable[..., Any]:
    """Run an optimizer to its end."""
    return minimize


@dataclass(frozen=True)
class Task:
    """A function, its standard start and the value that descent from there reaches."""

    name: str
    function: Callable[[Tensor], Tensor]
    start: tuple[float, ...]
    f_star: float = 0.0


def quadratic(spectrum: Tensor, seed: int = 0) -> Callable[[Tensor], Tensor]:
    """Return ½x'Ax with the given eigenvalues and random eigenvectors."""
    generator = torch.Generator().manual_seed(seed)
    basis, _ = torch.linalg.qr(torch.randn(len(spectrum), len(spectrum), dtype=torch.float64, generator=generator))
    matrix = (basis * spectrum) @ basis.T
    return lambda x: 0.5 * x @ (0.5 * (matrix + matrix.T)).to(x.dtype) @ x


@pytest.fixture(name="quadratic")
def quadratic_fixture() -> Callable[..., Any]:
    """Build quadratics."""
    return quadratic


def rosenbrock(x: Tensor) -> Tensor:
    return (100 * (x[1::2] - x[::2] ** 2) ** 2 + (1 - x[::2]) ** 2).sum()


def wood(x: Tensor) -> Tensor:
    a, b, c, d = x
    valleys = 100 * (b - a**2) ** 2 + (1 - a) ** 2 + 90 * (d - c**2) ** 2 + (1 - c) ** 2
    return valleys + 10 * (b + d - 2) ** 2 + 0.1 * (b - d) ** 2


def powell_singular(x: Tensor) -> Tensor:
    a, b, c, d = x
    return (a + 10 * b) ** 2 + 5 * (c - d) ** 2 + (b - 2 * c) ** 4 + 10 * (a - d) ** 4


def beale(x: Tensor) -> Tensor:
    return sum(((y - x[0] * (1 - x[1] ** i)) ** 2 for i, y in enumerate((1.5, 2.25, 2.625), 1)), torch.zeros_like(x[0]))


def helical_valley(x: Tensor) -> Tensor:
    angle = torch.atan(x[1] / x[0]) / (2 * torch.pi) + 0.5 * (x[0] < 0)
    return 100 * ((x[2] - 10 * angle) ** 2 + (x[:2].norm() - 1) ** 2) + x[2] ** 2


def brown_dennis(x: Tensor) -> Tensor:
    t = torch.arange(1, 21, dtype=x.dtype) / 5
    return (((x[0] + t * x[1] - t.exp()) ** 2 + (x[2] + x[3] * t.sin() - t.cos()) ** 2) ** 2).sum()


def freudenstein_roth(x: Tensor) -> Tensor:
    a, b = x
    return (-13 + a + ((5 - b) * b - 2) * b) ** 2 + (-29 + a + ((b + 1) * b - 14) * b) ** 2


def variably_dimensioned(x: Tensor) -> Tensor:
    moment = (torch.arange(1, len(x) + 1, dtype=x.dtype) * (x - 1)).sum()
    return ((x - 1) ** 2).sum() + moment**2 + moment**4


def broyden_tridiagonal(x: Tensor) -> Tensor:
    zero = x.new_zeros(1)
    before, after = torch.cat((zero, x[:-1])), torch.cat((x[1:], zero))
    return (((3 - 2 * x) * x - before - 2 * after + 1) ** 2).sum()


TASKS = (
    Task("quadratic", quadratic(torch.logspace(0, 3, 100, dtype=torch.float64)), (1.0,) * 100),
    Task("rosenbrock", rosenbrock, (-1.2, 1.0)),
    Task("extended-rosenbrock", rosenbrock, (-1.2, 1.0) * 50),
    Task("wood", wood, (-3.0, -1.0, -3.0, -1.0)),
    Task("powell-singular", powell_singular, (3.0, -1.0, 0.0, 1.0)),
    Task("beale", beale, (1.0, 1.0)),
    Task("helical-valley", helical_valley, (-1.0, 0.0, 0.0)),
    Task("brown-dennis", brown_dennis, (25.0, 5.0, -5.0, -1.0), 85822.20162635627),
    Task("freudenstein-roth", freudenstein_roth, (0.5, -2.0), 48.98425367924001),
    Task("variably-dimensioned", variably_dimensioned, tuple(1 - i / 10 for i in range(1, 11))),
    Task("broyden-tridiagonal", broyden_tridiagonal, (-1.0,) * 50),
)


@pytest.fixture(params=TASKS, ids=lambda task: task.name)
def task(request: pytest.FixtureRequest) -> Task:
    """Each problem in turn."""
    return request.param


@pytest.fixture
def accuracy() -> Callable[[Task, CountingOracle], float]:
    """Return (best f − f*)/(f(start) − f*) of a finished run."""

    def measure(task: Task, problem: CountingOracle) -> float:
        first = float(task.function(torch.tensor(task.start, dtype=torch.float64)))
        return (problem.best - task.f_star) / (first - task.f_star)

    return measure


@pytest.fixture
def edges() -> dict[str, tuple[Callable[[Tensor], Tensor], tuple[float, ...]]]:
    """Functions at the edges: one parameter, a start at the minimum, a constant, an unbounded line."""
    return {
        "one": (lambda x: ((x - 3) ** 4).sum() + (x - 3).square().sum(), (10.0,)),
        "optimum": (lambda x: x.square().sum(), (0.0, 0.0)),
        "constant": (lambda x: 0 * x.sum() + 2, (1.0, 2.0)),
        "linear": (lambda x: x.sum(), (1.0, 2.0)),
    }
