"""Wide and shallow nets made of thin and deep ones. Shapes: B examples."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from torch import Tensor, nn

from optbench.api import Block, Refused
from optbench_meta.models import WEIGHT_LAYERS, Around, modules_within
from optbench_meta.nets import after, built, depths, hidden_groups, one_example, without_middle
from optbench_meta.normalisation import BatchNorm

PREFIX = "teacher-"  # of its blocks: its tensors are drawn from streams of their own


def teacher_of(problem: Any, *, layers: int, width: int, name: str) -> Any:
    """Return the problem with the net made `width` times as wide, with `layers` hidden weight layers at most.

    Raises Refused where that can't be done to its layers.
    """
    groups = hidden_groups(problem.blocks, name)
    top = problem.blocks[sum(map(len, groups)) :]
    blocks = _shallow(problem, len(groups[0]), len(top), layers)
    widen = _Widening(width, name, one_example(problem))
    hidden = [
        replace(block, name=PREFIX + block.name, build=widen.of(block)) for block in blocks[: len(blocks) - len(top)]
    ]
    output = [replace(block, name=PREFIX + block.name, build=widen.of(block, is_last=True)) for block in top]
    _require_fit([*hidden, *output], problem, name)
    return problem.with_blocks([*hidden, *output])


def _shallow(problem: Any, first: int, last: int, layers: int) -> list[Block]:
    """Return the blocks without so long a stretch in the middle that at most so many hidden weight layers are left."""
    ends, example = depths(problem.blocks), one_example(problem)
    on_top = ends[-1] - ends[len(problem.blocks) - last - 1]
    for count in range(min(layers + on_top, ends[-1]), 0, -1):
        if count == ends[-1]:
            return list(problem.blocks)
        blocks = without_middle(problem.blocks, first, last, count, example)
        if blocks is not None:
            return blocks
    return list(problem.blocks)


class _Widening:
    """Builds blocks with layers that are so many times as wide; the first layer of all keeps its inputs."""

    def __init__(self, width: int, name: str, like: Tensor) -> None:
        """Begin below the first layer; `like` is an example's inputs."""
        self._width, self._name, self._like = width, name, like
        self._is_first = True

    def of(self, block: Block, *, is_last: bool = False) -> Callable[[], nn.Module]:
        """Return what builds the block wider; to be called for the blocks in their order.

        The last weight layer of all keeps its outputs.
        """
        wide = {"inputs": 1 if self._is_first else self._width, "outputs": self._width}
        self._is_first = self._is_first and not _weight_layers(built(block, self._like))

        def build() -> nn.Module:
            module, factor = block.build(), dict(wide)
            layers = _weight_layers(module)
            self._require_known(module, layers)
            for layer in layers:
                if is_last and layer is layers[-1]:
                    factor["outputs"] = 1
                _widen(layer, **factor)
                factor["inputs"] = self._width
            return module

        return build

    def _require_known(self, module: nn.Module, layers: Sequence[nn.Module]) -> None:
        """Raise Refused where something else has parameters, or a layer has several groups of channels."""
        own = [part for _, part in modules_within(module) if next(part.parameters(recurse=False), None) is not None]
        odd = [part for part in own if not isinstance(part, (Around, BatchNorm, *WEIGHT_LAYERS))]
        odd += [layer for layer in layers if getattr(layer, "groups", 1) != 1]
        if odd:
            kind = type(odd[0]).__name__
            message = f"{self._name} makes teachers of dense layers and convolutions without groups, not of {kind}"
            raise Refused(message)


def _weight_layers(module: nn.Module) -> list[Any]:
    """Return the dense layers and convolutions within a module, each once."""
    found = {id(part): part for _, part in modules_within(module) if isinstance(part, WEIGHT_LAYERS)}
    return list(found.values())


def _widen(layer: Any, *, inputs: int, outputs: int) -> None:
    """Make a layer take and put out so many times as many channels, and its normalisation, if it has one, fit."""
    layer.weight = nn.Parameter(
        layer.weight.new_empty(layer.weight.shape[0] * outputs, layer.weight.shape[1] * inputs, *layer.weight.shape[2:])
    )
    if layer.bias is not None:
        layer.bias = nn.Parameter(layer.bias.new_empty(len(layer.bias) * outputs))
    what = "features" if isinstance(layer, nn.Linear) else "channels"
    for name, factor in ((f"in_{what}", inputs), (f"out_{what}", outputs)):
        setattr(layer, name, getattr(layer, name) * factor)
    layer.reset_parameters()
    normalisation = getattr(layer, "normalisation", None)
    if isinstance(normalisation, BatchNorm):
        layer.normalisation = normalisation.of_channels(layer.weight.shape[1 if normalisation.of_inputs else 0])


def _require_fit(blocks: list[Block], problem: Any, name: str) -> None:
    example: Tensor = one_example(problem)
    try:
        outputs = after(blocks, example)
    except RuntimeError as error:
        message = f"{name} can't make a wide teacher of these layers: {error}"
        raise Refused(message) from error
    expected = after(problem.blocks, example)
    if outputs.shape != expected.shape:
        message = f"{name}: a wide teacher of these layers puts out {tuple(outputs.shape)}, not {tuple(expected.shape)}"
        raise Refused(message)
