"""Moré-Garbow-Hillstrom problems 28 and 29 (ACM TOMS 7(1), 1981): one boundary value problem, twice; O(n)."""

# ruff: noqa: ARG001 -- the contract's signatures
from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import pad

from optbench.api import Streams
from optbench_testfunctions.least_squares import LeastSquares, counting


def discrete_boundary_value(*, device: torch.device, dtype: torch.dtype, streams: Streams, n: int) -> LeastSquares:
    """Return problem 28: 2x_i − x_(i−1) − x_(i+1) + h²(x_i + t_i + 1)³/2 on n inner points; minimum zero.

    f falls like n⁻³ at the start: with millions of points, rounding of the second difference hides it.
    """
    step = 1 / (n + 1)
    at = counting(n, device, dtype) * step

    def residuals(x: Tensor) -> Tensor:
        padded = pad(x, (1, 1))
        return 2 * x - padded[:-2] - padded[2:] + 0.5 * step**2 * (x + at + 1) ** 3

    def diagonal(x: Tensor) -> Tensor:
        return 2 + 1.5 * step**2 * (x + at + 1) ** 2

    def back(x: Tensor, r: Tensor) -> Tensor:
        padded = pad(r, (1, 1))
        return diagonal(x) * r - padded[:-2] - padded[2:]

    def jacobian(x: Tensor) -> Tensor:
        one = torch.ones_like(x[1:])
        return torch.diag(diagonal(x)) - torch.diag(one, -1) - torch.diag(one, 1)

    return LeastSquares(start_point=at * (at - 1), residuals=residuals, jacobian=jacobian, back=back)


def discrete_integral_equation(*, device: torch.device, dtype: torch.dtype, streams: Streams, n: int) -> LeastSquares:
    """Return problem 29: x + (h/2) K (x + t + 1)³ with Green's function K; minimum zero, where problem 28 has its own.

    K_ij = t_min (1 − t_max) with the smaller and the larger of t_i and t_j, so K is symmetric and costs two
    cumulative sums.
    """
    step = 1 / (n + 1)
    at = counting(n, device, dtype) * step

    def green(values: Tensor) -> Tensor:
        below = torch.cumsum(at * values, 0)
        above = pad(torch.cumsum(((1 - at) * values).flip(0), 0)[:-1], (1, 0)).flip(0)
        return 0.5 * step * ((1 - at) * below + at * above)

    def residuals(x: Tensor) -> Tensor:
        return x + green((x + at + 1) ** 3)

    def back(x: Tensor, r: Tensor) -> Tensor:
        return r + 3 * (x + at + 1) ** 2 * green(r)

    def jacobian(x: Tensor) -> Tensor:
        kernel = torch.minimum(at[:, None], at) * (1 - torch.maximum(at[:, None], at))
        identity = torch.eye(n, device=x.device, dtype=x.dtype)
        return identity + 1.5 * step * kernel * (x + at + 1) ** 2

    return LeastSquares(start_point=at * (at - 1), residuals=residuals, jacobian=jacobian, back=back)
