"""Auxiliary heads: extra copies of the output on hidden blocks, which are trained for the same task, then discarded.

Goodfellow et al. (2016), section 8.7.5; Szegedy et al. (2015); Lee et al. (2015). Shapes: B examples, T steps.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from optbench.api import Block, Point, Recipe, Refused, Streams
from optbench.api.problems import layout_views
from optbench_meta.models import calls, holds_weights, with_training_aids

NAME = "auxiliary-heads"
PREFIX = "auxiliary-"


@dataclass(frozen=True, kw_only=True)
class AuxiliaryHeads:
    """Puts a head after every so many hidden blocks, the last one left out: the output itself follows it."""

    weight: float
    every: int

    def __call__(self, recipe: Recipe, streams: Streams) -> Recipe:
        """Return the recipe with heads in what is trained; raises Refused where there is no block for one."""
        return with_training_aids(recipe, NAME, self._headed, drop=without_heads)

    def _headed(self, problem: Any) -> Any:
        if any(block.role == "auxiliary" for block in problem.blocks):
            message = f"{NAME}: the model has auxiliary blocks already"
            raise Refused(message)
        heads = {block.name: head for block, head in self._heads(problem)}
        if not heads:
            message = f"{NAME} wants {self.every + 1} hidden blocks with weights, or more"
            raise Refused(message)
        with_heads = ((block, *heads.get(block.name, ())) for block in problem.blocks)
        return problem.with_blocks([block for pair in with_heads for block in pair])

    def _heads(self, problem: Any) -> Iterator[tuple[Block, tuple[Block]]]:
        """Yield each block that gets a head, with the block of the head."""
        wholes = {call.block: call for call in calls(problem) if not call.path}
        outputs = wholes[problem.blocks[-1].name].outputs
        hidden = [
            block for block in problem.blocks if block.role == "hidden" and _has_weights(wholes[block.name].module)
        ]
        for block in hidden[self.every - 1 : -1 : self.every]:
            build = partial(AuxiliaryHead, copy_of_output(wholes[block.name].outputs, outputs), self.weight)
            yield block, (Block(name=PREFIX + block.name, role="auxiliary", build=build),)


def _has_weights(module: nn.Module) -> bool:
    return any(map(holds_weights, module.modules()))


class AuxiliaryHead(nn.Module):
    """Lets its inputs pass, and in training makes outputs of its own of them, whose loss is added."""

    def __init__(self, head: Callable[[], nn.Module], weight: float) -> None:
        """Build the head."""
        super().__init__()
        self.head = head()
        self._weight = weight
        self._outputs: list[Tensor] = []

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the inputs themselves: without the head the model puts out the same."""
        if self.training:
            self._outputs[:] = [self.head(inputs)]
        return inputs

    def added_loss(self, mean_loss: Callable[[Tensor], Tensor]) -> Tensor:
        """Return the head's loss on the last minibatch, weighted."""
        return self._weight * mean_loss(self._outputs.pop())


def copy_of_output(hidden: Tensor, outputs: Tensor) -> Callable[[], nn.Module]:
    """Return what builds a linear map of a block's outputs, (B, …) or (B, T, …), to the model's, (B, k) or (B, k, T).

    Raises Refused where the model puts out something else.
    """
    if outputs.ndim == 2:
        return partial(_stack, nn.Flatten, partial(nn.Linear, math.prod(hidden.shape[1:]), outputs.shape[1]))
    if outputs.ndim == hidden.ndim == 3 and outputs.shape[2] == hidden.shape[1]:
        return partial(_stack, partial(nn.Linear, hidden.shape[2], outputs.shape[1]), StepsLast)
    message = f"{NAME}: no head makes outputs {tuple(outputs.shape[1:])} of what is {tuple(hidden.shape[1:])}"
    raise Refused(message)


def _stack(*builds: Callable[[], nn.Module]) -> nn.Module:
    return nn.Sequential(*(build() for build in builds))


class StepsLast(nn.Module):
    """(B, T, k) to (B, k, T)."""

    def forward(self, inputs: Tensor) -> Tensor:
        """Return a view."""
        return inputs.transpose(1, 2)


def without_heads(point: Point) -> Point:
    """Return the point without the heads' parameters."""
    views = zip(point.layout.items(), layout_views(point.parameters, point.layout), strict=True)
    kept = [(name, shape, view) for (name, (_, shape)), view in views if not name.startswith(PREFIX)]
    layout, offset = {}, 0
    for name, shape, view in kept:
        layout[name] = (offset, shape)
        offset += view.numel()
    return replace(point, parameters=torch.cat([view.flatten() for _, _, view in kept]), layout=layout)
