"""The models of a recipe: what a meta-algorithm must know of them, and how it changes each of them.

Shapes: B examples, of which two are shown to a model to learn the shapes within it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from optbench.api import Block, Judged, Point, Recipe, Refused, Stage
from optbench.api.statistics import evaluating

WEIGHT_LAYERS = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)

Change = Callable[[nn.Module], nn.Module]  # of what a block builds


@dataclass(frozen=True, kw_only=True)
class HoldingBlock(Block):
    """A block that holds frozen copies of others: what changes models afterwards would not reach these."""


def with_models(recipe: Recipe, name: str, change: Callable[[Any], Any]) -> Recipe:
    """Return the recipe with `change` made of each stage's problem, and of what its points are measured by.

    Stages that share a problem go on sharing one. Raises Refused where a problem is no model of blocks; `name` is the
    meta-algorithm's.
    """
    change = _once_each(name, change)
    stages = (replace(stage, problem=change(stage.problem), judged=_judged(stage, change)) for stage in recipe.stages)
    return replace(recipe, stages=tuple(stages))


def _judged(stage: Stage, change: Callable[[Any], Any]) -> Judged | None:
    return stage.judged and replace(stage.judged, problem=change(stage.judged.problem))


def with_training_aids(
    recipe: Recipe, name: str, change: Callable[[Any], Any], drop: Callable[[Point], Point] = lambda point: point
) -> Recipe:
    """Return the recipe with `change` made of each stage's problem; its points are measured without, as they were.

    Args:
        recipe: to be changed.
        name: of the meta-algorithm.
        change: of what is trained.
        drop: what the change has added to a point.
    """
    change = _once_each(name, change)
    stages = (replace(stage, problem=change(stage.problem), judged=_without(stage, drop)) for stage in recipe.stages)
    return replace(recipe, stages=tuple(stages))


def _without(stage: Stage, drop: Callable[[Point], Point]) -> Judged:
    if stage.judged is None:
        return Judged(problem=stage.problem, point=drop)
    before = stage.judged.point
    return replace(stage.judged, point=lambda point: before(drop(point)))


def _once_each(name: str, change: Callable[[Any], Any]) -> Callable[[Any], Any]:
    changed: dict[int, Any] = {}

    def once(problem: Any) -> Any:
        if not hasattr(problem, "with_blocks"):
            message = f"{name} wants a model of blocks; {type(problem).__name__} has none"
            raise Refused(message)
        if any(isinstance(block, HoldingBlock) for block in problem.blocks):
            message = f"{name} would not reach copies of trained layers in this recipe: name it before what makes them"
            raise Refused(message)
        if id(problem) not in changed:
            changed[id(problem)] = change(problem)
        return changed[id(problem)]

    return once


def rebuilt(block: Block, change: Change) -> Block:
    """Return the block with what it builds changed."""
    return replace(block, build=lambda: change(block.build()))


@dataclass(frozen=True)
class Call:
    """What a module was given, and what it made of it, when two examples passed through the model."""

    block: str
    path: str  # within the block; empty: what the block builds
    module: nn.Module
    inputs: Tensor  # (2, …)
    outputs: Tensor  # (2, …)

    @property
    def name(self) -> str:
        """The module's name, as its tensors begin."""
        return f"{self.block}.{self.path}" if self.path else self.block


def calls(problem: Any) -> list[Call]:
    """Return the calls of the modules of a problem's model, in the order in which they end; one tensor in, one out."""
    seen: list[Call] = []

    def watch(block: str, path: str) -> Callable[..., None]:
        def note(module: nn.Module, given: tuple[Any, ...], outputs: Any) -> None:
            if len(given) == 1 and isinstance(outputs, Tensor):
                seen.append(Call(block, path, module, given[0], outputs))

        return note

    handles = [
        module.register_forward_hook(watch(block, path))
        for block, whole in problem.model.named_children()
        for path, module in modules_within(whole)
    ]
    try:
        with evaluating(problem.model), torch.no_grad():
            problem.model(problem.data["train"][0][:2])
    finally:
        for handle in handles:
            handle.remove()
    return seen


def modules_within(module: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Yield a module and all within it, with their paths; with what is around another, that other by the same path."""
    for path, found in module.named_modules():
        yield path, found
        while isinstance(found, Around):
            found = found.inner
            yield path, found


def put(module: nn.Module, old: nn.Module, new: nn.Module) -> None:
    """Put a module in place of another, wherever that stands within `module`."""
    for _, parent in modules_within(module):
        for name, child in parent.named_children():
            if child is old:
                setattr(parent, name, new)


class Around(nn.Module):
    """A module in place of another, whose tensors keep their names: drawn from the same streams, they start alike."""

    inner: nn.Module

    def __init__(self, inner: nn.Module) -> None:
        """Take over the tensors and children of `inner`, which is not registered as a child itself."""
        super().__init__()
        for tensors in ("_parameters", "_buffers"):
            setattr(self, tensors, getattr(inner, tensors))  # the same dictionaries: what is put in one is in both
        for name, child in inner.named_children():
            self.add_module(name, child)
        object.__setattr__(self, "inner", inner)

    def train(self, mode: bool = True) -> Around:
        """Pass the mode on."""
        super().train(mode)
        self.inner.train(mode)
        return self


def holds_weights(module: nn.Module) -> bool:
    """Tell whether a module has weights of its own: tensors of two dimensions or more."""
    return any(parameter.ndim >= 2 for parameter in module.parameters(recurse=False))
