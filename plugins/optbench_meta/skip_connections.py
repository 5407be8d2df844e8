"""Skip connections: linear paths past hidden blocks (Goodfellow et al., 2016, 8.7.5; He et al., 2016).

Shapes: B examples, C channels (units of a dense layer), places of a picture, T steps of a sequence.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from optbench.api import Block, Recipe, Refused, Streams
from optbench_meta.models import WEIGHT_LAYERS, Around, Call, calls, holds_weights, rebuilt, with_models

NAME = "skip-connections"


@dataclass(frozen=True, kw_only=True)
class SkipConnections:
    """Adds what goes into a row of hidden blocks to what comes out of it."""

    span: int
    projection: bool

    def __call__(self, recipe: Recipe, streams: Streams) -> Recipe:
        """Return the recipe with connections in each model; raises Refused where no shapes fit."""
        return with_models(recipe, NAME, self._connected)

    def _connected(self, problem: Any) -> Any:
        rows = [Connection.over(row) for row in self._rows(problem)]
        connections = [made for made in rows if made.fits(projected=self.projection)]
        if not connections:
            fit = "can be projected" if self.projection else "keep their shape; projection=true connects others, too"
            message = f"{NAME} wants {self.span} hidden blocks in a row, of weights, that {fit}"
            raise Refused(message)
        openings = {made.first: made for made in connections}
        closings = {made.last: made for made in connections}

        def changed(block: Block) -> Block:
            if block.name in openings:
                block = rebuilt(block, partial(Opening, connection=openings[block.name]))
            if block.name in closings:
                block = rebuilt(block, partial(Closing, connection=closings[block.name]))
            return block

        return problem.with_blocks([changed(block) for block in problem.blocks])

    def _rows(self, problem: Any) -> list[list[Call]]:
        """Return rows of `span` hidden blocks with weights, no block in two of them; what has none interrupts a row."""
        roles = {block.name: block.role for block in problem.blocks}
        wholes = {call.block: call for call in calls(problem) if not call.path and roles[call.block] != "auxiliary"}
        rows: list[list[Call]] = [[]]
        for name, call in wholes.items():
            fits = roles[name] == "hidden" and any(map(holds_weights, call.module.modules()))
            if fits:
                rows[-1].append(call)
            if not fits or len(rows[-1]) == self.span:
                rows.append([])
        return [row for row in rows if len(row) == self.span]


@dataclass(frozen=True)
class Connection:
    """A path past some blocks, and what went into the first of them in this forward pass."""

    first: str
    last: str
    before: tuple[int, ...]  # of one example: (C,), (C, places…), or (T, C) where steps come first
    after: tuple[int, ...]
    steps_first: bool
    passing: list[Tensor] = field(default_factory=list)

    @classmethod
    def over(cls, row: Sequence[Call]) -> Connection:
        """Return the connection past a row of blocks."""
        before, after = (tuple(tensor.shape[1:]) for tensor in (row[0].inputs, row[-1].outputs))
        convolves = any(isinstance(module, WEIGHT_LAYERS[1:]) for call in row for module in call.module.modules())
        return cls(row[0].block, row[-1].block, before, after, len(before) == 2 and not convolves)

    def fits(self, *, projected: bool) -> bool:
        """Tell whether what goes in can be added to what comes out, if need be by a projection."""
        if self.before == self.after:
            return True
        if not projected or len(self.before) != len(self.after):
            return False
        if self.steps_first:
            return self.before[0] == self.after[0]
        return all(into >= out for into, out in zip(self.before[1:], self.after[1:], strict=True))


class Opening(Around):
    """The first block of a connection."""

    def __init__(self, inner: nn.Module, connection: Connection) -> None:
        """Know the connection."""
        super().__init__(inner)
        self._connection = connection

    def forward(self, inputs: Tensor) -> Any:
        """Let the inputs pass, too."""
        self._connection.passing[:] = [inputs]
        return self.inner(inputs)


class Closing(Around):
    """The last block of a connection. Without the first one, as in a part of the model, it is as before."""

    def __init__(self, inner: nn.Module, connection: Connection) -> None:
        """Make the projection, where shapes differ; its weights are named "block.projection.weight"."""
        super().__init__(inner)
        self._connection = connection
        self.projection = nn.Identity() if connection.before == connection.after else Projection(connection)

    def forward(self, inputs: Tensor) -> Any:
        """Return the block's outputs and what has passed, added."""
        outputs = self.inner(inputs)
        passing = self._connection.passing
        return outputs + self.projection(passing.pop()) if passing else outputs


class Projection(nn.Module):
    """A linear map of the channels, of every s-th place of a picture that comes out smaller (He et al., 2016)."""

    def __init__(self, connection: Connection) -> None:
        """Make (C', C) weights for C channels before and C' after."""
        super().__init__()
        before, after = connection.before, connection.after
        self._steps_first = connection.steps_first
        places = [] if self._steps_first else list(zip(before[1:], after[1:], strict=True))
        self._places = tuple(slice(0, out * (into // out), into // out) for into, out in places)
        channel = -1 if self._steps_first else 0
        self.weight = nn.Parameter(torch.empty(after[channel], before[channel]))
        nn.init.xavier_uniform_(self.weight)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return (B, C', …) of (B, C, …)."""
        if self._steps_first or inputs.ndim == 2:
            return functional.linear(inputs, self.weight)
        chosen = inputs[(slice(None), slice(None), *self._places)]
        return torch.einsum("dc,bc...->bd...", self.weight, chosen)

    def flops(self, inputs: Tensor) -> int:
        """Return 2 FLOPs for each weight, at each place or step that comes out."""
        places = (
            inputs.shape[1]
            if self._steps_first
            else math.prod(len(range(inputs.shape[2 + k])[place]) for k, place in enumerate(self._places))
        )
        return 2 * self.weight.numel() * len(inputs) * places
