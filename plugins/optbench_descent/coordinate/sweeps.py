"""Sweeps over the coordinates of any differentiable function. Shapes: n = number of parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from optbench.numerics.position import Visit, locate, visited
from optbench.numerics.progress import Progress
from optbench.numerics.scalars import largest, read
from optbench_descent.coordinate.blocks import Blocks
from optbench_descent.coordinate.orders import Order
from optbench_descent.coordinate.rows import as_rows, exceeding, shorten
from optbench_descent.coordinate.solvers import Solver, SweepState

if TYPE_CHECKING:
    from optbench.api import Oracle


class Sweeps:
    """Lowers f block by block, as the solver does."""

    def __init__(self, blocks: Blocks, order: Order, solver: Solver) -> None:
        """Compose the method."""
        self.blocks, self.order, self.solver = blocks, order, solver

    def init(self, oracle: Oracle, start: Tensor) -> SweepState:
        """Copy the start and allocate."""
        return SweepState(
            point=start.clone(),
            finished=None,
            here=None,
            batch=oracle.batch,
            progress=Progress(torch.finfo(start.dtype).eps),
            blocks=self.blocks.of_point(oracle),
            generator=oracle.streams("coordinate-order"),
            length=1.0,
            direction=torch.zeros_like(start),
            spare=torch.empty_like(start),
        )

    def step(self, oracle: Oracle, state: SweepState) -> SweepState:
        """Give blocks their turns; finish where the gradient is rounding, or no turn finds a way down."""
        here = locate(oracle, state)
        size, extent = read(largest(here.gradient), largest(here.point))
        if state.progress.ends(here.value, size, extent):
            state.finished = state.progress.verdict
            return state
        self._take_turns(oracle, state)
        if state.finished:
            return state
        if state.here is here:
            state.finished = state.progress.verdict
        _return_to_bounds(oracle, state)
        return state

    def _take_turns(self, oracle: Oracle, state: SweepState) -> None:
        """Let the solver lower f over block after block; blocks whose gradient is known to vanish are passed over."""
        flat: list[bool] = []  # whether it does, in each block; empty while none is known to
        for index in self.order(len(state.blocks), lambda: _steepness(state), state.generator):
            if flat and flat[index]:
                continue
            here = _visit(state)
            is_steep = self.solver.update(oracle, state, here, state.blocks[index])
            if state.finished:
                return
            if state.here is not here:
                flat = []
            elif not is_steep:  # nothing was asked: one look at all blocks, so that waits don't outnumber questions
                flat = (_steepness(state) == 0).tolist()
            if flat and all(flat):
                return


def _steepness(state: SweepState) -> Tensor:
    """Return the length of the gradient in each block."""
    gradient = _visit(state).gradient
    if len(state.blocks) == gradient.numel():
        return gradient.abs()
    return torch.stack([torch.linalg.vector_norm(gradient[block]) for block in state.blocks])


def _visit(state: SweepState) -> Visit:
    assert state.here is not None
    return state.here


def _return_to_bounds(oracle: Oracle, state: SweepState) -> None:
    """Shorten rows that are too long: f, which takes them as shortened, stays as it is."""
    panels = exceeding([(panel, as_rows(oracle, name, state.point)) for name, panel in oracle.panels.items()])
    for panel, rows in panels:
        shorten(panel, rows)
    if panels:
        state.here = visited(oracle, state.point)
