"""The minimiser of a quadratic model within a ball, by Cholesky factors of H + damping·I.

Moré & Sorensen, SIAM J. Sci. Stat. Comput. 4 (1983); Conn, Gould & Toint, Trust-Region Methods (2000), algorithm 7.3.4.
Shapes: n = number of parameters.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from optbench.numerics.scalars import is_exact, read, rescaled_norm

_CLOSE = 0.1  # a step this close to the boundary, relative to the radius, lies on it
# Share of the best decrease that a step completed along flat curvature may miss: next to nothing, since that direction
# and its sign are not the gradient's choice, and a wrong one leads to another basin.
_HARD = 1e-3
_MAX_FACTORS = 30


@dataclass(frozen=True)
class ModelStep:
    """The model's minimiser in the ball (to the relative accuracy that a trust region needs)."""

    step: Tensor  # (n,)
    length: float
    decrease: float  # of the model, positive
    damping: float
    on_boundary: bool


class Region:
    """The model g·d + ½d·H·d; `factor` (n, n) is scratch that each factorisation overwrites."""

    def __init__(self, hessian: Tensor, gradient: Tensor, factor: Tensor) -> None:
        """Read the norms that bound the damping."""
        self.hessian, self.gradient, self.factor = hessian, gradient, factor
        slope, bend, self.lowest_diagonal = read(
            torch.linalg.vector_norm(gradient), torch.linalg.vector_norm(hessian), hessian.diagonal().min()
        )
        self.gradient_norm = slope if is_exact(slope, gradient) else rescaled_norm(gradient)
        self.hessian_norm = bend if is_exact(bend, hessian) else rescaled_norm(hessian)

    def damped(self, damping: float) -> ModelStep | None:
        """Return the step −(H + damping·I)⁻¹·g, of any length, or None where H + damping·I is not positive definite."""
        if not (self.lowest_diagonal + damping > 0 and self.factorise(damping)):
            return None
        step = self._solve()
        (length,) = read(torch.linalg.vector_norm(step))
        length = length if is_exact(length, step) else rescaled_norm(step)
        return self._model_step(step, length, damping, on_boundary=damping > 0) if math.isfinite(length) else None

    def within(self, radius: float) -> ModelStep:
        """Return the minimiser within `radius`: damping rises where the factorisation fails or the step is too long."""
        if not radius > 0:  # it has shrunk below the floats
            return self._scaled(0.0)
        low = max(0.0, -self.lowest_diagonal, self.gradient_norm / radius - self.hessian_norm)
        high = self.gradient_norm / radius + self.hessian_norm
        damping = low if low > 0 or self.lowest_diagonal > 0 else _between(low, high)
        for _ in range(_MAX_FACTORS):
            if not self.factorise(damping):
                low = damping
                damping = _between(low, high)
                continue
            step = self._solve()
            length, whitened = read(torch.linalg.vector_norm(step), torch.linalg.vector_norm(self._whiten(step)))
            if abs(length - radius) <= _CLOSE * radius or (length < radius and damping == 0):
                return self._model_step(step, length, damping, on_boundary=length >= (1 - _CLOSE) * radius)
            if length < radius:
                high = damping
                completed = self._complete(step, radius, damping)
                if completed is not None:
                    return completed
            else:
                low = damping
            damping += _newton_change(length, whitened, radius)
            if not low < damping < high:
                damping = _between(low, high)
        return self._scaled(radius)

    def factorise(self, damping: float) -> bool:
        """Factor H + damping·I into `factor`; tell whether it is positive definite."""
        self.factor.copy_(self.hessian)
        self.factor.diagonal().add_(damping)
        factor, info = torch.linalg.cholesky_ex(self.factor)
        self.factor.copy_(factor)
        return int(info) == 0

    def _solve(self) -> Tensor:
        return torch.cholesky_solve(self.gradient[:, None], self.factor)[:, 0].neg_()

    def _whiten(self, step: Tensor) -> Tensor:
        return torch.linalg.solve_triangular(self.factor, step[:, None], upper=False)[:, 0]

    def _complete(self, step: Tensor, radius: float, damping: float) -> ModelStep | None:
        """Add a vector of nearly lowest curvature up to the boundary, where that loses little (the hard case)."""
        flat = self._flattest()
        across, along, length, bend = read(
            torch.dot(step, flat),
            torch.dot(self.gradient, step),
            torch.linalg.vector_norm(step),
            torch.linalg.vector_norm(self.factor.T @ flat),
        )
        missing = math.sqrt(max(across**2 + radius**2 - length**2, 0.0))
        reach = missing - across if across <= 0 else -missing - across
        if (reach * bend) ** 2 > _HARD * (damping * radius**2 - along):
            return None
        return self._model_step(step + reach * flat, radius, damping, on_boundary=True)

    def _flattest(self) -> Tensor:
        """Return a unit vector of nearly the lowest eigenvalue, by inverse iteration from a fixed vector."""
        n = self.gradient.numel()
        vector = torch.arange(1, n + 1, dtype=self.gradient.dtype, device=self.gradient.device).cos_()
        for _ in range(3):
            vector = torch.cholesky_solve(vector[:, None], self.factor)[:, 0]
            vector.div_(torch.linalg.vector_norm(vector))
        return vector

    def _scaled(self, radius: float) -> ModelStep:
        """Return the step along the negative gradient that ends on the boundary, where no damping could be found."""
        step = self.gradient * (-radius / self.gradient_norm if self.gradient_norm > 0 else 0.0)
        return self._model_step(step, radius, math.inf, on_boundary=True)

    def _model_step(self, step: Tensor, length: float, damping: float, *, on_boundary: bool) -> ModelStep:
        linear, quadratic = read(torch.dot(self.gradient, step), torch.dot(step, self.hessian @ step))
        return ModelStep(step, length, -(linear + 0.5 * quadratic), damping, on_boundary)


def _newton_change(length: float, whitened: float, radius: float) -> float:
    """Return Newton's correction to the damping for 1/length = 1/radius; NaN where it is beyond floats."""
    if not (whitened > 0 and radius > 0):
        return math.nan
    ratio = length / whitened
    return ratio * ratio * ((length - radius) / radius)


def _between(low: float, high: float) -> float:
    """Return a damping inside the bounds, nearer the lower where they are far apart."""
    return max(math.sqrt(max(low * high, 0.0)), low + 0.01 * (high - low))
