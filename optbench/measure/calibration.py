"""What the harness costs a step on this machine: a plain loop and the same loop through the harness, interleaved."""

from __future__ import annotations

import time
from dataclasses import dataclass

import torch
from torch import Tensor

from optbench.api import Point, Recipe, Stage, Streams
from optbench.api.streams import SeededStreams
from optbench.measure.event_log import EventLog
from optbench.measure.ledger import Ledger
from optbench.measure.loop import TrialLoop
from optbench.measure.oracle import Books
from optbench.measure.place import Place
from optbench.measure.scalars import HostScalars, Thresholds
from optbench.measure.snapshots import SnapshotSpool
from optbench.records import Budget


@dataclass(frozen=True)
class Overhead:
    """Seconds a step, from the fastest of several interleaved loops: what disturbs them only adds time."""

    harness: float  # wall time that the harness adds, nearly all of it off the trial's clock
    bias: float  # what of it stays on the clock: reported time less the plain loop's
    bare: float  # the plain loop


def calibrate(steps: int = 100, repetitions: int = 25) -> Overhead:
    """Measure gradient descent on a quadratic of two parameters, every evaluation logged."""
    _harnessed(steps)
    pairs = [(_bare(steps), *_harnessed(steps)) for _ in range(repetitions)]
    bare, wall, reported = (min(times) for times in zip(*pairs, strict=True))
    return Overhead(harness=max(0.0, wall - bare), bias=max(0.0, reported - bare), bare=bare)


class TwoParameters:
    """f(x) = ½ (x₁² + 10 x₂²), with its gradient in closed form."""

    size = 2
    f_star = 0.0
    f_star_source = "exact"
    f_star_from_start = None

    def __init__(self) -> None:
        """Allocate the diagonal."""
        self._diagonal = torch.tensor([1.0, 10.0], dtype=torch.float64)

    def start(self, streams: Streams) -> Point:
        """Return (1, 1)."""
        return Point(parameters=torch.ones(2, dtype=torch.float64))

    def value(self, x: Tensor) -> Tensor:
        """Return f(x)."""
        return 0.5 * (self._diagonal * x * x).sum()

    def value_and_gradient(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return both."""
        gradient = self._diagonal * x
        return 0.5 * torch.dot(gradient, x), gradient


@dataclass
class _State:
    point: Tensor
    finished: None = None


class _Descent:
    def init(self, oracle: object, start: Tensor) -> _State:
        return _State(start.clone())

    def step(self, oracle: TwoParameters, state: _State) -> _State:
        _, gradient = oracle.value_and_gradient(state.point)
        state.point = state.point - 0.01 * gradient
        return state


def _bare(steps: int) -> float:
    """Return seconds a step of the plain loop, where the problem itself stands in the oracle's place."""
    problem, descent = TwoParameters(), _Descent()
    state = descent.init(problem, problem.start(SeededStreams(0)).parameters)
    began = time.perf_counter()
    for _ in range(steps):
        state = descent.step(problem, state)
    return (time.perf_counter() - began) / steps


def _harnessed(steps: int) -> tuple[float, float]:
    """Return wall and reported seconds a step of the same loop in the harness."""
    place = Place(torch.device("cpu"), torch.float64, SeededStreams(0))
    log, ledger = EventLog(capacity=steps), Ledger()
    spool = SnapshotSpool(None, 16)
    spool.schedule.advance(10 * steps)  # none is due: in so few steps they would be many
    descent, scalars = _Descent(), HostScalars(log, Thresholds(), keep_best=True)
    loop = TrialLoop(
        Recipe(stages=(Stage(problem=TwoParameters(), optimizer=descent),)),  # type: ignore[arg-type]  # sees a problem
        place,
        Books(ledger, log, scalars, scalars),
        Budget(steps=steps),
        spool,
        descent,
    )
    began = time.perf_counter()
    outcome = loop.run()
    return (time.perf_counter() - began) / steps, outcome.seconds / steps
