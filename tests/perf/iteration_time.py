"""What an iteration of L-BFGS and BFGS costs beyond the function: ours, the peers' and the memory traffic, interleaved.

`python tests/perf/iteration_time.py` minimises the chained Rosenbrock function in float64 on one thread. For each
number of parameters it prints the time an iteration without its evaluations, and ratios of the least times:
- L-BFGS with 10 pairs against torch.optim.LBFGS (strong Wolfe), scipy's L-BFGS-B, and (4·10 + 14)·8·n bytes at the
  bandwidth of a matrix-vector product with the pairs;
- BFGS against scipy's, and one in-place read and write of its matrix.
All rows are timed in turn within each repetition, so that what else the machine does falls on all of them alike. A run
does the same in each repetition: least is the sum of the least times between every two evaluations, which short turns
of the processor suffice for; median and quartiles are those of whole repetitions.
"""

from __future__ import annotations

import argparse
import itertools
import os
import statistics
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from optbench_quasinewton.bfgs import bfgs
from optbench_quasinewton.lbfgs import lbfgs
from optbench_testfunctions.chained import chained_rosenbrock
from scipy import optimize
from torch import Tensor

from optbench.api.streams import SeededStreams

HISTORY = 10
WARM = HISTORY + 2  # iterations before the window that is timed: every place of the history is taken
ENDLESS = 2**31 - 1


class Watched:
    """The function as an oracle that notes the time between its evaluations."""

    batch = 0
    offers = frozenset({"value", "gradient"})

    def __init__(self, n: int) -> None:
        """Build it at `n` parameters."""
        self._streams = SeededStreams(0)
        place: dict[str, Any] = {"device": torch.device("cpu"), "dtype": torch.float64, "streams": self._streams}
        self._problem: Any = chained_rosenbrock(n=n, **place)
        self.gaps: list[float] = []
        self._left = time.perf_counter()

    def begin(self) -> None:
        """Forget what was before."""
        self.gaps = []
        self._left = time.perf_counter()

    def end(self) -> list[float]:
        """Return the seconds before each evaluation, and those after the last."""
        return [*self.gaps, time.perf_counter() - self._left]

    def start(self) -> Tensor:
        """Return the standard start."""
        point: Tensor = self._problem.start(self._streams).parameters
        return point

    def value_and_gradient(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Evaluate, off the clock."""
        self.gaps.append(time.perf_counter() - self._left)
        pair: tuple[Tensor, Tensor] = self._problem.value_and_gradient(x)
        self._left = time.perf_counter()
        return pair

    def for_scipy(self, x: Any) -> tuple[float, Any]:
        """Evaluate for numpy; the conversion is off the clock, too."""
        self.gaps.append(time.perf_counter() - self._left)
        value, gradient = self._problem.value_and_gradient(torch.from_numpy(x))
        pair = float(value), gradient.numpy()
        self._left = time.perf_counter()
        return pair


Timed = Callable[
    [], tuple[list[float], int]
]  # seconds of the parts of one repetition, and the iterations that they make


def ours(method: Any, n: int, warm: int, steps: int) -> Timed:
    """Time steps of one of our methods."""

    def run() -> tuple[list[float], int]:
        watched = Watched(n)
        state = method.init(watched, watched.start())
        for _ in range(warm):
            state = method.step(watched, state)
        watched.begin()
        for _ in range(steps):
            state = method.step(watched, state)
        return watched.end(), steps

    return run


def torch_lbfgs(n: int, warm: int, steps: int) -> Timed:
    """Time iterations of torch.optim.LBFGS within one call."""

    def run() -> tuple[list[float], int]:
        watched = Watched(n)
        parameter = watched.start().clone().requires_grad_()
        solver = torch.optim.LBFGS(
            [parameter],
            max_iter=warm,
            max_eval=ENDLESS,
            tolerance_grad=0.0,
            tolerance_change=1e-300,
            history_size=HISTORY,
            line_search_fn="strong_wolfe",
        )

        def closure() -> Tensor:
            value, parameter.grad = watched.value_and_gradient(parameter.detach())
            return value

        solver.step(closure)
        solver.param_groups[0]["max_iter"] = steps
        before = solver.state[parameter]["n_iter"]
        watched.begin()
        solver.step(closure)
        return watched.end(), solver.state[parameter]["n_iter"] - before

    return run


def scipy_method(method: str, options: dict[str, Any], n: int, warm: int, steps: int) -> Timed:
    """Time iterations of one of scipy's methods after `warm` of them; which evaluation ends those is looked up once."""

    def minimize(watched: Watched, iterations: int, callback: Callable[[Any], None] | None = None) -> Any:
        start = watched.start().numpy().copy()
        return optimize.minimize(
            watched.for_scipy,
            start,
            jac=True,
            method=method,
            callback=callback,
            options={**options, "maxiter": iterations},
        )

    warming = Watched(n)
    if warm:
        minimize(warming, warm)

    def run() -> tuple[list[float], int]:
        watched = Watched(n)
        watched.begin()
        done = minimize(watched, warm + steps).nit
        return watched.end()[len(warming.gaps) :], done - warm

    return run


def repeated(operation: Callable[[], Any], times: int) -> Timed:
    """Time an operation."""

    def run() -> tuple[list[float], int]:
        watched = [time.perf_counter()]
        for _ in range(times):
            operation()
            watched.append(time.perf_counter())
        return [after - before for before, after in itertools.pairwise(watched)], times

    return run


@dataclass
class Row:
    """Seconds of one thing, over the repetitions."""

    run: Timed
    iterations: int = 1
    parts: list[list[float]] = field(default_factory=list)  # by repetition

    def repeat(self) -> None:
        """Time once more."""
        parts, self.iterations = self.run()
        self.parts.append(parts)

    @property
    def least(self) -> float:
        """Return the least time of an iteration: what nothing else has disturbed."""
        return sum(map(min, zip(*self.parts, strict=True))) / self.iterations

    @property
    def text(self) -> str:
        """Return least, median and quartiles, in microseconds."""
        seconds = [sum(parts) / self.iterations for parts in self.parts]
        low, middle, high = (1e6 * x for x in statistics.quantiles(seconds, n=4, method="inclusive"))
        return f"{1e6 * self.least:12.1f} {middle:12.1f}  ({low:.1f} to {high:.1f})"


def interleave(rows: dict[str, Row], repetitions: int) -> None:
    """Time all rows in turn, so often, after a repetition that warms up."""
    for row in rows.values():
        row.run()
    for _ in range(repetitions):
        for row in rows.values():
            row.repeat()


def limited(n: int, steps: int, repetitions: int) -> Iterator[str]:
    """Yield the lines of L-BFGS at one size."""
    pairs, vector = torch.rand(2 * HISTORY, n, dtype=torch.float64), torch.rand(n, dtype=torch.float64)
    out = torch.empty(2 * HISTORY, dtype=torch.float64)
    method = lbfgs(history=HISTORY, initial_scale="scaled", negative_curvature="skip", line_search="strong-wolfe")
    options = {"maxcor": HISTORY, "ftol": 0.0, "gtol": 0.0, "maxfun": ENDLESS}
    rows = {
        "ours": Row(ours(method, n, WARM, steps)),
        "torch.optim.LBFGS": Row(torch_lbfgs(n, WARM, steps)),
        "scipy L-BFGS-B": Row(scipy_method("L-BFGS-B", options, n, WARM, steps)),
        "product with the pairs": Row(repeated(lambda: torch.mv(pairs, vector, out=out), max(3, 10**5 // n))),
    }
    interleave(rows, repetitions)
    floor = rows["product with the pairs"].least * (4 * HISTORY + 14) / (2 * HISTORY + 1)
    mine = rows["ours"].least
    yield from _lines(rows)
    yield f"  torch / ours {rows['torch.optim.LBFGS'].least / mine:.2f}"
    yield f"  scipy / ours {rows['scipy L-BFGS-B'].least / mine:.2f}"
    yield f"  ours / memory traffic {mine / floor:.2f}  (floor {1e6 * floor:.1f} µs)"


def dense(n: int, steps: int, repetitions: int, peer_steps: int) -> Iterator[str]:
    """Yield the lines of BFGS at one size."""
    matrix = torch.rand(n, n, dtype=torch.float64)
    method = bfgs(initial_scale="scaled", negative_curvature="skip", self_scaling=True, line_search="strong-wolfe")
    rows = {
        "ours": Row(ours(method, n, 2, steps)),
        "read and write of the matrix": Row(repeated(lambda: matrix.mul_(1.0), steps)),
    }
    peer = scipy_method("BFGS", {"gtol": 0.0}, n, 0, peer_steps)
    interleave(rows, repetitions)
    gaps, iterations = peer()
    mine, scipy = rows["ours"].least, sum(gaps) / iterations
    yield from _lines(rows)
    yield f"  scipy BFGS, once: {1e6 * scipy:.0f}"
    yield f"  scipy / ours {scipy / mine:.1f}"
    yield f"  ours / read and write of the matrix {mine / rows['read and write of the matrix'].least:.2f}"


def _lines(rows: dict[str, Row]) -> Iterator[str]:
    for name, row in rows.items():
        yield f"  {name:30s} {row.text}"


def main() -> None:
    """Print every size that is asked for."""
    parser = argparse.ArgumentParser(description="Time an iteration beyond the function; µs, one thread.")
    parser.add_argument("--only", choices=("lbfgs", "bfgs"), help="one of the methods")
    parser.add_argument("--sizes", type=int, nargs="*", help="these numbers of parameters alone")
    given = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore", optimize.OptimizeWarning)
    print(f"load {os.getloadavg()[0]:.2f} on {os.cpu_count()} processors; torch {torch.__version__}")
    print(f"  {'µs an iteration, beyond f and g':30s} {'least':>12s} {'median':>12s}  (quartiles)")
    for n, steps, repetitions in ((10**2, 40, 60), (10**3, 40, 60), (10**4, 30, 40), (10**5, 20, 12), (10**6, 12, 4)):
        if given.only != "bfgs" and n in (given.sizes or (n,)):
            print(f"L-BFGS, n = {n}", *limited(n, steps, repetitions), sep="\n", flush=True)
    for n, steps, repetitions, peer_steps in ((1000, 30, 20, 10), (2000, 20, 10, 4), (4000, 12, 5, 2)):
        if given.only != "lbfgs" and n in (given.sizes or (n,)):
            print(f"BFGS, n = {n}", *dense(n, steps, repetitions, peer_steps), sep="\n", flush=True)


if __name__ == "__main__":
    main()
