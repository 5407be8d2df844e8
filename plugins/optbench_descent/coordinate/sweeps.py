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
from optbench_descent.coordinate.rows import as_rows, exceeds, shorten
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
            spare=[torch.empty_like(start), torch.empty_like(start)],
        )

    def step(self, oracle: Oracle, state: SweepState) -> SweepState:
        """Give blocks their turns; finish where the gradient is rounding, or no turn finds a way down."""
        here = locate(oracle, state)
        if state.progress.ends(here.value, *read(largest(here.gradient))):
            state.finished = state.progress.verdict
            return state
        for index in self.order(len(state.blocks), lambda: _steepness(state), state.generator):
            self.solver.update(oracle, state, _visit(state), state.blocks[index])
            if state.finished:
                return state
        if state.here is here:
            state.finished = state.progress.verdict
        _return_to_bounds(oracle, state)
        return state


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
    version = state.point._version
    for name, panel in oracle.panels.items():
        rows = as_rows(oracle, name, state.point)
        if exceeds(panel, rows):
            shorten(panel, rows)
    if state.point._version != version:
        state.here = visited(oracle, state.point)
