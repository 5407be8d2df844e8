"""The check of what a problem states of its panels. Shapes: n parameters; a panel has K rows of N entries."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from optbench.api import Panel
from optbench.testing.framework import DoesNotApply, Subject, require
from optbench.testing.problems_agreement import Pair, require_agreement
from optbench.testing.problems_rig import Rig, told

_INSIDE = 0.5  # of the bound: how long rows are at most where the panel is looked at
_MOVE = 0.1  # of the bound, or of 1 and a row's length where there is none: how far from its mirror image each row goes


def check_panels(subject: Subject) -> None:
    """Compare values and gradients with the parabolas that the panels promise, and look beyond the bounds."""
    rig = Rig.build(subject)
    panels = getattr(rig.problem, "panels", {})
    if not panels:
        raise DoesNotApply("it states no panels")
    layout = rig.start().layout
    require(set(panels) == set(layout), f"panels are of {sorted(panels)}; expected each tensor of {sorted(layout)}")
    generator = torch.Generator().manual_seed(7)
    for x in rig.points():
        for name, panel in panels.items():
            _shorten(_rows(layout, name, x), panel.bound)
        for name, panel in panels.items():
            for batch in rig.batches():
                require_agreement(_compared(rig, layout, name, panel, x, batch, generator))
            if math.isfinite(panel.bound):
                require_agreement([_beyond(rig, layout, name, panel, x)])


def _compared(
    rig: Rig, layout: Any, name: str, panel: Panel, x: Tensor, batch: Tensor | None, generator: torch.Generator
) -> Iterator[Pair]:
    """Yield what is asked at a point and on the other side of zero, and what follows from the panel."""
    rows, what, at = _rows(layout, name, x), f" of the panel {name}{told(batch)}", rig.at("gram")
    length = min(panel.bound, float(1 + torch.linalg.vector_norm(rows, dim=1).max()))
    change = torch.randn(rows.shape, generator=generator, dtype=x.dtype)
    change *= _MOVE * length / torch.linalg.vector_norm(change, dim=1, keepdim=True)
    change -= 2 * rows
    there = x.clone()
    moved = _rows(layout, name, there).add_(change)
    gram = rig.evaluate("gram", x, name, batch)
    expected = 2 * (len(rows),)
    require(tuple(gram.shape) == expected, f"gram{what} has shape {tuple(gram.shape)}; expected {expected}{at}")
    yield Pair(f"gram{what}", gram, gram.T, " by symmetry", at)
    slope, slope_there = (_slope(rig, layout, name, panel, point, batch) for point in (x, there))
    yield Pair(f"change of the gradient{what}", slope_there - slope, gram @ change, " by its gram", at)
    lengthening = panel.l1 * (moved.abs().sum() - rows.abs().sum())
    promised = (slope * change).sum() + 0.5 * (change * (gram @ change)).sum() + lengthening
    before, after = (rig.evaluate("value", point, batch) for point in (x, there))
    yield Pair(f"change of the value{what}", after - before, promised, " by its gram and l1", at)


def _beyond(rig: Rig, layout: Any, name: str, panel: Panel, x: Tensor) -> Pair:
    """Return the values with rows twice as long as the bound, and with those rows at the bound."""
    long, short = x.clone(), x.clone()
    for point, factor in ((long, 2.0), (short, 1.0)):
        rows = _rows(layout, name, point)
        rows *= factor * panel.bound / torch.linalg.vector_norm(rows, dim=1, keepdim=True)
    got, expected = (rig.evaluate("value", point) for point in (long, short))
    return Pair(f"value beyond the bound of {name}", got, expected, " with the rows shortened to it", rig.at("value"))


def _slope(rig: Rig, layout: Any, name: str, panel: Panel, x: Tensor, batch: Tensor | None) -> Tensor:
    gradient: Tensor = rig.evaluate("gradient", x, batch)[1]
    return _rows(layout, name, gradient) - panel.l1 * torch.sign(_rows(layout, name, x))


def _rows(layout: Any, name: str, x: Tensor) -> Tensor:
    offset, shape = layout[name]
    return x[offset : offset + math.prod(shape)].view(shape[0], -1)


def _shorten(rows: Tensor, bound: float) -> None:
    if math.isfinite(bound):
        rows *= (_INSIDE * bound / torch.linalg.vector_norm(rows, dim=1, keepdim=True)).clamp(max=1)
