"""A problem along a ray, and the points that a line search has visited there."""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import Tensor

from optbench.numerics.line import Line
from optbench.numerics.position import Asked, Visit
from optbench.numerics.scalars import largest, read
from optbench.numerics.vectors import AnyVectors, Vectors


class Ray:
    """Evaluates point + step·direction in two spare buffers: one holds the latest trial, one the best before it."""

    def __init__(
        self, oracle: Asked, start: Visit, direction: Tensor, spare: Sequence[Tensor], vectors: Vectors | None = None
    ) -> None:
        """Stand at `start`, looking along `direction`; `spare` are two buffers like the point."""
        self.oracle, self.start, self.direction = oracle, start, direction
        self._free, self._other = spare
        self._vectors = vectors or AnyVectors(direction)
        self._latest: Visit | None = None
        self._best: Visit | None = None
        self._vast = 0.0  # displacement

    def __call__(self, step: float) -> tuple[float, float]:
        """Return the value and the slope at `step`; one synchronisation."""
        if step > self._vectors.longest:
            return math.inf, math.inf
        if self._latest is not None:
            self._keep_best()
        target = self._free if self._best is None or self._best.point is not self._free else self._other
        self._vectors.advance(self.start.point, self.direction, step, target)
        value, gradient = self.oracle.value_and_gradient(target)
        height, slope = self._vectors.height_and_slope(value, gradient, self.direction)
        self._latest = Visit(target, height, gradient, step)
        return height, slope

    def line(self, slope: float, vast: float = 0.0) -> Line:
        """Return what a line search sees, given the slope at the start and a displacement beyond any of use."""
        minimum = self._minimum if "line_minimum" in self.oracle.offers else None
        self._vast, start = vast, self.start
        return Line(self, start.value, slope, start.noise, minimum, self._is_vast)

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

    def _is_vast(self, step: float) -> bool:
        """Measure a displacement by its largest entry; a synchronisation that only steps grown by orders need."""
        (entry,) = read(largest(self.direction))
        return step * entry > self._vast

    def _minimum(self) -> float:
        return float(self.oracle.line_minimum(self.start.point, self.direction))
