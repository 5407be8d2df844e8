"""Wide and shallow nets made of thin and deep ones. Shapes: B examples."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from torch import Tensor, nn

from optbench.api import Block, Refused
from optbench_meta.nets import after, built, depths, hidden_groups, one_example, without_middle

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
        self._is_first = self._is_first and not _weighted(built(block, self._like))

        def build() -> nn.Module:
            module, factor = block.build(), dict(wide)
            paths = _weighted(module)
            for path in paths:
                if is_last and path == paths[-1]:
                    factor["outputs"] = 1
                layer = self._wider(module.get_submodule(path), factor)
                module = layer if not path else _with(module, path, layer)
                factor["inputs"] = self._width
            return module

        return build

    def _wider(self, layer: nn.Module, factor: Mapping[str, int]) -> nn.Module:
        kind: Any = type(layer)
        if isinstance(layer, nn.Linear):
            sizes = (layer.in_features * factor["inputs"], layer.out_features * factor["outputs"])
            return self._made(kind, sizes, layer, bias=layer.bias is not None)
        if isinstance(layer, nn.Conv1d | nn.Conv2d) and layer.groups == 1:
            sizes = (layer.in_channels * factor["inputs"], layer.out_channels * factor["outputs"])
            kept = ("kernel_size", "stride", "padding", "dilation", "padding_mode")
            return self._made(
                kind, sizes, layer, bias=layer.bias is not None, **{key: getattr(layer, key) for key in kept}
            )
        message = f"{self._name} makes teachers of dense layers and convolutions, not of {kind.__name__}"
        raise Refused(message)

    def _made(self, kind: Any, sizes: tuple[int, int], layer: nn.Module, **options: Any) -> nn.Module:
        made: nn.Module = kind(*sizes, **options)
        return made.to(next(layer.parameters()).dtype)


def _weighted(module: nn.Module) -> list[str]:
    """Return the paths of the modules that have parameters of their own."""
    return [path for path, part in module.named_modules() if next(part.parameters(recurse=False), None) is not None]


def _with(module: nn.Module, path: str, layer: nn.Module) -> nn.Module:
    parent, _, name = path.rpartition(".")
    setattr(module.get_submodule(parent), name, layer)
    return module


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
