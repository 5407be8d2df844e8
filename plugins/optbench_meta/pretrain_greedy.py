"""Greedy supervised pretraining (Bengio et al., 2007): one shallow net a hidden layer, then the whole net jointly.

Net k is: hidden layers 1 … k−1 as they came out of their own training, which stay as they are; hidden layer k and an
output layer of its own, which are trained. Its head is dropped, its hidden layer kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from optbench.api import Block, LearningProblem, Point, Recipe, Refused, Stage, Streams


@dataclass(frozen=True, kw_only=True)
class GreedyPretraining:
    """Puts a stage for each hidden layer before the training of the whole net."""

    share: float

    def __call__(self, recipe: Recipe, streams: Streams) -> Recipe:
        """Return the recipe with the pretraining stages; raises Refused where there is no hidden layer to pretrain."""
        joint, problem = only_stage(recipe)
        groups = hidden_groups(problem.blocks)
        kept = Kept()
        stages = [
            Stage(
                problem=shallow_problem(problem, groups[: index + 1], kept),
                optimizer=joint.optimizer,
                share=joint.share * self.share / len(groups),
                carry=kept.collecting,
                on_curve=False,
            )
            for index in range(len(groups))
        ]
        joint = replace(joint, share=joint.share * (1 - self.share), carry=kept.restoring)
        return replace(recipe, stages=(*stages, joint))


def only_stage(recipe: Recipe) -> tuple[Stage, Any]:
    """Return the recipe's stage and its problem; raises Refused where pretraining can't stand before it."""
    if len(recipe.stages) != 1:
        message = f"pretrain-greedy wants a recipe of one stage, this one has {len(recipe.stages)}: name it first"
        raise Refused(message)
    problem = recipe.stages[0].problem
    if not hasattr(problem, "with_blocks"):
        message = f"pretrain-greedy wants a model of blocks; {type(problem).__name__} has none"
        raise Refused(message)
    return recipe.stages[0], problem


@dataclass
class Kept:
    """The tensors that the stages so far have trained, by name, heads among them; belongs to one run of one recipe."""

    tensors: dict[str, Tensor] = field(default_factory=dict)
    frozen: list[Frozen] = field(default_factory=list)

    def collecting(self, previous: Point | None, fresh: Point) -> Point:
        """Keep what the previous stage trained and show it to the frozen layers; start afresh."""
        self._collect(previous)
        for layers in self.frozen:
            layers.load(self.tensors)
        return fresh

    def restoring(self, previous: Point | None, fresh: Point) -> Point:
        """Return the fresh start with every tensor that was kept, copied by its name."""
        self._collect(previous)
        return copied_by_name(self.tensors, fresh)

    def _collect(self, previous: Point | None) -> None:
        if previous is None:
            self.tensors.clear()
            return
        self.tensors.update({name: tensor.clone() for name, tensor in named_views(previous).items()})


class Frozen(torch.nn.Module):
    """Trained blocks as a function without parameters: the optimizer of a later stage can't see them."""

    def __init__(self, blocks: Sequence[Block], like: Tensor) -> None:
        """Build the blocks, on the device and dtype of `like`, out of sight of `parameters()`."""
        super().__init__()
        self._stack = [(block.name, built(block, like).requires_grad_(requires_grad=False)) for block in blocks]

    @torch.no_grad()
    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Copy the blocks' tensors, named "block.parameter"; those that are not trained yet stay as they are."""
        for block, module in self._stack:
            for name, parameter in module.named_parameters():
                if (tensor := tensors.get(f"{block}.{name}")) is not None:
                    parameter.copy_(tensor)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the activations of the last block."""
        for _, module in self._stack:
            inputs = module(inputs)
        return inputs


def hidden_groups(blocks: Sequence[Block]) -> list[list[Block]]:
    """Return one group of blocks a hidden layer; raises Refused where there is none, or no output layer.

    What stands before the first hidden block is trained with it; what follows a hidden block belongs to it.
    """
    roles = [block.role for block in blocks]
    end = roles.index("output") if "output" in roles else len(blocks)
    firsts = [index for index in range(end) if roles[index] == "hidden"]
    if not firsts or end == len(blocks):
        message = f"pretrain-greedy wants a hidden layer below an output layer; the model's blocks are {roles}"
        raise Refused(message)
    bounds = [0, *firsts[1:], end]
    return [list(blocks[first:last]) for first, last in pairwise(bounds)]


def shallow_problem(problem: Any, groups: Sequence[Sequence[Block]], kept: Kept) -> LearningProblem:
    """Return the net of the last group and a head of its own on top of the earlier groups, frozen."""
    *earlier, trained = groups
    example = problem.data["train"][0][:1]
    hidden = [block for group in groups for block in group]
    head = head_block(f"head{len(groups)}", hidden, width_after(problem.blocks, example), example)
    blocks = [*trained, head]
    if earlier:
        frozen = Frozen(hidden[: -len(trained)], example)
        kept.frozen.append(frozen)
        blocks.insert(0, Block(name="frozen", role="input", build=lambda: frozen))
    shallow: LearningProblem = problem.with_blocks(blocks)
    return shallow


class Head(torch.nn.Linear):
    """A linear output layer on the flattened activations."""

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the outputs, (B, outputs)."""
        return super().forward(inputs.flatten(1))


def head_block(name: str, hidden: Sequence[Block], outputs: int, example: Tensor) -> Block:
    """Return a fresh output block on top of the given blocks, whose width one example, (1, …), tells."""
    width = width_after(hidden, example)
    return Block(name=name, role="output", build=lambda: Head(width, outputs))


def width_after(blocks: Sequence[Block], example: Tensor) -> int:
    """Return how many numbers the blocks make of one example, (1, …)."""
    with torch.no_grad():
        for block in blocks:
            example = built(block, example)(example)
    return example.numel()


def built(block: Block, like: Tensor) -> torch.nn.Module:
    """Return the block's module on the device and dtype of `like`."""
    with torch.random.fork_rng(devices=()):  # modules draw weights as they are built: leave no trace, repeat
        torch.manual_seed(0)
        return block.build().to(like.device, like.dtype)


def named_views(point: Point) -> dict[str, Tensor]:
    """Return the point's tensors by name, as views."""
    return {
        name: point.parameters[offset : offset + shape_size(shape)].view(shape)
        for name, (offset, shape) in point.layout.items()
    }


def copied_by_name(tensors: Mapping[str, Tensor], fresh: Point) -> Point:
    """Return `fresh` with the tensors that share a name, and a shape, with one of `tensors`."""
    start = replace(fresh, parameters=fresh.parameters.clone())
    for name, view in named_views(start).items():
        if name in tensors and tensors[name].shape == view.shape:
            view.copy_(tensors[name])
    return start


def shape_size(shape: Sequence[int]) -> int:
    """Return the number of entries."""
    return torch.Size(shape).numel()
