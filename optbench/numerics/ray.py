"""A problem along a ray, and the points that a line search has visited there."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from optbench.numerics.line import Line
from optbench.numerics.position import Asked, Visit
from optbench.numerics.scalars import limits, read


class Ray:
    """Evaluates point + step·direction in two spare buffers: one holds the latest trial, one the best before it."""

    def __init__(self, oracle: Asked, start: Visit, direction: Tensor, spare: tuple[Tensor, Tensor]) -> None:
        """Stand at `start`, looking along `direction`; `spare` are buffers like the point."""
        self.oracle, self.start, self.direction = oracle, start, direction
        self._free, self._other = spare
        self._latest: Visit | None = None
        self._best: Visit | None = None

    def __call__(self, step: float) -> tuple[float, float]:
        """Return the value and the slope at `step`; one synchronisation."""
        if step > limits(self.direction.dtype).max:
            return math.inf, math.inf
        self._keep_best()
        target = self._free if self._best is None or self._best.point is not self._free else self._other
        torch.add(self.start.point, self.direction, alpha=step, out=target)
        value, gradient = self.oracle.value_and_gradient(target)
        height, slope = read(value, torch.dot(gradient, self.direction))
        self._latest = Visit(target, height, gradient, step)
        return height, slope

    def line(self, slope: float) -> Line:
        """Return what a line search sees, given the slope at the start."""
        minimum = self._minimum if "line_minimum" in self.oracle.offers else None
        return Line(phi=self, value=self.start.value, slope=slope, noise=self.start.noise, minimum=minimum)

    def take(self, step: float) -> Visit:
        """Return the visit at `step`; only one that is neither the latest nor the best is evaluated again."""
        for visit in (self._latest, self._best):
            if visit is not None and visit.step == step:
                return visit
        self(step)
        assert self._latest is not None
        return self._latest

    def _keep_best(self) -> None:
        latest, best = self._latest, self._best
        if latest is not None and (best is None or latest.value < best.value):
            self._best = latest

    def _minimum(self) -> float:
        return float(self.oracle.line_minimum(self.start.point, self.direction))
