"""A small net, and a fold over stages whose optimizer adds 1, 2, … to every parameter."""

from __future__ import annotations

import hashlib
from typing import Any

import torch
from torch import Tensor

from optbench.api import Block, Point, Recipe, Stage, SupervisedProblem

OPTIMIZER: Any = object()


class Tanh(torch.nn.Linear):
    def forward(self, inputs: Tensor) -> Tensor:
        return super().forward(inputs).tanh()


def streams(purpose: str, name: str = "") -> torch.Generator:
    digest = hashlib.sha256(f"{purpose}/{name}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:6], "little"))


def net(*hidden: int, classes: int = 3, seed: int = 0, **options: Any) -> SupervisedProblem:
    """Return a net of 4 inputs, tanh layers named hidden1, … and an output layer, on 20 random examples."""
    widths = [4, *hidden]
    blocks = [
        Block(name=f"hidden{k + 1}", role="hidden", build=lambda k=k: Tanh(widths[k], widths[k + 1]))
        for k in range(len(hidden))
    ]
    blocks.append(Block(name="output", role="output", build=lambda: torch.nn.Linear(widths[-1], classes)))
    inputs = torch.randn(20, 4, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    data = {"train": (inputs, torch.arange(20) % classes), "test": (inputs[:5], torch.arange(5) % classes)}
    return SupervisedProblem(blocks=tuple(blocks), data=data, **options)


def recipe_of(problem: Any) -> Recipe:
    return Recipe(stages=(Stage(problem=problem, optimizer=OPTIMIZER),))


def tensor(point: Point, name: str) -> Tensor:
    offset, shape = point.layout[name]
    return point.parameters[offset : offset + torch.Size(shape).numel()].view(shape)


def run(stages: tuple[Stage, ...]) -> tuple[list[Point], list[Point]]:
    """Fold over the stages; return where each one started and ended."""
    starts: list[Point] = []
    ends: list[Point] = []
    previous = None
    for number, stage in enumerate(stages, start=1):
        fresh = stage.problem.start(streams)
        start = stage.carry(previous, fresh) if stage.carry else previous or fresh
        previous = Point(parameters=start.parameters + number, layout=start.layout)
        starts.append(start)
        ends.append(previous)
    return starts, ends
