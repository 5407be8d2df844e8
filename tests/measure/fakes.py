"""Problems, optimizers and clocks that the measuring tests share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from optbench.api import Point
from optbench.api.streams import SeededStreams
from optbench.measure.event_log import EventLog
from optbench.measure.ledger import Ledger
from optbench.measure.oracle import CountingOracle
from optbench.measure.place import Place
from optbench.measure.scalars import HostScalars

PLACE = Place(torch.device("cpu"), torch.float64, SeededStreams(0))


class Tick:
    """A clock that only moves when told, or by `step` at each reading."""

    def __init__(self, step: float = 0.0) -> None:
        self.time, self.step = 100.0, step

    def __call__(self) -> float:
        self.time += self.step
        return self.time


class Bowl:
    """½|x|², whose evaluation takes `cost` seconds of the fake clock; `derivatives` are left to autograd."""

    f_star: float | None = 0.0
    f_star_source = "exact"
    f_star_from_start: float | None = None

    def __init__(self, size: int = 3, clock: Tick | None = None, cost: float = 1.0) -> None:
        self.size, self._clock, self._cost, self.calls = size, clock, cost, 0

    def start(self, streams: Any) -> Point:
        return Point(parameters=torch.arange(1.0, self.size + 1.0, dtype=torch.float64))

    def value(self, x: Tensor) -> Tensor:
        self.calls += 1
        if self._clock is not None:
            self._clock.time += self._cost
        return 0.5 * (x * x).sum()


class NoisyBowl(Bowl):
    """The mean of ½|x − aᵢ|² over a minibatch of the four centres aᵢ."""

    centres = torch.tensor([[0.0], [1.0], [2.0], [3.0]], dtype=torch.float64)
    batch_size = 2
    examples = 4

    def __init__(self) -> None:
        super().__init__(size=1)
        self.seen: list[list[int]] = []

    def batches(self, streams: Any) -> Iterator[Tensor]:
        generator = streams("batches")
        while True:
            order = torch.randperm(4, generator=generator)
            yield from (order[:2], order[2:])

    def value(self, x: Tensor, batch: Tensor | None = None) -> Tensor:
        centres = self.centres if batch is None else self.centres[batch]
        if batch is not None:
            self.seen.append(batch.tolist())
        return 0.5 * ((x - centres) ** 2).mean()


class Descent:
    """x ← x − lr·g, asking for value and gradient."""

    def __init__(self, lr: float = 0.5, *, ask: str = "value_and_gradient") -> None:
        self.lr, self.ask = lr, ask

    def init(self, oracle: Any, start: Tensor) -> Any:
        return SimpleNamespace(point=start.clone(), finished=None)

    def step(self, oracle: Any, state: Any) -> Any:
        gradient = oracle.gradient(state.point) if self.ask == "gradient" else oracle.value_and_gradient(state.point)[1]
        state.point = state.point - self.lr * gradient
        return state


@dataclass
class Rig:
    """An oracle with what it writes to."""

    oracle: CountingOracle
    ledger: Ledger
    log: EventLog
    scalars: HostScalars
