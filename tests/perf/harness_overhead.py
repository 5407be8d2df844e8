"""What the harness costs a step: gradient descent on a two-parameter quadratic, bare and harnessed, interleaved.

`python tests/perf/harness_overhead.py` prints, in microseconds a step (median over repetitions, with the quartiles):
the bare loop; the wall time that the harness adds, every evaluation logged; the reported time less the bare loop's.
"""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass

import torch
from torch import Tensor

from optbench.api import Point, Recipe, Stage, Streams
from optbench.measure.event_log import EventLog
from optbench.measure.ledger import Ledger
from optbench.measure.loop import TrialLoop
from optbench.measure.oracle import Books, Place
from optbench.measure.scalars import HostScalars, Thresholds
from optbench.measure.snapshots import SnapshotSpool
from optbench.measure.streams import SeededStreams
from optbench.records import Budget

STEPS, REPETITIONS = 5000, 15
SCALE = torch.tensor([1.0, 10.0], dtype=torch.float64)


class Quadratic:
    """f(x) = ½ Σ sᵢ xᵢ², with its gradient in closed form."""

    size = 2
    f_star = 0.0
    f_star_source = "exact"
    f_star_from_start = None

    def start(self, streams: Streams) -> Point:
        """Return (1, 1)."""
        return Point(parameters=torch.ones(2, dtype=torch.float64))

    def value(self, x: Tensor) -> Tensor:
        """Return f(x)."""
        return 0.5 * (SCALE * x * x).sum()

    def value_and_gradient(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return both."""
        gradient = SCALE * x
        return 0.5 * torch.dot(gradient, x), gradient


@dataclass
class State:
    """A point."""

    point: Tensor
    finished: None = None


class Descent:
    """Gradient descent that asks for value and gradient."""

    def init(self, oracle: object, start: Tensor) -> State:
        """Copy the start."""
        return State(start.clone())

    def step(self, oracle: object, state: State) -> State:
        """Take one step."""
        _, gradient = oracle.value_and_gradient(state.point)
        state.point = state.point - 0.01 * gradient
        return state


class Bare:
    """The oracle's place in the bare loop."""

    def __init__(self, problem: Quadratic) -> None:
        self.value_and_gradient = problem.value_and_gradient


def bare() -> float:
    """Return seconds a step of the plain loop."""
    problem = Quadratic()
    descent, oracle = Descent(), Bare(problem)
    state = descent.init(oracle, problem.start(SeededStreams(0)).parameters)
    began = time.perf_counter()
    for _ in range(STEPS):
        state = descent.step(oracle, state)
    return (time.perf_counter() - began) / STEPS


def harnessed() -> tuple[float, float]:
    """Return wall and reported seconds a step of the same loop through the harness."""
    place = Place(torch.device("cpu"), torch.float64, SeededStreams(0))
    log, ledger = EventLog(), Ledger()
    descent, scalars = Descent(), HostScalars(log, Thresholds(), keep_best=True)
    loop = TrialLoop(
        Recipe(stages=(Stage(problem=Quadratic(), optimizer=descent),)),
        place,
        Books(ledger, log, scalars, scalars),
        Budget(steps=STEPS),
        SnapshotSpool(None, 16),
        descent,
    )
    began = time.perf_counter()
    outcome = loop.run()
    wall = time.perf_counter() - began
    assert log.rows == STEPS
    return wall / STEPS, outcome.seconds / STEPS


def main() -> None:
    """Interleave and print."""
    torch.set_num_threads(1)
    bare(), harnessed()
    rows = [(bare(), *harnessed()) for _ in range(REPETITIONS)]
    figures = {
        "bare loop": [row[0] for row in rows],
        "harness's wall time": [row[1] - row[0] for row in rows],
        "bias of the reported time": [row[2] - row[0] for row in rows],
    }
    for name, values in figures.items():
        low, middle, high = (1e6 * value for value in statistics.quantiles(values, n=4))
        print(f"{name:28s} {middle:7.2f} µs a step  ({low:.2f} to {high:.2f})")


if __name__ == "__main__":
    main()
