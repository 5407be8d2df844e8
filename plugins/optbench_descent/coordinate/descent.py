"""Coordinate descent, on panels where the problem states them and on any differentiable function."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor

from optbench.numerics.minibatches import PerMinibatch
from optbench.numerics.parts import build_part
from optbench_descent.coordinate.blocks import Blocks
from optbench_descent.coordinate.orders import ORDERS, Order
from optbench_descent.coordinate.panels import PanelState, PanelSweeps
from optbench_descent.coordinate.parts import BLOCKS, SOLVERS
from optbench_descent.coordinate.solvers import Solver, SweepState
from optbench_descent.coordinate.sweeps import Sweeps

if TYPE_CHECKING:
    from optbench.api import Oracle


def coordinate_descent(*, blocks: str, order: str, solver: str) -> PerMinibatch[SweepState | PanelState]:
    """Return the method that the options describe."""
    parts = build_part(blocks, BLOCKS, "blocks"), ORDERS[order], build_part(solver, SOLVERS, "solver")
    return PerMinibatch(CoordinateDescent(*parts))


class CoordinateDescent:
    """A step is a sweep: as many blocks have their turn as there are.

    On panels a turn is exact and asks for nothing: the gradient at the start of a sweep follows each change by the
    panel's curvature, which is asked for once or, where there are several panels, at each turn of one.
    Elsewhere each turn asks for values, gradients and Hessian-vector products, as its solver does.
    """

    def __init__(self, blocks: Blocks, order: Order, solver: Solver) -> None:
        """Compose the method."""
        self._on_panels = PanelSweeps(blocks, order, solver)
        self._anywhere = Sweeps(blocks, order, solver)
        self._solver = solver

    def init(self, oracle: Oracle, start: Tensor) -> SweepState | PanelState:
        """Copy the start and allocate; nothing is evaluated yet."""
        if oracle.panels and self._solver.uses_panels:
            return self._on_panels.init(oracle, start)
        return self._anywhere.init(oracle, start)

    def restart(self, state: SweepState | PanelState, oracle: Oracle, start: Tensor) -> SweepState | PanelState:
        """Go on from another point, in the same random order; the problem may be another one."""
        fresh = self.init(oracle, start)
        fresh.generator = state.generator
        return fresh

    def step(self, oracle: Oracle, state: SweepState | PanelState) -> SweepState | PanelState:
        """Sweep once over all blocks."""
        if isinstance(state, PanelState):
            return self._on_panels.step(oracle, state)
        return self._anywhere.step(oracle, state)
