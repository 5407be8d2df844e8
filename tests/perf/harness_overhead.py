"""What the harness costs a step, and what its snapshots do to the timed loop; plain and harnessed loops interleaved.

`python tests/perf/harness_overhead.py` prints medians over repetitions with the quartiles, and ratios of the fastest:
- two parameters: the plain loop, the wall time that the harness adds, the reported time less the plain loop's;
- a step of about 1 ms: the same, as shares of the step; then what passes between two evaluations, harnessed less plain,
  which unlike the loops' wall times does not carry the noise of the evaluations themselves;
- logistic regression: CPU seconds of the timed loop with snapshots over those without, as a share above 1.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor

from optbench.api import Point, Recipe, Stage, Streams
from optbench.api.streams import SeededStreams
from optbench.measure.calibration import calibrate
from optbench.measure.event_log import EventLog
from optbench.measure.ledger import Ledger
from optbench.measure.loop import Outcome, TrialLoop
from optbench.measure.oracle import Books
from optbench.measure.place import Place
from optbench.measure.scalars import HostScalars, Thresholds
from optbench.measure.snapshots import SnapshotSpool
from optbench.records import Budget

REPETITIONS = 15
PAIRS = 60  # of short runs, which fit between two turns of the scheduler
_WARM = 20  # evaluations


class Logistic:
    """Mean log(1 + exp(−b·Ax)) + ½·10⁻³|x|², A of shape (m, n), with its gradient in closed form."""

    f_star = None
    f_star_source = ""
    f_star_from_start = None

    def __init__(self, m: int, n: int, *, repeats: int = 1) -> None:
        """Draw the data; each evaluation is done `repeats` times, to last long on data that fit the caches."""
        self._repeats = repeats
        generator = torch.Generator().manual_seed(0)
        self.size = n
        self._rows = torch.randn(m, n, generator=generator, dtype=torch.float64)

    def start(self, streams: Streams) -> Point:
        """Return the origin."""
        return Point(parameters=torch.zeros(self.size, dtype=torch.float64))

    def value(self, x: Tensor) -> Tensor:
        """Return f(x)."""
        return self.value_and_gradient(x)[0]

    def value_and_gradient(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return both."""
        for _ in range(self._repeats - 1):
            self._evaluate(x)
        return self._evaluate(x)

    def _evaluate(self, x: Tensor) -> tuple[Tensor, Tensor]:
        margins = self._rows @ x
        value = torch.nn.functional.softplus(-margins).mean() + 5e-4 * x.dot(x)
        weights = torch.sigmoid(-margins)
        return value, (self._rows.T @ weights).div_(-len(margins)).add_(x, alpha=1e-3)


@dataclass
class State:
    """A point."""

    point: Tensor
    finished: None = None


class Watched(Logistic):
    """Notes when each evaluation began and ended."""

    def __init__(self, m: int, n: int, *, repeats: int = 1) -> None:
        """Begin with no notes."""
        super().__init__(m, n, repeats=repeats)
        self.notes: list[tuple[float, float]] = []

    def value_and_gradient(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return both."""
        began = time.perf_counter()
        result = super().value_and_gradient(x)
        self.notes.append((began, time.perf_counter()))
        return result

    def gaps(self) -> list[float]:
        """Return the seconds between evaluations, and forget them; the first ones are left out."""
        notes, self.notes = self.notes[_WARM:], []
        return [began - ended for (_, ended), (began, _) in pairwise(notes)]


class Descent:
    """Gradient descent that asks for value and gradient."""

    def init(self, oracle: object, start: Tensor) -> State:
        """Copy the start."""
        return State(start.clone())

    def step(self, oracle: Logistic, state: State) -> State:
        """Take one step."""
        _, gradient = oracle.value_and_gradient(state.point)
        state.point = state.point - 0.1 * gradient
        return state


def bare(problem: Logistic, steps: int) -> float:
    """Return wall seconds of the plain loop."""
    descent = Descent()
    state = descent.init(problem, problem.start(SeededStreams(0)).parameters)
    began = time.perf_counter()
    for _ in range(steps):
        state = descent.step(problem, state)
    return time.perf_counter() - began


def harnessed(problem: Logistic, steps: int, spool: SnapshotSpool) -> tuple[float, Outcome]:
    """Return wall seconds of the same loop through the harness, and its outcome."""
    log, descent = EventLog(), Descent()
    scalars = HostScalars(log, Thresholds(), keep_best=True)
    loop = TrialLoop(
        Recipe(stages=(Stage(problem=problem, optimizer=descent),)),
        Place(torch.device("cpu"), torch.float64, SeededStreams(0)),
        Books(Ledger(), log, scalars, scalars),
        Budget(steps=steps),
        spool,
        descent,
    )
    began = time.perf_counter()
    outcome = loop.run()
    return time.perf_counter() - began, outcome


def two_parameters() -> None:
    """Print microseconds a step."""
    rows = [calibrate(steps=5000, repetitions=1) for _ in range(REPETITIONS)]
    show("two parameters: plain loop", [row.bare for row in rows], 1e6, "µs a step")
    show("  the harness adds, wall", [row.harness for row in rows], 1e6, "µs a step")
    show("  of which on the clock", [row.bias for row in rows], 1e6, "µs a step")


def one_millisecond(steps: int = 400) -> None:
    """Print shares of a step of about 1 ms."""
    problem = Logistic(500, 100, repeats=36)
    bare(problem, steps)
    rows = []
    for _ in range(REPETITIONS):
        spool = SnapshotSpool(None, 8 * problem.size)
        spool.schedule.advance(10 * steps)  # none: their share is measured apart
        plain = bare(problem, steps)
        wall, outcome = harnessed(problem, steps, spool)
        rows.append((plain, wall, outcome.seconds))
    plains, walls, reported = zip(*rows, strict=True)
    show("a long step: plain loop", [plain / steps for plain in plains], 1e3, "ms a step")
    show_share("  the harness adds, wall", walls, plains)
    show_share("  of which on the clock", reported, plains)


def between_evaluations(steps: int = 200) -> None:
    """Print what the harness puts between two evaluations of about 1 ms, by quartile of either's gaps."""
    problem = Watched(500, 100, repeats=36)
    plain: list[float] = []
    with_harness: list[float] = []
    began = time.perf_counter()
    for _ in range(REPETITIONS):
        bare(problem, steps)
        plain += problem.gaps()
        spool = SnapshotSpool(None, 8 * problem.size)
        spool.schedule.advance(10 * steps)
        harnessed(problem, steps, spool)
        with_harness += problem.gaps()
    step = (time.perf_counter() - began) / (2 * steps * REPETITIONS)
    quartiles = zip(statistics.quantiles(with_harness, n=4), statistics.quantiles(plain, n=4), strict=True)
    low, middle, high = (1e6 * (ours - theirs) for ours, theirs in quartiles)
    print(f"{'  the harness adds between evaluations':44s} {middle:8.2f} µs a step  ({low:.2f} to {high:.2f})", end="")
    print(f"; {1e-4 * middle / step:.2f} % of {1e3 * step:.2f} ms")


def snapshots(steps: int = 400) -> None:
    """Print what snapshots to a file change about the seconds on the clock."""
    problem = Logistic(500, 400)

    def on_clock(path: Path | None, read: Callable[[Outcome], float]) -> float:
        spool = SnapshotSpool(path, 8 * problem.size if path else 0)
        return read(harnessed(problem, steps, spool)[1])

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "snapshots"
        on_clock(file, _wall)
        for name, read in (("wall", _wall), ("CPU", _cpu)):
            with_them, without = [], []
            for repetition in range(PAIRS):
                for path in (file, None) if repetition % 2 else (None, file):
                    (without if path is None else with_them).append(on_clock(path, read))
            show_share(f"snapshots change the loop's {name} time by", with_them, without)


def _wall(outcome: Outcome) -> float:
    return outcome.seconds


def _cpu(outcome: Outcome) -> float:
    return outcome.cpu_seconds


def show(name: str, values: list[float], unit: float, words: str) -> None:
    """Print median and quartiles."""
    low, middle, high = (unit * value for value in statistics.quantiles(values, n=4))
    print(f"{name:44s} {middle:8.2f} {words}  ({low:.2f} to {high:.2f})")


def show_share(name: str, values: Sequence[float], bases: Sequence[float]) -> None:
    """Print how much each value exceeds its base: median and quartiles, and the least over the least."""
    shares = [value / base - 1 for value, base in zip(values, bases, strict=True)]
    low, middle, high = (100 * share for share in statistics.quantiles(shares, n=4))
    fastest = 100 * (min(values) / min(bases) - 1)
    print(f"{name:44s} {middle:8.2f} %  ({low:.2f} to {high:.2f}); of the fastest {fastest:.2f} %")


def main() -> None:
    """Run all three."""
    torch.set_num_threads(1)
    two_parameters()
    one_millisecond()
    between_evaluations()
    snapshots()


if __name__ == "__main__":
    main()
