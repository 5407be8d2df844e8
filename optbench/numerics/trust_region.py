"""The minimiser of a quadratic model within a ball, by Cholesky factors of H + damping·I.

Moré & Sorensen, SIAM J. Sci. Stat. Comput. 4 (1983); Conn, Gould & Toint, Trust-Region Methods (2000), algorithm 7.3.4.
Shapes: n = number of parameters.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from optbench.numerics.scalars import norm, read

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


@dataclass(frozen=True)
class _Solved:
    """The solution of a damped system, with what is asked of it: a factorisation waits for the device once."""

    step: Tensor  # (n,), s
    length: float
    whitened: float  # ‖L⁻¹s‖ for the factor L
    linear: float  # g·s
    quadratic: float  # s·H·s
    flat: _Flat | None

    @property
    def decrease(self) -> float:
        """Return by how much the model falls."""
        return -(self.linear + 0.5 * self.quadratic)


class _Flat(NamedTuple):
    """A unit vector v of nearly the lowest curvature, and its products."""

    vector: Tensor  # (n,)
    bend: float  # ‖Lᵀv‖
    on_step: float  # v·s
    linear: float  # g·v
    across: float  # s·H·v
    quadratic: float  # v·H·v


class Region:
    """The model g·d + ½d·H·d; `factor` (n, n) is scratch that each factorisation overwrites."""

    def __init__(self, hessian: Tensor, gradient: Tensor, factor: Tensor, *, distance: float = 1.0) -> None:
        """Read the norms that bound the damping; `distance` is that of the model's point from 0."""
        self.hessian, self.gradient, self.factor, self.distance = hessian, gradient, factor, distance
        self.gradient_norm, self.hessian_norm, self.lowest_diagonal = read(
            norm(gradient), norm(hessian), hessian.diagonal().min()
        )

    def damped(self, damping: float) -> ModelStep | None:
        """Return the step −(H + damping·I)⁻¹·g, of any length, or None where H + damping·I is not positive definite."""
        solved = self._solved(damping, completing=False) if self.lowest_diagonal + damping > 0 else None
        if solved is None or not math.isfinite(solved.length):
            return None
        return ModelStep(solved.step, solved.length, solved.decrease, damping, on_boundary=damping > 0)

    def within(self, radius: float) -> ModelStep:
        """Return the minimiser within `radius`: damping rises where the factorisation fails or the step is too long."""
        if not radius > 0:  # it has shrunk below the floats
            return self._scaled(0.0)
        low = max(0.0, -self.lowest_diagonal, self.gradient_norm / radius - self.hessian_norm)
        high = self.gradient_norm / radius + self.hessian_norm
        damping = low if low > 0 or self.lowest_diagonal > 0 else _between(low, high)
        for _ in range(_MAX_FACTORS):
            solved = self._solved(damping, completing=damping > 0)
            if solved is None:
                low = damping
                damping = _between(low, high)
                continue
            length = solved.length
            if abs(length - radius) <= _CLOSE * radius or (length < radius and damping == 0):
                on_boundary = length >= (1 - _CLOSE) * radius
                return ModelStep(solved.step, length, solved.decrease, damping, on_boundary)
            if length < radius:
                high = damping
                completed = _completed(solved, radius, damping)
                if completed is not None:
                    return completed
            else:
                low = damping
            damping += _newton_change(length, solved.whitened, radius)
            if not low < damping < high:
                damping = _between(low, high)
        return self._scaled(radius)

    def _solved(self, damping: float, *, completing: bool) -> _Solved | None:
        """Factor H + damping·I and solve, None where it is not positive definite; also for v where `completing`."""
        info = self._factorise(damping)
        step = torch.cholesky_solve(self.gradient[:, None], self.factor)[:, 0].neg_()
        image = self.hessian @ step
        whitened = torch.linalg.solve_triangular(self.factor, step[:, None], upper=False)
        of_step = (
            norm(step),
            norm(whitened),
            torch.dot(self.gradient, step),
            torch.dot(step, image),
        )
        flat = self._flattest() if completing else None
        of_flat = () if flat is None else self._products(flat, step, image)
        failed, *scalars = read(info.to(step.dtype), *of_step, *of_flat)
        if failed:
            return None
        length, whitening, linear, quadratic = scalars[:4]
        seen = None if flat is None else _Flat(flat, *scalars[4:])
        return _Solved(step, length, whitening, linear, quadratic, seen)

    def _factorise(self, damping: float) -> Tensor:
        """Write the factor of H + damping·I; returns LAPACK's info, (). The matrix that LAPACK made is freed here."""
        self.factor.copy_(self.hessian)
        self.factor.diagonal().add_(damping)
        factor, info = torch.linalg.cholesky_ex(self.factor)
        self.factor.copy_(factor)
        return info

    def _flattest(self) -> Tensor:
        """Return a unit vector of nearly the lowest eigenvalue, by inverse iteration from a fixed vector."""
        n = self.gradient.numel()
        vector = torch.arange(1, n + 1, dtype=self.gradient.dtype, device=self.gradient.device).cos_()
        for _ in range(3):
            vector = torch.cholesky_solve(vector[:, None], self.factor)[:, 0]
            vector.div_(norm(vector))
        return vector

    def _products(self, flat: Tensor, step: Tensor, image: Tensor) -> tuple[Tensor, ...]:
        return (
            norm(self.factor.T @ flat),
            torch.dot(flat, step),
            torch.dot(flat, self.gradient),
            torch.dot(flat, image),
            torch.dot(flat, self.hessian @ flat),
        )

    def _scaled(self, radius: float) -> ModelStep:
        """Return the step along the negative gradient that ends on the boundary, where no damping could be found."""
        length = radius if self.gradient_norm > 0 else 0.0
        step = self.gradient * (-length / self.gradient_norm if length else 0.0)
        decrease = length * (self.gradient_norm - 0.5 * length * self._downhill_bend()) if length else 0.0
        return ModelStep(step, radius, decrease, math.inf, on_boundary=True)

    def _downhill_bend(self) -> float:
        """Return the curvature along the gradient; a synchronisation that only a failing search for a damping needs."""
        downhill = self.gradient / self.gradient_norm
        (bend,) = read(torch.dot(downhill, self.hessian @ downhill))
        return bend


def _completed(solved: _Solved, radius: float, damping: float) -> ModelStep | None:
    """Add the vector of nearly lowest curvature up to the boundary, where that loses little (the hard case).

    Of the two ways there the shorter is taken, which lowers the model by more (Moré & Sorensen 1983, lemma 3.4).
    """
    flat = solved.flat
    if flat is None:
        return None
    square = radius * radius
    gap = max(square - solved.length * solved.length, 0.0)
    farther = flat.on_step + math.copysign(math.sqrt(flat.on_step * flat.on_step + gap), flat.on_step)
    reach = gap / farther if farther else 0.0
    lost = (reach * flat.bend) * (reach * flat.bend)
    if not lost < math.inf or lost > _HARD * (damping * square - solved.linear):
        return None
    linear = solved.linear + reach * flat.linear
    quadratic = solved.quadratic + reach * (2 * flat.across + reach * flat.quadratic)
    return ModelStep(solved.step + reach * flat.vector, radius, -(linear + 0.5 * quadratic), damping, on_boundary=True)


def _newton_change(length: float, whitened: float, radius: float) -> float:
    """Return Newton's correction to the damping for 1/length = 1/radius; NaN where it is beyond floats."""
    if not (whitened > 0 and radius > 0):
        return math.nan
    ratio = length / whitened
    return ratio * ratio * ((length - radius) / radius)


def _between(low: float, high: float) -> float:
    """Return a damping inside the bounds, nearer the lower where they are far apart."""
    return max(math.sqrt(max(low * high, 0.0)), low + 0.01 * (high - low))
