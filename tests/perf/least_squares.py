"""Residuals and Jacobians that gauss-newton and MINPACK's lmder (scipy) take on the sums of squares of a suite.

`python tests/perf/least_squares.py` prints, for each problem of the suite `testfunctions`, the counts at which f − f*
is 1e-10 of what it was at the start, and then the geometric mean of the ratio of Jacobians where both get there.
MINPACK's tolerances are the rounding of float64; each method runs with its parameters as they are and scaled by the
Jacobian.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import optbench_suites
import torch
from optbench_newton.gauss_newton import gauss_newton
from scipy import optimize
from torch import Tensor

from optbench.api.streams import SeededStreams
from optbench.records import parse
from optbench.registry import load_catalogue, resolve

ACCURACY = 1e-10
MOST = 2000  # evaluations


@dataclass
class Counted:
    """A problem that counts, until its target is reached."""

    problem: Any
    batch: int = 0
    counts: dict[str, int] = field(default_factory=lambda: {"residuals": 0, "jacobian": 0})
    reached: bool = False

    def residuals(self, x: Tensor) -> Tensor:
        """Return the residuals, and look at what they sum up to."""
        self._count("residuals")
        found: Tensor = self.problem.residuals(x)
        self.reached = self.reached or float(found.dot(found)) <= self._target
        return found

    def jacobian(self, x: Tensor) -> Tensor:
        """Return the Jacobian."""
        self._count("jacobian")
        found: Tensor = self.problem.jacobian(x)
        return found

    @property
    def start(self) -> Tensor:
        """The standard start."""
        point: Tensor = self.problem.start(SeededStreams(0)).parameters
        return point

    def _count(self, kind: str) -> None:
        self.counts[kind] += not self.reached

    @property
    def _target(self) -> float:
        lowest = self.problem.f_star_from_start
        lowest = self.problem.f_star if lowest is None else lowest
        return float(lowest + ACCURACY * (self.problem.value(self.start) - lowest))


def ours(scaling: str) -> Callable[[Counted], None]:
    """Return what runs gauss-newton to its end."""

    def run(counted: Counted) -> None:
        method: Any = gauss_newton(damping="levenberg-marquardt", scaling=scaling)
        state = method.init(counted, counted.start)
        while state.finished is None and not counted.reached and counted.counts["residuals"] < MOST:
            state = method.step(counted, state)

    return run


def minpack(scale: Any) -> Callable[[Counted], None]:
    """Return what runs lmder to its end."""

    def run(counted: Counted) -> None:
        tolerance = 1.01 * torch.finfo(torch.float64).eps
        optimize.least_squares(
            lambda x: counted.residuals(torch.tensor(x)).numpy(),
            counted.start.numpy(),
            jac=lambda x: counted.jacobian(torch.tensor(x)).numpy(),
            method="lm",
            x_scale=scale,
            ftol=tolerance,
            xtol=tolerance,
            gtol=tolerance,
            max_nfev=MOST,
        )

    return run


METHODS = {
    "identity": ours("identity"),
    "moré": ours("moré"),
    "lm": minpack(1.0),
    "lm-jac": minpack("jac"),
}


def problems() -> Iterator[tuple[str, Any]]:
    """Yield the suite's problems with residuals."""
    catalogue = load_catalogue()
    suite = tomllib.loads((Path(optbench_suites.__file__).parent / "testfunctions.toml").read_text(encoding="utf-8"))
    for entry in suite["problem"]:
        for n in entry.get("grid", {}).get("n", [None]):
            text = entry["use"] if n is None else f"{entry['use']}(n={n})"
            call = resolve(catalogue, "problems", parse(text)[0])
            module, _, name = catalogue.get("problems", call.name).record.factory.partition(":")
            place = {"device": torch.device("cpu"), "dtype": torch.float64, "streams": SeededStreams(0)}
            yield text, getattr(import_module(module), name)(**place, **call.options)


def main() -> None:
    """Print the table and the means."""
    print(f"{'residuals/Jacobians':28}" + "".join(f"{name:>12}" for name in METHODS))
    rows: list[dict[str, Counted]] = []
    for text, problem in problems():
        if not hasattr(problem, "residuals"):
            continue
        row = {name: Counted(problem) for name in METHODS}
        for name, run in METHODS.items():
            run(row[name])
        rows.append(row)
        print(f"{text:28}" + "".join(f"{_told(counted):>12}" for counted in row.values()))
    print(f"{'solved':28}" + "".join(f"{sum(row[name].reached for row in rows):>12}" for name in METHODS))
    for first, second in (("identity", "lm"), ("identity", "lm-jac"), ("moré", "lm"), ("moré", "lm-jac")):
        print(f"Jacobians of {first} over {second}: {_ratio(rows, first, second):.3f}")


def _told(counted: Counted) -> str:
    return "/".join(map(str, counted.counts.values())) if counted.reached else "-"


def _ratio(rows: list[dict[str, Counted]], first: str, second: str) -> float:
    pairs = [(row[first], row[second]) for row in rows if row[first].reached and row[second].reached]
    logs = [math.log(max(a.counts["jacobian"], 1) / max(b.counts["jacobian"], 1)) for a, b in pairs]
    return math.exp(sum(logs) / len(logs))


if __name__ == "__main__":
    main()
