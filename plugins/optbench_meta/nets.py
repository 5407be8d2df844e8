"""Models as blocks: what is built of them, how deep they are, copies that are not trained. Shapes: B examples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate, pairwise
from typing import Any

import torch
from torch import Tensor, nn

from optbench.api import Block, Refused
from optbench_meta.models import holds_weights


def built(block: Block, like: Tensor) -> nn.Module:
    """Return the block's module, for evaluation, on the device and dtype of `like`."""
    with torch.random.fork_rng(devices=()):  # modules draw weights as they are built: leave no trace, repeat
        torch.manual_seed(0)
        return block.build().to(like.device, like.dtype if like.is_floating_point() else None).eval()


def after(blocks: Sequence[Block], inputs: Tensor) -> Tensor:
    """Return what the blocks make of inputs (B, …), with the weights that their modules draw."""
    with torch.no_grad():
        for block in blocks:
            inputs = built(block, inputs)(inputs)
    return inputs


def one_example(problem: Any) -> Tensor:
    """Return the inputs of one training example, (1, …), in the dtype of the parameters where they are numbers."""
    inputs: Tensor = problem.data["train"][0][:1]
    return inputs.to(problem.dtype or inputs.dtype) if inputs.is_floating_point() else inputs


class Frozen(nn.Module):
    """Trained blocks as a function without parameters: no optimizer sees them, and they are not changed."""

    def __init__(self, blocks: Sequence[Block], like: Tensor) -> None:
        """Build the blocks, on the device and dtype of `like`, out of sight of `parameters()`."""
        super().__init__()
        self._stack = [(block.name, built(block, like).requires_grad_(requires_grad=False)) for block in blocks]

    @torch.no_grad()
    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Copy the blocks' tensors, named "block.parameter"; those that are not trained yet stay as they are."""
        for block, module in self._stack:
            for name, own in (*module.named_parameters(), *module.named_buffers()):
                if (tensor := tensors.get(f"{block}.{name}")) is not None:
                    own.copy_(tensor)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the activations of the last block."""
        for _, module in self._stack:
            inputs = module(inputs)
        return inputs


def hidden_groups(blocks: Sequence[Block], name: str) -> list[list[Block]]:
    """Return one group of blocks a hidden layer; raises Refused where there is none, or no output layer.

    What stands before the first hidden block, and an input block before another one, is trained with it; what else
    follows a hidden block belongs to it.
    """
    roles = [block.role for block in blocks]
    end = roles.index("output") if "output" in roles else len(blocks)
    firsts = [index for index in range(end) if roles[index] == "hidden"]
    if not firsts or end == len(blocks):
        message = f"{name} wants a hidden layer below an output layer; the model's blocks are {roles}"
        raise Refused(message)
    bounds = [0, *(index - (roles[index - 1] == "input") for index in firsts[1:]), end]
    return [list(blocks[first:last]) for first, last in pairwise(bounds)]


def weight_layers(block: Block) -> int:
    """Return how many modules of the block have weights: tensors of two dimensions or more."""
    return sum(map(holds_weights, block.build().modules()))


def depths(blocks: Sequence[Block]) -> list[int]:
    """Return the number of weight layers up to the end of each block."""
    with torch.random.fork_rng(devices=()):
        return list(accumulate(map(weight_layers, blocks)))


def first_layers(blocks: Sequence[Block], count: int, name: str) -> list[Block]:
    """Return the first blocks, which have so many weight layers; raises Refused where a block would have to be cut."""
    ends = depths(blocks)
    if count and count not in ends:
        message = f"{name} can't take {count} weight layers: they end after {', '.join(map(str, dict.fromkeys(ends)))}"
        raise Refused(message)
    return [block for block, end in zip(blocks, ends, strict=True) if end <= count] if count else []


def last_layers(blocks: Sequence[Block], count: int, name: str) -> list[Block]:
    """Return the last blocks, which have so many weight layers; raises Refused where a block would have to be cut."""
    total = depths(blocks)[-1]
    below = first_layers(blocks, total - count, name) if total - count >= 0 else None
    if below is None:
        message = f"{name} can't take {count} weight layers of a model that has {total}"
        raise Refused(message)
    return list(blocks[len(below) :])


def without_middle(blocks: Sequence[Block], first: int, last: int, layers: int, like: Tensor) -> list[Block] | None:
    """Return a model of so many weight layers: the blocks without a stretch between the first and the last ones.

    Args:
        blocks: of the whole model.
        first: blocks at the beginning that stay.
        last: blocks at the end that stay.
        layers: weight layers that the model shall have.
        like: one example's inputs.

    What comes before the stretch puts out what the blocks behind it take in. None where there is no such stretch.
    """
    shapes = [like.shape]
    for block in blocks:
        like = after([block], like)
        shapes.append(like.shape)
    ends = [0, *depths(blocks)]
    for end in range(len(blocks) - last, first - 1, -1):
        for begin in range(end - 1, first - 1, -1):
            if shapes[begin] == shapes[end] and ends[-1] - (ends[end] - ends[begin]) == layers:
                return [*blocks[:begin], *blocks[end:]]
    return None
