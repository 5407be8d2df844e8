"""In which order blocks have their turn; as many turns a sweep as there are blocks."""

# ruff: noqa: ARG001 -- each has the signature of an order
from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import torch
from torch import Tensor

Scores = Callable[[], Tensor]  # how steep f is in each block now, (blocks,)
Order = Callable[[int, Scores, torch.Generator], Iterator[int]]


def cyclic(count: int, scores: Scores, generator: torch.Generator) -> Iterator[int]:
    """Yield the blocks from the first to the last."""
    yield from range(count)


def shuffled(count: int, scores: Scores, generator: torch.Generator) -> Iterator[int]:
    """Yield each block once, in a new random order."""
    yield from torch.randperm(count, generator=generator).tolist()


def greedy(count: int, scores: Scores, generator: torch.Generator) -> Iterator[int]:
    """Yield the steepest block each time (Gauss-Southwell); some may come often and others not at all."""
    for _ in range(count):
        yield int(scores().argmax())


ORDERS: Mapping[str, Order] = {"cyclic": cyclic, "random": shuffled, "greedy": greedy}
