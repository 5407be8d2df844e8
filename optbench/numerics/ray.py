"""A problem along a ray, and the points that a line search has visited there."""

from __future__ import annotations

import math

from torch import Tensor

from optbench.numerics.line import Line
from optbench.numerics.position import Asked, Visit
from optbench.numerics.scalars import largest, read
from optbench.numerics.vectors import AnyVectors, Vectors


class Ray:
    """Evaluates point + step·direction, all trials in one buffer; gradients of the latest and the best are kept."""

    def __init__(
        self, oracle: Asked, start: Visit, direction: Tensor, spare: Tensor, vectors: Vectors | None = None
    ) -> None:
        """Stand at `start`, looking along `direction`; `spare` is a buffer like the point."""
        self.oracle, self.start, self.direction = oracle, start, direction
        self._spare = spare
        self._vectors = vectors or AnyVectors(direction)
        self._latest: Visit | None = None
        self._best: Visit | None = None
        self._vast = 0.0  # displacement

    def __call__(self, step: float) -> tuple[float, float]:
        """Return the value and the slope at `step`; one synchronisation."""
        return (math.inf, math.inf) if step > self._vectors.longest else self._evaluate(step)

    def line(self, slope: float, vast: float = 0.0) -> Line:
        """Return what a line search sees, given the slope at the start and a displacement beyond any of use."""
        minimum = self._minimum if "line_minimum" in self.oracle.offers else None
        self._vast, start = vast, self.start
        return Line(self, start.value, slope, start.noise, minimum, self._is_vast)

    def take(self, step: float) -> Visit:
        """Return the visit at `step`, its point written again where it is not the latest; evaluated if not the best."""
        latest, best = self._latest, self._best
        if latest is not None and latest.step == step:
            return latest
        if best is not None and best.step == step:
            self._vectors.advance(self.start.point, self.direction, step, self._spare)
            self._latest = best
        else:
            self._evaluate(step if step <= self._vectors.longest else math.inf)
        assert self._latest is not None
        return self._latest

    def _evaluate(self, step: float) -> tuple[float, float]:
        self._keep_best()
        self._latest = None  # while another gradient is made, none is held but the best and that at the start
        self._vectors.advance(self.start.point, self.direction, step, self._spare)
        value, gradient = self.oracle.value_and_gradient(self._spare)
        height, slope = self._vectors.height_and_slope(value, gradient, self.direction)
        self._latest = Visit(self._spare, height, gradient, step)
        return height, slope

    def _keep_best(self) -> None:
        latest, best = self._latest, self._best
        if latest is not None and (best is None or latest.value < best.value or math.isnan(best.value)):
            self._best = latest

    def _is_vast(self, step: float) -> bool:
        """Measure a displacement by its largest entry; a synchronisation that only steps grown by orders need."""
        (entry,) = read(largest(self.direction))
        return step * entry > self._vast

    def _minimum(self) -> float:
        return float(self.oracle.line_minimum(self.start.point, self.direction))
