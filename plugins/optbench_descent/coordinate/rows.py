"""Exact minimisation over rows of a panel: f = ½⟨B, GB⟩ + ⟨C, B⟩ + l1·Σ|B|, rows of B no longer than a bound.

Shapes: a panel has K rows of N entries. Entries of one row don't interact: f along a row is a bowl, as steep on all
sides, whose minimum moves towards zero by the absolute values and, along the ray to zero, into the bound.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn.functional import softshrink

from optbench.numerics.scalars import largest, read

if TYPE_CHECKING:
    from optbench.api import Oracle, Panel

_ROUNDINGS = 8.0  # how many units in the last place a row on the sphere may lie beside it
_TOGETHER = 32  # rows of one entry that are read and written back at a time


@dataclass
class Rows:
    """A panel at a point. `values` and `slope` are updated in place, row by row."""

    panel: Panel
    values: Tensor  # (K, N), B, a view of the point
    slope: Tensor  # (K, N), GB + C: the gradient without the absolute values
    gram: Tensor  # (K, K), G

    @cached_property
    def curvatures(self) -> list[float]:
        """The diagonal of G; one synchronisation."""
        diagonal: list[float] = self.gram.diagonal().tolist()
        return diagonal

    @property
    def is_plain(self) -> bool:
        """Tell whether f is quadratic and no more."""
        return not self.panel.l1 and math.isinf(self.panel.bound)


@contextlib.contextmanager
def on_host(rows: Rows) -> Iterator[Rows]:
    """Lend a panel in the host's memory, for turns that depend on numbers: it is fetched at once and brought back.

    Afterwards the panel's slope is out of date, unless it lies in the host's memory anyway.
    """
    if rows.values.device.type == "cpu":
        yield rows
        return
    parts = rows.values, rows.slope, rows.gram
    fetched = torch.cat([part.flatten() for part in parts]).cpu().split([part.numel() for part in parts])
    values, slope, gram = (flat.view(part.shape) for flat, part in zip(fetched, parts, strict=True))
    yield Rows(rows.panel, values, slope, gram)
    rows.values.copy_(values, non_blocking=True)


def as_rows(oracle: Oracle, name: str, x: Tensor) -> Tensor:
    """Return the view (K, N) of a panel's tensor in x (n,)."""
    offset, shape = oracle.layout[name]
    return x[offset : offset + math.prod(shape)].view(shape[0], -1)


def violations(panel: Panel, values: Tensor, slope: Tensor) -> Tensor:
    """Return the steepest way down in each entry, (K, N): zero at the minimum.

    The least subgradient where entries are zero; without what points out of the ball where a row lies on its sphere.
    """
    if panel.l1:
        slope = torch.where(values == 0, softshrink(slope, panel.l1), slope + panel.l1 * torch.sign(values))
    if math.isinf(panel.bound):
        return slope
    lengths = torch.linalg.vector_norm(values, dim=1, keepdim=True)
    at_bound = lengths >= panel.bound * (1 - _ROUNDINGS * torch.finfo(values.dtype).eps)
    outward = values / lengths.clamp(min=torch.finfo(values.dtype).tiny)
    pressing = (slope * outward).sum(1, keepdim=True).clamp(max=0)
    return slope - torch.where(at_bound, pressing, 0) * outward


def exceeding(panels: Sequence[tuple[Panel, Tensor]]) -> list[tuple[Panel, Tensor]]:
    """Return the panels, each with its values (K, N), that have a row longer than the bound, by more than rounding."""
    bounded = [(panel, values) for panel, values in panels if math.isfinite(panel.bound)]
    longest = read(*(torch.linalg.vector_norm(values, dim=1).max() for _, values in bounded)) if bounded else []
    return [
        (panel, values)
        for (panel, values), length in zip(bounded, longest, strict=True)
        if length > panel.bound * (1 + _ROUNDINGS * torch.finfo(values.dtype).eps)
    ]


def shorten(panel: Panel, values: Tensor) -> None:
    """Shorten rows (…, N) to the bound, in place: just below it, so that rounding leaves none above."""
    if math.isfinite(panel.bound):
        lengths = torch.linalg.vector_norm(values, dim=-1, keepdim=True)
        bound = panel.bound * (1 - 0.5 * _ROUNDINGS * torch.finfo(values.dtype).eps)
        values.mul_((bound / lengths).clamp_(max=1))


def minimise_row(rows: Rows, index: int) -> None:
    """Put a row at the minimum along it, the other rows fixed; the slope follows."""
    panel, row, curvature = rows.panel, rows.values[index], rows.curvatures[index]
    if not curvature > 0:  # G is positive semidefinite: f is constant along the row but for the absolute values
        best = torch.zeros_like(row) if panel.l1 else row.clone()
    else:
        best = torch.sub(row, rows.slope[index], alpha=1 / curvature)
        if panel.l1:
            best = softshrink(best, panel.l1 / curvature)
    shorten(panel, best)
    change = best - row
    row.copy_(best)
    rows.slope.addr_(rows.gram[index], change)


def minimise_rows(rows: Rows, order: Sequence[int]) -> None:
    """Put one row after the other at its minimum."""
    if rows.values.shape[1] == 1:
        for first in range(0, len(order), _TOGETHER):
            _minimise_scalars(rows, order[first : first + _TOGETHER])
    else:
        for index in order:
            minimise_row(rows, index)


def _minimise_scalars(rows: Rows, order: Sequence[int]) -> None:
    """Do the same for rows of one entry in plain numbers: one read, one product and one write for some of them."""
    index = torch.tensor(order, device=rows.values.device)
    columns = rows.gram[index]  # (k, K)
    values, slope, *gram = torch.cat((rows.values[index].T, rows.slope[index].T, columns[:, index])).tolist()
    changes = coordinate_changes(values, slope, gram, l1=rows.panel.l1, bound=rows.panel.bound)
    change = torch.tensor(changes, device=rows.values.device, dtype=rows.values.dtype)
    rows.values[:, 0].index_add_(0, index, change)
    rows.slope[:, 0].addmv_(columns.T, change)


def coordinate_changes(
    values: list[float], slope: list[float], gram: list[list[float]], *, l1: float, bound: float
) -> list[float]:
    """Return by how much each coordinate changes, one after the other; `slope` is updated in place."""
    changes = [0.0] * len(values)
    for index, (value, row) in enumerate(zip(values, gram, strict=True)):
        curvature = row[index]
        if curvature > 0:
            free = value - slope[index] / curvature
            best = math.copysign(max(abs(free) - l1 / curvature, 0.0), free) if l1 else free
        else:
            best = 0.0 if l1 else value
        best = min(max(best, -bound), bound)
        change = changes[index] = best - value
        if change:
            for later in range(index + 1, len(values)):
                slope[later] += change * row[later]
    return changes


def minimise_plain_block(rows: Rows, block: slice) -> bool:
    """Put all rows of a block at once at the minimum of a plain quadratic; False where its curvature is singular."""
    factor, failed = torch.linalg.cholesky_ex(rows.gram[block, block])
    if int(failed):
        return False
    change = torch.cholesky_solve(rows.slope[block], factor).neg_()
    rows.values[block] += change
    rows.slope.addmm_(rows.gram[:, block], change)
    return True


def minimise_block(rows: Rows, block: slice, *, passes: int, tolerance: float) -> None:
    """Put the rows of a block at their common minimum: at once, or by passes until the slope falls to `tolerance`."""
    order = range(block.start, block.stop)
    if len(order) == 1:
        minimise_row(rows, block.start)
    elif not (rows.is_plain and minimise_plain_block(rows, block)):
        first = _steepest(rows, block) if passes > 1 else 0.0
        for _ in range(passes):
            minimise_rows(rows, order)
            if passes > 1 and not _steepest(rows, block) > tolerance * first:
                return


def _steepest(rows: Rows, block: slice) -> float:
    (steepest,) = read(largest(violations(rows.panel, rows.values[block], rows.slope[block])))
    return steepest
