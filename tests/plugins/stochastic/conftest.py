"""A net, minibatches, and a trial's losses step by step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import optbench_stochastic
import pytest
import torch
from torch import Tensor

from optbench.api import Block, Recipe, Stage, SupervisedProblem
from optbench.api.streams import SeededStreams
from optbench.measure.event_log import EventLog
from optbench.measure.factories import build_optimizer
from optbench.measure.ledger import Ledger
from optbench.measure.loop import TrialLoop
from optbench.measure.oracle import Books
from optbench.measure.place import Place
from optbench.measure.scalars import HostScalars, Thresholds
from optbench.measure.snapshots import SnapshotSpool
from optbench.records import Budget
from optbench.registry import check_options

RECORDS = {record.name: record for record in optbench_stochastic.optbench_optimizers()}
CPU = torch.device("cpu")


def net(dtype: torch.dtype, *, examples: int = 200, batch_size: int | None = 16, seed: int = 0) -> SupervisedProblem:
    """Classification by a net of 12-8-5-3 units."""
    generator = torch.Generator().manual_seed(seed)
    inputs = torch.randn(examples, 12, generator=generator, dtype=torch.float64)
    classes = (inputs[:, :3] + 0.3 * torch.randn(examples, 3, generator=generator, dtype=torch.float64)).argmax(1)

    def hidden(width: int, following: int) -> Callable[[], torch.nn.Module]:
        return lambda: torch.nn.Sequential(torch.nn.Linear(width, following), torch.nn.Tanh())

    blocks = (
        Block(name="first", role="hidden", build=hidden(12, 8)),
        Block(name="second", role="hidden", build=hidden(8, 5)),
        Block(name="output", role="output", build=lambda: torch.nn.Linear(5, 3)),
    )
    return SupervisedProblem(blocks=blocks, data={"train": (inputs.to(dtype), classes)}, batch_size=batch_size)


def run(optimizer: Any, problem: Any, *, steps: int, dtype: torch.dtype = torch.float64, seed: int = 0) -> Any:
    """Run a trial of so many steps; returns its outcome and its event log."""
    log = EventLog(capacity=100 * steps)
    scalars = HostScalars(log, Thresholds(), keep_best=False)
    loop = TrialLoop(
        Recipe(stages=(Stage(problem=problem, optimizer=optimizer),)),
        Place(CPU, dtype, SeededStreams(seed)),
        Books(Ledger(), log, scalars, scalars),
        Budget(steps=steps),
        SnapshotSpool(None, 8 * problem.size),
        optimizer,
    )
    return loop.run(), log


@pytest.fixture
def small_net() -> Callable[..., SupervisedProblem]:
    return net


@pytest.fixture
def trial() -> Callable[..., Any]:
    return run


@pytest.fixture
def build() -> Callable[..., Any]:
    """Build a registered optimizer by name, with options."""

    def built(name: str, **options: Any) -> Any:
        values, mistakes = check_options(options, RECORDS[name].options, name)
        assert not mistakes
        return build_optimizer(RECORDS[name].factory, values)

    return built


@pytest.fixture
def minibatches() -> Callable[..., Iterator[Tensor]]:
    """The minibatches of a seed, drawn without the problem: each epoch a permutation in parts, the last short."""

    def drawn(examples: int, size: int, seed: int = 0) -> Iterator[Tensor]:
        generator = SeededStreams(seed)("batches")
        while True:
            order = torch.randperm(examples, generator=generator)
            yield from (order[first : first + size] for first in range(0, examples, size))

    return drawn
