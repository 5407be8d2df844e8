"""Which line search survives noise in f: the tables of docs/line-searches.md.

`python tests/perf/noise_table.py` prints them. Each problem is shifted and scaled to F, which is 2 at the start and 1
at its minimum. F is seen times 1 + level·u, where u in [−1, 1] is drawn from the bits of the point, so that the same
point gives the same value again. With noise in both, the gradient g is seen as g + level·|g|·v, v drawn likewise, of
length 1. A run ends where the method does or after `EVALUATIONS`; its digits are −log10(F − 1) for the true F at its
last point, at most 16. What is shown of a problem is the median over `DRAWS` noises.
"""

from __future__ import annotations

import math
import statistics
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from optbench_descent.cg import cg
from optbench_descent.steepest import gradient_descent
from optbench_quasinewton.lbfgs import lbfgs
from optbench_testfunctions import optbench_problems
from torch import Tensor

from optbench.api.streams import SeededStreams
from optbench.registry import resolve_factory

EVALUATIONS = 400
DRAWS = 3
LEVELS = (0.0, 1e-10, 1e-8, 1e-6, 1e-4, 1e-3)
PROBLEMS: dict[str, dict[str, Any]] = {
    "quadratic": {"n": 30, "condition": 100.0},
    "beale": {},
    "wood": {},
    "broyden-tridiagonal": {"n": 10},
    "variably-dimensioned": {"n": 10},
    "chained-rosenbrock": {"n": 6},
}
SEARCHES = (
    "exact(tolerance=0.001)",
    "armijo",
    "strong-wolfe",
    "strong-wolfe(c2=0.1)",
    "hager-zhang",
    "hager-zhang(epsilon=0.01, omega=0.1)",
)
METHODS: dict[str, Callable[[str], Any]] = {
    "lbfgs": lambda search: _with_defaults("optbench_quasinewton", "lbfgs", lbfgs, search),
    "cg": lambda search: _with_defaults("optbench_descent", "cg", cg, search),
    "gradient-descent": lambda search: gradient_descent(lr=0.01, line_search=search),
}


def _with_defaults(family: str, name: str, factory: Callable[..., Any], search: str) -> Any:
    records = {record.name: record for record in resolve_factory(f"{family}:optbench_optimizers")()}
    options = {key: option.default for key, option in records[name].options.items()}
    return factory(**{**options, "line_search": search})


@dataclass
class NoisyOracle:
    """A problem as F, seen through noise; counts its evaluations."""

    problem: Any
    level: float
    in_gradient: bool
    draw: int = 0  # another number gives another noise
    evaluations: int = 0
    batch: int = 0
    offers: frozenset[str] = field(default_factory=frozenset)
    start: Tensor = field(init=False)

    def __post_init__(self) -> None:
        """Find the scale of F."""
        self.start = self.problem.start(SeededStreams(0)).parameters
        known = self.problem.f_star_from_start
        self._lowest = self.problem.f_star if known is None else known
        self._height = float(self.problem.value(self.start)) - self._lowest

    def true_value(self, x: Tensor) -> float:
        """Return F(x) − 1."""
        return (float(self.problem.value(x)) - self._lowest) / self._height

    def value_and_gradient(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return both, noisy."""
        self.evaluations += 1
        value, gradient = self.problem.value_and_gradient(x)
        value, gradient = (value - self._lowest) / self._height + 1, gradient / self._height
        random = torch.Generator().manual_seed(zlib.crc32(x.numpy().tobytes(), self.draw))
        value = value * (1 + self.level * (2 * torch.rand((), generator=random, dtype=x.dtype) - 1))
        if self.in_gradient:
            noise = torch.nn.functional.normalize(torch.randn(len(x), generator=random, dtype=x.dtype), dim=0)
            gradient = gradient + self.level * gradient.norm() * noise
        return value, gradient


def make(name: str) -> Any:
    """Return a problem of the catalogue, float64 on the CPU."""
    records = {record.name: record for record in optbench_problems()}
    defaults = {key: option.default for key, option in records[name].options.items()}
    factory = resolve_factory(records[name].factory)
    place = {"device": torch.device("cpu"), "dtype": torch.float64, "streams": SeededStreams(0)}
    return factory(**place, **{**defaults, **PROBLEMS[name]})


def digits(method: Any, oracle: NoisyOracle) -> float:
    """Return how many digits of F the method gains, from 0 to 16."""
    state = method.init(oracle, oracle.start)
    while state.finished is None and oracle.evaluations < EVALUATIONS and state.point.isfinite().all():
        state = method.step(oracle, state)
    reached = oracle.true_value(state.point)
    return min(16.0, max(0.0, -math.log10(max(reached, 1e-16)))) if math.isfinite(reached) else 0.0


def cell(method: str, search: str, level: float, *, in_gradient: bool) -> float:
    """Return the mean digits over the problems, of each the median over the noises."""
    medians = []
    for problem in map(make, PROBLEMS):
        oracles = (NoisyOracle(problem, level, in_gradient, draw) for draw in range(DRAWS if level else 1))
        medians.append(statistics.median(digits(METHODS[method](search), oracle) for oracle in oracles))
    return statistics.fmean(medians)


def row(method: str, search: str, *, in_gradient: bool) -> list[float]:
    """Return the cells by level."""
    return [cell(method, search, level, in_gradient=in_gradient) for level in LEVELS]


def table(*, in_gradient: bool) -> Iterator[str]:
    """Yield the lines of a table in Markdown."""
    heads = ["none" if not level else f"{level:.0e}".replace("e-0", "e-") for level in LEVELS]
    yield f"| method | line search | {' | '.join(heads)} |"
    yield f"|---|---|{'--:|' * len(LEVELS)}"
    for method in METHODS:
        for search in SEARCHES:
            cells = " | ".join(f"{mean:.1f}" for mean in row(method, search, in_gradient=in_gradient))
            yield f"| {method} | `{search}` | {cells} |"


def main() -> None:
    """Print both tables."""
    for in_gradient, title in ((False, "Noise in f"), (True, "Noise in f and its gradient")):
        print(f"{title}:\n")
        for text in table(in_gradient=in_gradient):
            print(text, flush=True)
        print()


if __name__ == "__main__":
    main()
