"""Moré-Garbow-Hillstrom functions of two to four variables (ACM TOMS 7(1), 1981; the numbers are theirs)."""

# ruff: noqa: ARG001 -- the contract's signatures
from __future__ import annotations

import math

import torch
from torch import Tensor

from optbench.api import Streams
from optbench_testfunctions.least_squares import LeastSquares


def freudenstein_roth(*, device: torch.device, dtype: torch.dtype, streams: Streams) -> LeastSquares:
    """Return problem 2: zero at (5, 4); descent from the start ends at the local minimum (11.4128, −0.896805)."""

    def residuals(x: Tensor) -> Tensor:
        a, b = x.unbind()
        return torch.stack((-13 + a + ((5 - b) * b - 2) * b, -29 + a + ((b + 1) * b - 14) * b))

    def jacobian(x: Tensor) -> Tensor:
        b = x[1]
        one = torch.ones_like(b)
        return torch.stack((one, (10 - 3 * b) * b - 2, one, (3 * b + 2) * b - 14)).view(2, 2)

    return LeastSquares(
        start_point=torch.tensor([0.5, -2.0], device=device, dtype=dtype),
        residuals=residuals,
        jacobian=jacobian,
        f_star_from_start=48.98425367924002,
    )


def beale(*, device: torch.device, dtype: torch.dtype, streams: Streams) -> LeastSquares:
    """Return problem 5: zero at (3, 0.5)."""
    observed = torch.tensor([1.5, 2.25, 2.625], device=device, dtype=dtype)
    power = torch.arange(1, 4, device=device, dtype=dtype)

    def residuals(x: Tensor) -> Tensor:
        return observed - x[0] * (1 - x[1] ** power)

    def jacobian(x: Tensor) -> Tensor:
        return torch.stack((x[1] ** power - 1, x[0] * power * x[1] ** (power - 1)), dim=1)

    start = torch.tensor([1.0, 1.0], device=device, dtype=dtype)
    return LeastSquares(start_point=start, residuals=residuals, jacobian=jacobian)


def helical_valley(*, device: torch.device, dtype: torch.dtype, streams: Streams) -> LeastSquares:
    """Return problem 7: zero at (1, 0, 0).

    The angle is arctan(b/a)/2π, plus ½ where a < 0: smooth at the start (−1, 0, 0), where atan2 would have its cut.
    """

    def residuals(x: Tensor) -> Tensor:
        a, b, c = x.unbind()
        angle = torch.atan(b / a) / (2 * math.pi) + 0.5 * (a < 0)
        return torch.stack((10 * (c - 10 * angle), 10 * (torch.hypot(a, b) - 1), c))

    def jacobian(x: Tensor) -> Tensor:
        a, b, _ = x.unbind()
        zero, one = torch.zeros_like(a), torch.ones_like(a)
        squared = a * a + b * b
        radius, scale = squared.sqrt(), 50 / (math.pi * squared)
        entries = (scale * b, -scale * a, 10 * one, 10 * a / radius, 10 * b / radius, zero, zero, zero, one)
        return torch.stack(entries).view(3, 3)

    start = torch.tensor([-1.0, 0.0, 0.0], device=device, dtype=dtype)
    return LeastSquares(start_point=start, residuals=residuals, jacobian=jacobian)


BARD = (0.14, 0.18, 0.22, 0.25, 0.29, 0.32, 0.35, 0.39, 0.37, 0.58, 0.73, 0.96, 1.34, 2.10, 4.39)


def bard(*, device: torch.device, dtype: torch.dtype, streams: Streams) -> LeastSquares:
    """Return problem 8: minimum 8.2148773e-3; another, 17.4286, lies at infinity."""
    observed = torch.tensor(BARD, device=device, dtype=dtype)
    up = torch.arange(1, 16, device=device, dtype=dtype)
    down = 16 - up
    low = torch.minimum(up, down)

    def residuals(x: Tensor) -> Tensor:
        return observed - x[0] - up / (down * x[1] + low * x[2])

    def jacobian(x: Tensor) -> Tensor:
        slope = up / (down * x[1] + low * x[2]) ** 2
        return torch.stack((-torch.ones_like(slope), slope * down, slope * low), dim=1)

    return LeastSquares(
        start_point=torch.ones(3, device=device, dtype=dtype),
        residuals=residuals,
        jacobian=jacobian,
        f_star=0.008214877306578975,
        f_star_source="best known",
    )


def wood(*, device: torch.device, dtype: torch.dtype, streams: Streams) -> LeastSquares:
    """Return problem 14: zero at (1, 1, 1, 1)."""
    scale = torch.tensor([10, 1, 90**0.5, 1, 10**0.5, 0.1**0.5], device=device, dtype=dtype)
    constant = torch.tensor(
        [[0, 1, 0, 0], [-1, 0, 0, 0], [0, 0, 0, 1], [0, 0, -1, 0], [0, 1, 0, 1], [0, 1, 0, -1]],
        device=device,
        dtype=dtype,
    )

    def residuals(x: Tensor) -> Tensor:
        a, b, c, d = x.unbind()
        return scale * torch.stack((b - a * a, 1 - a, d - c * c, 1 - c, b + d - 2, b - d))

    def jacobian(x: Tensor) -> Tensor:
        bent = constant.clone()
        bent[0, 0], bent[2, 2] = -2 * x[0], -2 * x[2]
        return scale[:, None] * bent

    start = torch.tensor([-3.0, -1.0, -3.0, -1.0], device=device, dtype=dtype)
    return LeastSquares(start_point=start, residuals=residuals, jacobian=jacobian)


def brown_dennis(*, device: torch.device, dtype: torch.dtype, streams: Streams) -> LeastSquares:
    """Return problem 16 with m = 20: minimum 85822.2016."""
    time = torch.arange(1, 21, device=device, dtype=dtype) / 5
    grown, sine, cosine = time.exp(), time.sin(), time.cos()

    def parts(x: Tensor) -> tuple[Tensor, Tensor]:
        return x[0] + time * x[1] - grown, x[2] + sine * x[3] - cosine

    def residuals(x: Tensor) -> Tensor:
        first, second = parts(x)
        return first**2 + second**2

    def jacobian(x: Tensor) -> Tensor:
        first, second = parts(x)
        return 2 * torch.stack((first, first * time, second, second * sine), dim=1)

    return LeastSquares(
        start_point=torch.tensor([25.0, 5.0, -5.0, -1.0], device=device, dtype=dtype),
        residuals=residuals,
        jacobian=jacobian,
        f_star=85822.20162635634,
        f_star_source="best known",
    )
