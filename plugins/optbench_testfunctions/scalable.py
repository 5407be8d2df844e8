"""Moré-Garbow-Hillstrom functions of any number of variables (ACM TOMS 7(1), 1981); O(n) but for the Jacobian."""

# ruff: noqa: ARG001 -- the contract's signatures
from __future__ import annotations

import torch
from torch import Tensor

from optbench.api import Streams, UserError
from optbench_testfunctions.least_squares import LeastSquares


def rosenbrock(*, device: torch.device, dtype: torch.dtype, streams: Streams, n: int) -> LeastSquares:
    """Return problems 1 (n = 2) and 21: pairs of 10(b − a²) and 1 − a, zero at ones. n is even."""
    _require_multiple("rosenbrock", n, 2)

    def residuals(x: Tensor) -> Tensor:
        a, b = x.reshape(-1, 2).unbind(1)
        return torch.stack((10 * (b - a * a), 1 - a), dim=1).flatten()

    def back(x: Tensor, r: Tensor) -> Tensor:
        (a, _), (first, second) = x.reshape(-1, 2).unbind(1), r.reshape(-1, 2).unbind(1)
        return torch.stack((-20 * a * first - second, 10 * first), dim=1).flatten()

    def jacobian(x: Tensor) -> Tensor:
        a = x[0::2]
        one = torch.ones_like(a)
        return _block_diagonal(torch.stack((-20 * a, 10 * one, -one, 0 * one), dim=1).reshape(-1, 2, 2))

    start = torch.tensor([-1.2, 1.0], device=device, dtype=dtype).repeat(n // 2)
    return LeastSquares(start_point=start, residuals=residuals, jacobian=jacobian, back=back)


def powell_singular(*, device: torch.device, dtype: torch.dtype, streams: Streams, n: int) -> LeastSquares:
    """Return problems 13 (n = 4) and 22: zero at 0, where the Hessian is singular. n is a multiple of 4."""
    _require_multiple("powell-singular", n, 4)
    five, ten = 5**0.5, 10**0.5

    def residuals(x: Tensor) -> Tensor:
        a, b, c, d = x.reshape(-1, 4).unbind(1)
        return torch.stack((a + 10 * b, five * (c - d), (b - 2 * c) ** 2, ten * (a - d) ** 2), dim=1).flatten()

    def slopes(x: Tensor) -> tuple[Tensor, Tensor]:
        a, b, c, d = x.reshape(-1, 4).unbind(1)
        return 2 * (b - 2 * c), 2 * ten * (a - d)

    def back(x: Tensor, r: Tensor) -> Tensor:
        first, second, third, fourth = r.reshape(-1, 4).unbind(1)
        inner, outer = slopes(x)
        third, fourth = inner * third, outer * fourth
        columns = (first + fourth, 10 * first + third, five * second - 2 * third, -five * second - fourth)
        return torch.stack(columns, dim=1).flatten()

    def jacobian(x: Tensor) -> Tensor:
        inner, outer = slopes(x)
        blocks = x.new_zeros(n // 4, 4, 4)
        blocks[:, 0, 0], blocks[:, 0, 1] = 1, 10
        blocks[:, 1, 2], blocks[:, 1, 3] = five, -five
        blocks[:, 2, 1], blocks[:, 2, 2] = inner, -2 * inner
        blocks[:, 3, 0], blocks[:, 3, 3] = outer, -outer
        return _block_diagonal(blocks)

    start = torch.tensor([3.0, -1.0, 0.0, 1.0], device=device, dtype=dtype).repeat(n // 4)
    return LeastSquares(start_point=start, residuals=residuals, jacobian=jacobian, back=back)


def variably_dimensioned(*, device: torch.device, dtype: torch.dtype, streams: Streams, n: int) -> LeastSquares:
    """Return problem 25: x − 1, s and s² with s = Σ j(x_j − 1); zero at ones."""
    weight = torch.arange(1, n + 1, device=device, dtype=dtype)

    def residuals(x: Tensor) -> Tensor:
        error = x - 1
        total = weight.dot(error)
        return torch.cat((error, torch.stack((total, total * total))))

    def back(x: Tensor, r: Tensor) -> Tensor:
        total = weight.dot(x - 1)
        return r[:n] + (r[n] + 2 * total * r[n + 1]) * weight

    def jacobian(x: Tensor) -> Tensor:
        total = weight.dot(x - 1)
        identity = torch.eye(n, device=x.device, dtype=x.dtype)
        return torch.cat((identity, weight[None], 2 * total * weight[None]))

    return LeastSquares(start_point=1 - weight / n, residuals=residuals, jacobian=jacobian, back=back)


def broyden_tridiagonal(*, device: torch.device, dtype: torch.dtype, streams: Streams, n: int) -> LeastSquares:
    """Return problem 30: (3 − 2x_i)x_i − x_(i−1) − 2x_(i+1) + 1 with zeros beyond the ends; minimum zero.

    With hundreds of variables there are local minima, too: at n = 1000, quasi-Newton methods may end at 0.7125.
    """

    def residuals(x: Tensor) -> Tensor:
        padded = torch.nn.functional.pad(x, (1, 1))
        return (3 - 2 * x) * x - padded[:-2] - 2 * padded[2:] + 1

    def back(x: Tensor, r: Tensor) -> Tensor:
        padded = torch.nn.functional.pad(r, (1, 1))
        return (3 - 4 * x) * r - padded[2:] - 2 * padded[:-2]

    def jacobian(x: Tensor) -> Tensor:
        one = torch.ones_like(x[1:])
        return torch.diag(3 - 4 * x) - torch.diag(one, -1) - 2 * torch.diag(one, 1)

    start = torch.full((n,), -1.0, device=device, dtype=dtype)
    return LeastSquares(start_point=start, residuals=residuals, jacobian=jacobian, back=back)


def _block_diagonal(blocks: Tensor) -> Tensor:
    """Return the (g·k, g·k) matrix with the given blocks, (g, k, k), on its diagonal."""
    count, width, _ = blocks.shape
    matrix = blocks.new_zeros(count, width, count, width)
    index = torch.arange(count, device=blocks.device)
    matrix[index, :, index, :] = blocks
    return matrix.view(count * width, count * width)


def _require_multiple(name: str, n: int, divisor: int) -> None:
    if n % divisor:
        raise UserError(f"{name}(n={n})", f"n is a multiple of {divisor}", f"write n={n + divisor - n % divisor}")
