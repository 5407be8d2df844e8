"""Sweeps over a problem's panels, each turn exact. Shapes: n parameters; a panel has K rows of N entries."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from optbench.numerics.position import Visit, locate, visited
from optbench.numerics.progress import Finished, Progress
from optbench.numerics.scalars import largest, read
from optbench_descent.coordinate.blocks import Blocks
from optbench_descent.coordinate.orders import Order, greedy
from optbench_descent.coordinate.rows import (
    Rows,
    as_rows,
    minimise_block,
    minimise_rows,
    on_host,
    shorten,
    violations,
)

if TYPE_CHECKING:
    from optbench.api import Oracle
    from optbench_descent.coordinate.solvers import Solver


@dataclass
class PanelState:
    """State of sweeps over panels. `point` and `slope` are updated in place."""

    # published
    point: Tensor  # (n,)
    finished: Finished | None

    # where the last sweep ended; None before the first
    here: Visit | None
    batch: int  # the minibatch of `here` and `gram`
    progress: Progress

    generator: torch.Generator  # of random orders
    slope: Tensor  # (n,), the gradient without absolute values, as it follows the point
    gram: Tensor | None  # (K, K), of the only panel; where there are several, each changes with the others


class PanelSweeps:
    """Takes one panel after the other, and of each panel the blocks of its rows."""

    def __init__(self, blocks: Blocks, order: Order, solver: Solver) -> None:
        """Compose the method."""
        self.blocks, self.order, self.solver = blocks, order, solver

    def init(self, oracle: Oracle, start: Tensor) -> PanelState:
        """Copy the start and allocate."""
        return PanelState(
            point=start.clone(),
            finished=None,
            here=None,
            batch=oracle.batch,
            progress=Progress(torch.finfo(start.dtype).eps),
            generator=oracle.streams("coordinate-order"),
            slope=torch.empty_like(start),
            gram=None,
        )

    def step(self, oracle: Oracle, state: PanelState) -> PanelState:
        """Sweep once over each panel; finish where no entry leads down but for rounding."""
        if state.here is None:
            for name, panel in oracle.panels.items():
                shorten(panel, as_rows(oracle, name, state.point))
        if state.batch != oracle.batch:
            state.gram = None
        here = locate(oracle, state)
        if state.progress.ends(here.value, *_steepest(oracle, here)):
            state.finished = state.progress.verdict
            return state
        for name in oracle.panels:
            _, gradient = oracle.value_and_gradient(state.point)
            self._sweep(oracle, self._rows(oracle, state, name, gradient), state.generator)
        state.here = visited(oracle, state.point)
        return state

    @staticmethod
    def _rows(oracle: Oracle, state: PanelState, name: str, gradient: Tensor) -> Rows:
        """Return a panel as it is at the state's point."""
        panel, values = oracle.panels[name], as_rows(oracle, name, state.point)
        slope = as_rows(oracle, name, state.slope)
        torch.add(as_rows(oracle, name, gradient), torch.sign(values), alpha=-panel.l1, out=slope)
        gram = oracle.gram(state.point, name) if state.gram is None else state.gram
        if len(oracle.panels) == 1:
            state.gram = gram
        return Rows(panel, values, slope, gram)

    def _sweep(self, oracle: Oracle, rows: Rows, generator: torch.Generator) -> None:
        """Give the panel's blocks their turns; where numbers decide how it goes on, in the host's memory."""
        blocks = self.blocks.of_rows(oracle, len(rows.values))
        by_rows = self.order is not greedy and all(block.stop - block.start == 1 for block in blocks)
        stays = by_rows and rows.values.shape[1] > 1
        with contextlib.nullcontext(rows) if stays else on_host(rows) as near:
            turns = self.order(len(blocks), lambda: _steepness(near, blocks), generator)
            if by_rows:
                minimise_rows(near, [blocks[index].start for index in turns])
                return
            for index in turns:
                minimise_block(near, blocks[index], passes=self.solver.passes, tolerance=self.solver.tolerance)


def _steepest(oracle: Oracle, here: Visit) -> tuple[float, float]:
    """Return the steepest way down in any entry, and the point's largest."""
    steepest = []
    for name, panel in oracle.panels.items():
        values, gradient = (as_rows(oracle, name, x) for x in (here.point, here.gradient))
        slope = torch.add(gradient, torch.sign(values), alpha=-panel.l1)
        steepest.append(largest(violations(panel, values, slope)))
    *slopes, extent = read(*steepest, largest(here.point))
    return max(slopes), extent


def _steepness(rows: Rows, blocks: list[slice]) -> Tensor:
    """Return the length of the steepest way down in each block."""
    squares = violations(rows.panel, rows.values, rows.slope).square().sum(1)
    return squares if len(blocks) == len(squares) else torch.stack([squares[block].sum() for block in blocks])
