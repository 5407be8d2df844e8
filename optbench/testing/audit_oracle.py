"""An oracle for audits: it answers as the engine's does, on the device, and its own waits are not counted."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from optbench.api import Evaluation, Layout, Panel, Point, StopTrial, Streams
from optbench.api.streams import SeededStreams
from optbench.measure.derivatives import Derivatives
from optbench.testing.audit import Audit
from optbench.testing.audit_shadows import DEVICE

DTYPE = torch.float64
_MOST_EVALUATIONS = 300


class SumOfSquares:
    """f(x) = ‖r(x)‖² on the device; all derivatives are left to autograd."""

    f_star: float | None = 0.0
    f_star_source = "exact"
    f_star_from_start: float | None = None

    def __init__(self, residuals: Callable[[Tensor], Tensor], start: list[float]) -> None:
        """Keep r: (n,) -> (m,) and the start."""
        self.size, self.residuals = len(start), residuals
        self._start = torch.tensor(start, dtype=DTYPE, device=DEVICE)

    def start(self, streams: Streams) -> Point:
        """Return the start."""
        return Point(parameters=self._start.clone())

    def value(self, x: Tensor) -> Tensor:
        """Return ‖r(x)‖²."""
        return self.residuals(x).square().sum()


class Bowl(SumOfSquares):
    """A quadratic, which knows its minimum along a line."""

    def __init__(self) -> None:
        """Put the minimum at (1, …, 1), with curvatures from 2 to 200."""
        scale = torch.logspace(0.0, 1.0, 8, dtype=DTYPE).to(DEVICE)
        self._scale = scale
        super().__init__(lambda x: scale * (x - 1), [-1.0, 2.0, -0.5, 3.0] * 2)

    def line_minimum(self, x: Tensor, direction: Tensor) -> Tensor:
        """Return the step to the minimum along `direction`."""
        along = self._scale * direction
        return -torch.dot(along, self.residuals(x)) / torch.dot(along, along)


def rosenbrock() -> SumOfSquares:
    """Return four banana valleys: steps there are refused, shortened and tried again."""
    return SumOfSquares(lambda x: torch.cat((10 * (x[1::2] - x[::2] ** 2), 1 - x[::2])), [-1.2, 1.0, 0.5, -2.0] * 2)


class AuditOracle:
    """An api.Oracle whose budget is three hundred evaluations, `asked` of them so far."""

    def __init__(
        self, problem: Any, audit: Audit, declared: frozenset[Evaluation], layout: Layout | None = None
    ) -> None:
        """Answer for `problem`, which lies on the device, and whose points have a `layout`."""
        self.size: int = problem.size
        self.device, self.dtype = DEVICE, DTYPE
        self.streams: Streams = SeededStreams(0)
        self.batch = 0
        self.layout: Layout = layout or {}
        self._derivatives = Derivatives(problem, takes_batch=False)
        self.offers = self._derivatives.offers() & declared
        self._panels: Mapping[str, Panel] = getattr(problem, "panels", {})
        self.panels_matter = False  # whether they have been looked at
        self.coordinate_blocks: Sequence[slice] = getattr(problem, "coordinate_blocks", ())
        self._audit = audit
        self.asked = 0

    @property
    def panels(self) -> Mapping[str, Panel]:
        """The problem's; who looks at them may go another way with them."""
        self.panels_matter = True
        return self._panels

    def value(self, x: Tensor) -> Tensor:
        """Return f(x), () or, of k points, (k,)."""
        return self._each(self._derivatives.value, x)

    def gradient(self, x: Tensor) -> Tensor:
        """Return the gradient, (n,) or, of k points, (k, n)."""
        return self._each(lambda point: self._derivatives.gradient(point)[1], x)

    def value_and_gradient(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return both."""
        with self._audited():
            values, gradients = zip(*map(self._derivatives.value_and_gradient, self._points(x)), strict=True)
            return self._joined(values, x), self._joined(gradients, x)

    def gradient_tensors(self, x: Tensor) -> tuple[Tensor, ...]:
        """Return the gradient as the layout's tensors."""
        with self._audited():
            return self._derivatives.gradient_tensors(self._here(x), self.layout)[1]

    def hessian_vector(self, x: Tensor, v: Tensor) -> Tensor:
        """Return the Hessian times v, (n,)."""
        return self._each(lambda point: self._derivatives.hessian_vector(point, self._here(v)), x)

    def gauss_newton_vector(self, x: Tensor, v: Tensor) -> Tensor:
        """Return the Gauss-Newton matrix times v, (n,)."""
        return self._each(lambda point: self._derivatives.gauss_newton_vector(point, self._here(v)), x)

    def hessian(self, x: Tensor) -> Tensor:
        """Return the Hessian, (n, n)."""
        return self._each(self._derivatives.hessian, x)

    def residuals(self, x: Tensor) -> Tensor:
        """Return the residuals, (m,)."""
        return self._each(self._derivatives.residuals, x)

    def jacobian(self, x: Tensor) -> Tensor:
        """Return the residuals' Jacobian, (m, n)."""
        return self._each(self._derivatives.jacobian, x)

    def gram(self, x: Tensor, name: str) -> Tensor:
        """Return the curvature of a panel, (K, K)."""
        return self._each(lambda point: self._derivatives.gram(point, name), x)

    def line_minimum(self, x: Tensor, direction: Tensor) -> Tensor:
        """Return the step () that minimises f along `direction`."""
        return self._each(lambda point: self._derivatives.line_minimum(point, self._here(direction)), x)

    def _each(self, evaluate: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
        with self._audited():
            return self._joined([evaluate(point) for point in self._points(x)], x)

    @contextlib.contextmanager
    def _audited(self) -> Iterator[None]:
        """Leave the waits of an evaluation uncounted; end the run where it takes too many evaluations."""
        if self.asked == _MOST_EVALUATIONS:
            raise StopTrial
        self.asked += 1
        with self._audit.uncounted():
            yield

    def _points(self, x: Any) -> Sequence[Tensor]:
        points = self._here(x)
        return list(points) if points.ndim > 1 else [points]

    @staticmethod
    def _joined(results: Sequence[Tensor], x: Tensor) -> Tensor:
        return torch.stack(list(results)) if x.ndim > 1 else results[0]

    @staticmethod
    def _here(x: Any) -> Tensor:
        """Return a tensor as it is, wherever it lies; what numpy callers bring is copied over."""
        return x if isinstance(x, Tensor) else torch.tensor(x, device=DEVICE, dtype=DTYPE)
