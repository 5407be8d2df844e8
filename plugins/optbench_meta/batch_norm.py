"""Batch normalisation of any model of blocks, as a reparametrisation (Ioffe and Szegedy, 2015), or as it was before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from torch import Tensor, nn

from optbench.api import Block, MetaAlgorithm, Recipe, Refused, Streams
from optbench_meta.historic_normalisation import PenalisedStatistics, Renormalised, require_own_statistics
from optbench_meta.layers import hidden_layers, with_layers
from optbench_meta.models import WEIGHT_LAYERS, Call, calls, with_models
from optbench_meta.normalisation import BatchNorm, Settings

NAME = "batch-norm"


def batch_norm(
    *,
    variant: Literal["normalise", "penalty", "renormalise"],
    placement: Literal["XW", "X", "input"],
    layers: Sequence[str],
    momentum: float,
    eps: float,
    affine: bool,
    per_location: bool,
    penalty: float,
) -> MetaAlgorithm:
    """Return the meta-algorithm; `layers` are names of blocks, none for all that are hidden."""
    if variant == "penalty":
        return PenalisedStatistics(NAME, layers, penalty)
    if variant == "renormalise":
        return Renormalised(NAME, layers, eps)
    settings = Settings(momentum=momentum, eps=eps, affine=affine, per_location=per_location)
    return NormalisedInputs(settings) if placement == "input" else NormalisedLayers(settings, layers, placement)


@dataclass(frozen=True)
class NormalisedLayers:
    """Normalises what a layer makes of its inputs before its bias, which gives way to β; or the layer's inputs."""

    settings: Settings
    layers: Sequence[str]
    placement: Literal["XW", "X"]

    def __call__(self, recipe: Recipe, streams: Streams) -> Recipe:
        """Return the recipe with each model normalised; raises Refused where a layer can't be."""
        return with_models(recipe, NAME, self._normalised)

    def _normalised(self, problem: Any) -> Any:
        layers = hidden_layers(problem, self.layers, NAME)
        for call in layers:
            _require_channels(call)
            if self.placement == "XW":
                require_own_statistics(call, NAME)
        return with_layers(problem, layers, self._attach)

    def _attach(self, layer: Any, call: Call) -> None:
        after = self.placement == "XW"
        shape = tuple((call.outputs if after else call.inputs).shape[1:])
        layer.normalisation = BatchNorm(shape, self.settings, of_inputs=not after)
        if after:
            layer.bias = None
            layer.register_forward_hook(_normalise_outputs)
        else:
            layer.register_forward_pre_hook(_normalise_inputs)


def _normalise_outputs(layer: Any, _: tuple[Any, ...], outputs: Tensor) -> Tensor:
    normalised: Tensor = layer.normalisation(outputs)
    return normalised


def _normalise_inputs(layer: Any, inputs: tuple[Tensor]) -> Tensor:
    normalised: Tensor = layer.normalisation(*inputs)
    return normalised


def _require_channels(call: Call) -> None:
    """Raise Refused where the second dimension is not that of channels, or the layer is normalised already."""
    if isinstance(call.module, nn.Linear) and call.inputs.ndim != 2:
        message = f"{NAME}: {call.name} is applied at each step of a sequence, whose steps have no statistics in common"
        raise Refused(message)
    if hasattr(call.module, "normalisation"):
        message = f"{NAME}: {call.name} is normalised already"
        raise Refused(message)


@dataclass(frozen=True)
class NormalisedInputs:
    """Puts a normalisation of the network's inputs before its first block."""

    settings: Settings

    def __call__(self, recipe: Recipe, streams: Streams) -> Recipe:
        """Return the recipe with each model's inputs normalised; raises Refused where they can't be."""
        return with_models(recipe, NAME, self._normalised)

    def _normalised(self, problem: Any) -> Any:
        example = problem.data["train"][0][:2]
        first = next((call.module for call in calls(problem) if isinstance(call.module, WEIGHT_LAYERS)), None)
        of_channels = first is not None and (example.ndim == 2 or not isinstance(first, nn.Linear))
        if not (example.is_floating_point() and of_channels):
            message = f"{NAME}: placement='input' wants inputs that are numbers, of units or of a picture's channels"
            raise Refused(message)
        if any(block.name == _INPUT for block in problem.blocks):
            message = f"{NAME}: the inputs are normalised already"
            raise Refused(message)
        shape = tuple(example.shape[1:])
        block = Block(name=_INPUT, role="input", build=lambda: BatchNorm(shape, self.settings))
        return problem.with_blocks((block, *problem.blocks))


_INPUT = "normalisation"
