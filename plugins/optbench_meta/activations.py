"""Another activation in every hidden block: the model as an aid to optimization (Goodfellow et al., 2016, 8.7.5)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import nn

from optbench.api import Block, Recipe, Refused, Streams
from optbench.api.modules import Maxout
from optbench_meta.models import WEIGHT_LAYERS, Call, calls, modules_within, put, rebuilt, with_models
from optbench_meta.normalisation import BatchNorm

NAME = "activation"
ELEMENTWISE: Mapping[str, Callable[[], nn.Module]] = {"relu": nn.ReLU, "sigmoid": nn.Sigmoid, "tanh": nn.Tanh}
_KNOWN = (nn.ReLU, nn.Sigmoid, nn.Tanh, nn.LeakyReLU, nn.ELU, nn.SELU, nn.GELU, nn.SiLU, nn.Softplus, Maxout)


@dataclass(frozen=True, kw_only=True)
class ActivationOfHiddenBlocks:
    """Replaces each activation of the hidden blocks."""

    kind: str
    pieces: int

    def __call__(self, recipe: Recipe, streams: Streams) -> Recipe:
        """Return the recipe with such models; raises Refused where there is no activation to replace."""
        return with_models(recipe, NAME, self._changed)

    def _changed(self, problem: Any) -> Any:
        hidden = {block.name for block in problem.blocks if block.role == "hidden"}
        seen = [call for call in calls(problem) if call.block in hidden]
        replacements = [self._replacement(call, seen) for call in seen if isinstance(call.module, _KNOWN)]
        if not replacements:
            message = f"{NAME} wants hidden blocks with an activation as a module of its own; the model has none"
            raise Refused(message)
        changes = {name: [made for made in replacements if made.block == name] for name in hidden}

        def changed(block: Block) -> Block:
            here = changes.get(block.name)
            return rebuilt(block, partial(_replaced, replacements=here)) if here else block

        return problem.with_blocks([changed(block) for block in problem.blocks])

    def _replacement(self, call: Call, seen: Sequence[Call]) -> Replacement:
        """Return what takes the place of an activation; maxout wants other channels of the layer before it."""
        old = call.module.pieces if isinstance(call.module, Maxout) else 1
        new = self.pieces if self.kind == "maxout" else 1
        build = partial(Maxout, new) if self.kind == "maxout" else ELEMENTWISE[self.kind]
        if old == new:
            return Replacement(call.block, call.path, build)
        layers = (made for made in seen if isinstance(made.module, WEIGHT_LAYERS))
        below = next((made for made in layers if made.outputs is call.inputs), None)
        if below is None or below.block != call.block:
            message = f"{NAME}: {call.name} does not follow a weight layer whose channels maxout could be made of"
            raise Refused(message)
        channels = below.outputs.shape[1] // old * new
        return Replacement(call.block, call.path, build, below.path, channels)


@dataclass(frozen=True)
class Replacement:
    """An activation in place of another one, and how many channels the layer before it shall have."""

    block: str
    path: str  # of the activation within the block
    build: Callable[[], nn.Module]
    layer: str | None = None  # path of the layer before it; None: it stays as it is
    channels: int = 0


def _replaced(module: nn.Module, replacements: Sequence[Replacement]) -> nn.Module:
    """Change what a block has just built."""
    for made in replacements:
        found = list(modules_within(module))
        (old,) = (part for path, part in found if path == made.path and isinstance(part, _KNOWN))
        for path, part in found:
            if path == made.layer and isinstance(part, WEIGHT_LAYERS):
                _widen(part, made.channels)
        if not made.path and old is module:
            return made.build()
        put(module, old, made.build())
    return module


def _widen(layer: Any, channels: int) -> None:
    """Give a layer another number of channels, and its normalisation, if it has one."""
    layer.weight = nn.Parameter(torch.empty(channels, *layer.weight.shape[1:]))
    nn.init.xavier_uniform_(layer.weight)
    if layer.bias is not None:
        layer.bias = nn.Parameter(torch.zeros(channels))
    if hasattr(layer, "out_features"):
        layer.out_features = channels
    else:
        layer.out_channels = channels
    normalisation = getattr(layer, "normalisation", None)
    if isinstance(normalisation, BatchNorm) and not normalisation.of_inputs:
        layer.normalisation = normalisation.of_channels(channels)
