"""Coordinate descent as its tests build and run it."""

from __future__ import annotations

from typing import Any

from optbench_descent.coordinate.descent import coordinate_descent
from torch import Tensor


def method(blocks: str = "single", order: str = "cyclic", solver: str = "newton") -> Any:
    """Build the method, with what it does by default."""
    return coordinate_descent(blocks=blocks, order=order, solver=solver)


def run(optimizer: Any, oracle: Any, sweeps: int) -> tuple[list[Tensor], Any]:
    """Return a copy of the point after each sweep, and the last state."""
    state = optimizer.init(oracle, oracle.start())
    points = []
    while state.finished is None and len(points) < sweeps:
        state = optimizer.step(oracle, state)
        points.append(state.point.clone())
    return points, state
