"""Moré-Garbow-Hillstrom problems 1, 13, 14, 21 and 22: independent groups of variables (ACM TOMS 7(1), 1981); O(n)."""

# ruff: noqa: ARG001 -- the contract's signatures
from __future__ import annotations

import torch
from torch import Tensor

from optbench.api import Streams
from optbench_testfunctions.least_squares import LeastSquares, block_diagonal, require_multiple

FIVE, TEN, NINETY, TENTH = 5**0.5, 10**0.5, 90**0.5, 0.1**0.5


def rosenbrock(*, device: torch.device, dtype: torch.dtype, streams: Streams, n: int) -> LeastSquares:
    """Return problems 1 (n = 2) and 21: pairs of 10(b − a²) and 1 − a, zero at ones. n is even."""
    require_multiple("rosenbrock", n, 2)

    def residuals(x: Tensor) -> Tensor:
        a, b = x.reshape(-1, 2).unbind(1)
        return torch.stack((10 * (b - a * a), 1 - a), dim=1).flatten()

    def back(x: Tensor, r: Tensor) -> Tensor:
        (a, _), (first, second) = x.reshape(-1, 2).unbind(1), r.reshape(-1, 2).unbind(1)
        return torch.stack((-20 * a * first - second, 10 * first), dim=1).flatten()

    def jacobian(x: Tensor) -> Tensor:
        a = x[0::2]
        one = torch.ones_like(a)
        return block_diagonal(torch.stack((-20 * a, 10 * one, -one, 0 * one), dim=1).reshape(-1, 2, 2))

    start = torch.tensor([-1.2, 1.0], device=device, dtype=dtype).repeat(n // 2)
    return LeastSquares(start_point=start, residuals=residuals, jacobian=jacobian, back=back)


def powell_singular(*, device: torch.device, dtype: torch.dtype, streams: Streams, n: int) -> LeastSquares:
    """Return problems 13 (n = 4) and 22: zero at 0, where the Hessian is singular. n is a multiple of 4."""
    require_multiple("powell-singular", n, 4)

    def residuals(x: Tensor) -> Tensor:
        a, b, c, d = x.reshape(-1, 4).unbind(1)
        return torch.stack((a + 10 * b, FIVE * (c - d), (b - 2 * c) ** 2, TEN * (a - d) ** 2), dim=1).flatten()

    def slopes(x: Tensor) -> tuple[Tensor, Tensor]:
        a, b, c, d = x.reshape(-1, 4).unbind(1)
        return 2 * (b - 2 * c), 2 * TEN * (a - d)

    def back(x: Tensor, r: Tensor) -> Tensor:
        first, second, third, fourth = r.reshape(-1, 4).unbind(1)
        inner, outer = slopes(x)
        third, fourth = inner * third, outer * fourth
        columns = (first + fourth, 10 * first + third, FIVE * second - 2 * third, -FIVE * second - fourth)
        return torch.stack(columns, dim=1).flatten()

    def jacobian(x: Tensor) -> Tensor:
        inner, outer = slopes(x)
        blocks = x.new_zeros(n // 4, 4, 4)
        blocks[:, 0, 0], blocks[:, 0, 1] = 1, 10
        blocks[:, 1, 2], blocks[:, 1, 3] = FIVE, -FIVE
        blocks[:, 2, 1], blocks[:, 2, 2] = inner, -2 * inner
        blocks[:, 3, 0], blocks[:, 3, 3] = outer, -outer
        return block_diagonal(blocks)

    start = torch.tensor([3.0, -1.0, 0.0, 1.0], device=device, dtype=dtype).repeat(n // 4)
    return LeastSquares(start_point=start, residuals=residuals, jacobian=jacobian, back=back)


def wood(*, device: torch.device, dtype: torch.dtype, streams: Streams, n: int) -> LeastSquares:
    """Return problem 14 (n = 4) and its extension to groups of four: zero at ones. n is a multiple of 4."""
    require_multiple("wood", n, 4)

    def residuals(x: Tensor) -> Tensor:
        a, b, c, d = x.reshape(-1, 4).unbind(1)
        valleys = (10 * (b - a * a), 1 - a, NINETY * (d - c * c), 1 - c)
        return torch.stack((*valleys, TEN * (b + d - 2), TENTH * (b - d)), dim=1).flatten()

    def back(x: Tensor, r: Tensor) -> Tensor:
        a, _, c, _ = x.reshape(-1, 4).unbind(1)
        first, second, third, fourth, fifth, sixth = r.reshape(-1, 6).unbind(1)
        fifth, sixth = TEN * fifth, TENTH * sixth
        first, third = 10 * first, NINETY * third
        columns = (-2 * a * first - second, first + fifth + sixth, -2 * c * third - fourth, third + fifth - sixth)
        return torch.stack(columns, dim=1).flatten()

    def jacobian(x: Tensor) -> Tensor:
        blocks = x.new_zeros(n // 4, 6, 4)
        blocks[:, 0, 0], blocks[:, 0, 1], blocks[:, 1, 0] = -20 * x[0::4], 10, -1
        blocks[:, 2, 2], blocks[:, 2, 3], blocks[:, 3, 2] = -2 * NINETY * x[2::4], NINETY, -1
        blocks[:, 4, 1], blocks[:, 4, 3] = TEN, TEN
        blocks[:, 5, 1], blocks[:, 5, 3] = TENTH, -TENTH
        return block_diagonal(blocks)

    start = torch.tensor([-3.0, -1.0, -3.0, -1.0], device=device, dtype=dtype).repeat(n // 4)
    return LeastSquares(start_point=start, residuals=residuals, jacobian=jacobian, back=back)
