"""Tensors that go from stage to stage by their names, running statistics among them. Shapes: n parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from torch import Tensor

from optbench.api import Layout, Point
from optbench.api.problems import layout_views

Chosen = Callable[[str], bool]  # tells of a tensor's name, "block.parameter", whether it is taken


def named_tensors(point: Point, problem: Any) -> dict[str, Tensor]:
    """Return the point's tensors by name, as views; running statistics as `problem` lays them out."""
    named = named_views(point.parameters, point.layout)
    if point.statistics is not None:
        named |= named_views(point.statistics, getattr(problem, "statistics_layout", {}))
    return named


def named_views(flat: Tensor, layout: Layout) -> dict[str, Tensor]:
    """Return the tensors of a flat vector (n,) by name, as views; none where nothing is laid out."""
    return dict(zip(layout, layout_views(flat, layout), strict=True)) if layout else {}


def with_tensors(point: Point, problem: Any, tensors: Mapping[str, Tensor]) -> Point:
    """Return a copy of the point with those of `tensors` that share name and shape with one of its own."""
    statistics = None if point.statistics is None else point.statistics.clone()
    changed = replace(point, parameters=point.parameters.clone(), statistics=statistics)
    for name, view in named_tensors(changed, problem).items():
        if name in tensors and tensors[name].shape == view.shape:
            view.copy_(tensors[name])
    return changed


@dataclass
class Kept:
    """What finished stages have trained, by name; belongs to one run of one recipe."""

    tensors: dict[str, Tensor] = field(default_factory=dict)

    def collect(self, point: Point, problem: Any, chosen: Chosen = lambda _: True) -> None:
        """Copy the point's tensors."""
        self.tensors |= {name: tensor.clone() for name, tensor in named_tensors(point, problem).items() if chosen(name)}

    def hand_out(self, point: Point, problem: Any) -> Point:
        """Return the point with what was kept; each tensor is handed out once, to the first model that has it."""
        changed = with_tensors(point, problem, self.tensors)
        for name in named_tensors(point, problem):
            self.tensors.pop(name, None)
        return changed


def block_of(name: str) -> str:
    """Return the block that a tensor belongs to."""
    return name.partition(".")[0]
