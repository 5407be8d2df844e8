"""The weight layers of a model: found block by block, and changed where they stand: their tensors keep their names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from torch import nn

from optbench.api import Block, Refused
from optbench_meta.models import WEIGHT_LAYERS, Call, calls, holds_weights, modules_within, rebuilt

Attach = Callable[[Any, Call], None]  # (layer, as it is called) -> None: changes a layer that was just built


def with_layers(problem: Any, layers: Sequence[Call], attach: Attach) -> Any:
    """Return the problem with each of these layers changed as it is built."""
    blocks = {call.block for call in layers}
    return problem.with_blocks(
        [_attached(block, layers, attach) if block.name in blocks else block for block in problem.blocks]
    )


def _attached(block: Block, layers: Sequence[Call], attach: Attach) -> Block:
    of_block = {call.path: call for call in layers if call.block == block.name}

    def change(module: nn.Module) -> nn.Module:
        found = [(path, layer) for path, layer in modules_within(module) if isinstance(layer, WEIGHT_LAYERS)]
        for path, layer in found:
            if path in of_block:
                attach(layer, of_block[path])
        return module

    return rebuilt(block, change)


def hidden_layers(problem: Any, chosen: Sequence[str], name: str) -> list[Call]:
    """Return the weight layers of the hidden blocks, or of the chosen ones, as examples pass through them.

    Raises Refused, in the meta-algorithm's name, where there is none, or where a block holds weights in something else.
    """
    blocks = _named(problem.blocks, chosen, name) if chosen else [b.name for b in problem.blocks if b.role == "hidden"]
    layers = [call for call in calls(problem) if call.block in blocks and isinstance(call.module, WEIGHT_LAYERS)]
    for block in blocks:
        _require_known(problem.model.get_submodule(block), block, [call.module for call in layers], name)
    if not layers:
        message = f"{name} wants a hidden layer; the model's blocks are {', '.join(b.name for b in problem.blocks)}"
        raise Refused(message)
    return layers


def _named(blocks: Sequence[Block], chosen: Sequence[str], name: str) -> list[str]:
    names = [block.name for block in blocks]
    if unknown := [block for block in chosen if block not in names]:
        message = f"{name}: the model has no block {unknown[0]!r}; its blocks are {', '.join(names)}"
        raise Refused(message)
    return list(chosen)


def _require_known(whole: nn.Module, block: str, known: Sequence[nn.Module], name: str) -> None:
    odd = [module for _, module in modules_within(whole) if holds_weights(module) and module not in known]
    if odd:
        inside = type(whole).__name__
        message = f"{name}: block {block} ({inside}) holds weights outside of linear and convolutional layers"
        raise Refused(message)
