"""The linear model of residuals, minimised with a damping or within a radius.

Shapes: n parameters, m residuals, k = min(m, n).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from optbench.numerics.scalars import largest, norm, power_below, read

_CLOSE = 0.1  # a step this close to the boundary, relative to the radius, lies on it
_MAX_CORRECTIONS = 30


@dataclass(frozen=True)
class LinearStep:
    """A minimiser of the model."""

    step: Tensor  # (n,)
    length: float  # of the scaled step, ‖D·step‖
    decrease: float  # of ‖r‖² by the model, never negative
    damping: float


class LinearModel:
    """The model ‖r + J·d‖² + α·‖D·d‖², by singular values of J·D⁻¹ = U·diag(s)·Vᵀ: D·d = −V·diag(s/(s² + α))·Uᵀ·r.

    One factorisation serves every α. Where J has not full rank, d is the shortest of the minimisers: singular values
    below the rounding of the largest count as zero. Nothing is squared, unlike in JᵀJ.
    """

    def __init__(self, jacobian: Tensor, residuals: Tensor, scale: Tensor) -> None:
        """Factor the Jacobian (m, n), which must be finite; `scale` (n,) is the diagonal of D."""
        self._scale = scale
        left, values, self._right = _singular(jacobian / scale)
        rounding = torch.finfo(values.dtype).eps * max(jacobian.shape)
        kept = values > rounding * values[:1]
        self._spectrum = torch.stack((torch.where(kept, values, 0), torch.where(kept, left.T @ residuals, 0)))  # (2, k)
        self._on_host = self._spectrum.cpu()  # lengths are sought there, without waits

    def damped(self, damping: float) -> LinearStep:
        """Return the minimiser for α = `damping`."""
        scaled = _scaled(self._on_host, damping)
        length, linear = read(norm(scaled), norm(self._on_host[0] * scaled))
        step = (_scaled(self._spectrum, damping) @ self._right).div_(self._scale).neg_()
        return LinearStep(step, length, linear * linear + 2 * damping * length * length, damping)

    def within(self, radius: float) -> LinearStep:
        """Return the minimiser with ‖D·d‖ ≤ radius, the boundary met to a tenth.

        The damping solves 1/‖D·d‖ = 1/radius by Newton's method (Moré, Lecture Notes in Mathematics 630 (1978)).
        """
        damping = 0.0
        for _ in range(_MAX_CORRECTIONS):
            length, bend = self._length(damping)
            if length <= (1 + _CLOSE) * radius and (damping == 0 or length >= (1 - _CLOSE) * radius):
                break
            correction = (length - radius) / radius * (length / bend) ** 2 if bend > 0 else math.nan
            if not 0 < damping + correction < math.inf:
                break
            damping += correction
        return self.damped(damping)

    def _length(self, damping: float) -> tuple[float, float]:
        """Return ‖D·d‖ and the root of −½ of the derivative of its square with respect to the damping."""
        values, _ = self._on_host
        scaled = _scaled(self._on_host, damping)
        bent = scaled * torch.where(values > 0, _inverse(values, damping) / values, 0).sqrt()
        length, bend = read(norm(scaled), norm(bent))
        return length, bend


def _singular(matrix: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return U, the singular values s and Vᵀ, U·diag(s)·Vᵀ the matrix.

    LAPACK rescales small and large matrices itself, but not by a power of two: digits would depend on the unit of f.
    """
    unit = power_below(largest(matrix.flatten()))
    left, values, right = torch.linalg.svd(matrix / unit, full_matrices=False)
    return left, values * unit, right


def _scaled(spectrum: Tensor, damping: float) -> Tensor:
    """Return −Vᵀ·D·d, (k,), from the singular values and the parts of r along U, (2, k)."""
    values, parts = spectrum
    return _inverse(values, damping) * parts


def _inverse(values: Tensor, damping: float) -> Tensor:
    """Return s/(s² + α) without squaring what may underflow, shape (k,); 0 where s is."""
    return torch.where(values > 0, 1 / (values + damping / values), 0)
