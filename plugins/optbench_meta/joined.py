"""Models whose hidden layers see the raw input beside what the layer below puts out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from optbench.api import Block, Recipe, Refused
from optbench_meta.before import learning_problem, training_begins
from optbench_meta.nets import built, hidden_groups, one_example
from optbench_meta.normalisation import BatchNorm


class Seen:
    """What a model was given in the forward pass that is under way."""

    inputs: Tensor


class Look(nn.Module):
    """Passes its inputs on, and remembers them."""

    def __init__(self, seen: Seen) -> None:
        """Know where to."""
        super().__init__()
        self._seen = seen

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the inputs."""
        self._seen.inputs = inputs
        return inputs


class Join(nn.Module):
    """Puts what was remembered beside its inputs: (B, …) to (B, width + raw width)."""

    def __init__(self, seen: Seen) -> None:
        """Know where from."""
        super().__init__()
        self._seen = seen

    def forward(self, inputs: Tensor) -> Tensor:
        """Return both, flattened."""
        return torch.cat((inputs.flatten(1), self._seen.inputs.flatten(1)), 1)


def with_raw_inputs(recipe: Recipe, name: str) -> Recipe:
    """Return the recipe with each hidden layer but the first on top of the layer below and the raw input.

    The model's other stages keep theirs. Raises Refused where a layer that would see both is not dense.
    """
    problem, index = learning_problem(recipe, name), training_begins(recipe)
    training = recipe.stages[index:]
    if any(stage.problem is not problem for stage in training):
        message = f"{name}(concat_input=true) wants stages that train one model: name it before what adds others"
        raise Refused(message)
    widened = problem.with_blocks(joined_blocks(problem, name))
    changed = (replace(stage, problem=widened) for stage in training)
    return replace(recipe, stages=(*recipe.stages[:index], *changed))


def joined_blocks(problem: Any, name: str) -> list[Block]:
    """Return the model's blocks with looks and joins between them; layers keep their tensors' names."""
    example, seen = one_example(problem), Seen()
    groups = hidden_groups(problem.blocks, name)
    top = problem.blocks[sum(map(len, groups)) :]
    first, *added = groups
    blocks = [Block(name="raw", role="input", build=lambda: Look(seen)), *first]
    for number, group in enumerate(added, start=2):
        layer, *rest = group
        join = Block(name=f"join{number}", role="input", build=lambda: Join(seen))
        blocks += [join, _widened(layer, example, name), *rest]
    _require_sound([*blocks, *top], example, name)
    return [*blocks, *top]


def _widened(block: Block, example: Tensor, name: str) -> Block:
    """Return the block with a first layer that takes so many inputs more as one example has numbers."""
    extra = example.numel()

    def build() -> nn.Module:
        module = block.build()
        layer = next((part for part in module.modules() if list(part.parameters(recurse=False))), module)
        if not isinstance(layer, nn.Linear):
            message = f"{name}(concat_input=true) wants dense layers; block {block.name} begins with none"
            raise Refused(message)
        layer.in_features += extra
        layer.weight = nn.Parameter(torch.zeros(layer.out_features, layer.in_features))  # filled where training starts
        normalisation = getattr(layer, "normalisation", None)
        if isinstance(normalisation, BatchNorm) and normalisation.of_inputs:
            layer.normalisation = normalisation.of_channels(layer.in_features)
        return module

    build()  # tells at once what it can't do
    return replace(block, build=build)


def _require_sound(blocks: Sequence[Block], example: Tensor, name: str) -> None:
    modules = [built(block, example) for block in blocks]
    try:
        with torch.no_grad():
            nn.Sequential(*modules)(example)
    except RuntimeError as error:
        message = f"{name}(concat_input=true) can't join the raw input to these layers: {error}"
        raise Refused(message) from error
