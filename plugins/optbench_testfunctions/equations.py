"""Moré-Garbow-Hillstrom problems 2 to 5 and 7: equations in two or three unknowns (ACM TOMS 7(1), 1981).

Residuals split x into tensors of shape (1,): torch makes float64 of a float32 tangent of shape () times a number.
"""

# ruff: noqa: ARG001 -- the contract's signatures
from __future__ import annotations

import math

import torch
from torch import Tensor

from optbench.api import Streams
from optbench_testfunctions.least_squares import LeastSquares, columns, counting
from optbench_testfunctions.minima import Minima


def freudenstein_roth(*, device: torch.device, dtype: torch.dtype, streams: Streams) -> LeastSquares:
    """Return problem 2: zero at (5, 4); descent from the start ends at the local minimum (11.4128, −0.896805)."""

    def residuals(x: Tensor) -> Tensor:
        a, b = x.split(1)
        return torch.cat((-13 + a + ((5 - b) * b - 2) * b, -29 + a + ((b + 1) * b - 14) * b))

    def jacobian(x: Tensor) -> Tensor:
        b = x[1]
        one = torch.ones_like(b)
        return torch.stack((one, (10 - 3 * b) * b - 2, one, (3 * b + 2) * b - 14)).view(2, 2)

    return LeastSquares(
        start_point=torch.tensor([0.5, -2.0], device=device, dtype=dtype),
        residuals=residuals,
        jacobian=jacobian,
        minima=Minima(f_star=0.0, source="exact", from_start=48.98425367924002, local=(48.98425367924002,)),
    )


def powell_badly_scaled(*, device: torch.device, dtype: torch.dtype, streams: Streams) -> LeastSquares:
    """Return problem 3: zero at (1.098e-5, 9.106), where the second derivatives differ by a factor of 10¹²."""

    def residuals(x: Tensor) -> Tensor:
        a, b = x.split(1)
        return torch.cat((1e4 * a * b - 1, torch.exp(-a) + torch.exp(-b) - 1.0001))

    def jacobian(x: Tensor) -> Tensor:
        a, b = x.unbind()
        return torch.stack((1e4 * b, 1e4 * a, -torch.exp(-a), -torch.exp(-b))).view(2, 2)

    start = torch.tensor([0.0, 1.0], device=device, dtype=dtype)
    return LeastSquares(start_point=start, residuals=residuals, jacobian=jacobian)


def brown_badly_scaled(*, device: torch.device, dtype: torch.dtype, streams: Streams) -> LeastSquares:
    """Return problem 4: zero at (10⁶, 2·10⁻⁶)."""

    def residuals(x: Tensor) -> Tensor:
        a, b = x.split(1)
        return torch.cat((a - 1e6, b - 2e-6, a * b - 2))

    def jacobian(x: Tensor) -> Tensor:
        a, b = x.unbind()
        zero, one = torch.zeros_like(a), torch.ones_like(a)
        return torch.stack((one, zero, zero, one, b, a)).view(3, 2)

    start = torch.tensor([1.0, 1.0], device=device, dtype=dtype)
    return LeastSquares(start_point=start, residuals=residuals, jacobian=jacobian)


def beale(*, device: torch.device, dtype: torch.dtype, streams: Streams) -> LeastSquares:
    """Return problem 5: zero at (3, 0.5)."""
    observed = torch.tensor([1.5, 2.25, 2.625], device=device, dtype=dtype)
    power = counting(3, device, dtype)

    def residuals(x: Tensor) -> Tensor:
        return observed - x[0] * (1 - x[1] ** power)

    def jacobian(x: Tensor) -> Tensor:
        return columns(x[1] ** power - 1, x[0] * power * x[1] ** (power - 1))

    start = torch.tensor([1.0, 1.0], device=device, dtype=dtype)
    return LeastSquares(start_point=start, residuals=residuals, jacobian=jacobian)


def helical_valley(*, device: torch.device, dtype: torch.dtype, streams: Streams) -> LeastSquares:
    """Return problem 7: zero at (1, 0, 0).

    The angle is arctan(b/a)/2π, plus ½ where a < 0: smooth at the start (−1, 0, 0), where atan2 would have its cut.
    """

    def residuals(x: Tensor) -> Tensor:
        a, b, c = x.split(1)
        angle = torch.atan(b / a) / (2 * math.pi) + 0.5 * (a < 0)
        return torch.cat((10 * (c - 10 * angle), 10 * (torch.hypot(a, b) - 1), c))

    def jacobian(x: Tensor) -> Tensor:
        a, b, _ = x.unbind()
        zero, one = torch.zeros_like(a), torch.ones_like(a)
        squared = a * a + b * b
        radius, scale = squared.sqrt(), 50 / (math.pi * squared)
        entries = (scale * b, -scale * a, 10 * one, 10 * a / radius, 10 * b / radius, zero, zero, zero, one)
        return torch.stack(entries).view(3, 3)

    start = torch.tensor([-1.0, 0.0, 0.0], device=device, dtype=dtype)
    return LeastSquares(start_point=start, residuals=residuals, jacobian=jacobian)
