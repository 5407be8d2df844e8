"""Moré-Garbow-Hillstrom problems 32 to 34: linear residuals (ACM TOMS 7(1), 1981); O(m + n) but for the Jacobian."""

# ruff: noqa: ARG001 -- the contract's signatures
from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import pad

from optbench.api import Streams
from optbench_testfunctions.least_squares import LeastSquares, counting, residual_count
from optbench_testfunctions.minima import Minima, exact


def linear_full_rank(*, device: torch.device, dtype: torch.dtype, streams: Streams, n: int, m: int) -> LeastSquares:
    """Return problem 32: x_i − (2/m) Σ x_j − 1, without x_i for i > n; minimum m − n at minus ones."""
    count = residual_count("linear-full-rank", n, m, usual=2 * n)

    def residuals(x: Tensor) -> Tensor:
        return pad(x, (0, count - n)) - (2 / count * x.sum()[None] + 1)

    def back(x: Tensor, r: Tensor) -> Tensor:
        return r[:n] - 2 / count * r.sum()

    def jacobian(x: Tensor) -> Tensor:
        return torch.eye(count, n, device=x.device, dtype=x.dtype) - 2 / count

    return LeastSquares(
        start_point=torch.ones(n, device=device, dtype=dtype),
        residuals=residuals,
        jacobian=jacobian,
        back=back,
        minima=exact(float(count - n)),
    )


def linear_rank_1(*, device: torch.device, dtype: torch.dtype, streams: Streams, n: int, m: int) -> LeastSquares:
    """Return problem 33: i Σ j x_j − 1; minimum m(m − 1) / (2(2m + 1))."""
    count = residual_count("linear-rank-1", n, m, usual=2 * n)
    minima = exact(count * (count - 1) / (2 * (2 * count + 1)))
    return _product(counting(count, device, dtype), counting(n, device, dtype), minima)


def linear_rank_1_zeros(*, device: torch.device, dtype: torch.dtype, streams: Streams, n: int, m: int) -> LeastSquares:
    """Return problem 34: (i − 1) Σ j x_j − 1 without the first and last row and column; (m² + 3m − 6) / (2(2m − 3))."""
    count = residual_count("linear-rank-1-zeros", n, m, usual=2 * n)
    rows = pad(counting(count - 2, device, dtype), (1, 1))
    weights = pad(counting(n - 1, device, dtype)[1:], (1, 1))
    return _product(rows, weights, exact((count * (count + 3) - 6) / (2 * (2 * count - 3))))


def _product(rows: Tensor, weights: Tensor, minima: Minima) -> LeastSquares:
    """Return the residuals rows · (weights·x) − 1 with rows (m,) and weights (n,), from ones."""

    def residuals(x: Tensor) -> Tensor:
        return rows * weights.dot(x) - 1

    def back(x: Tensor, r: Tensor) -> Tensor:
        return rows.dot(r) * weights

    def jacobian(x: Tensor) -> Tensor:
        return torch.outer(rows, weights)

    start = torch.ones_like(weights)
    return LeastSquares(start_point=start, residuals=residuals, jacobian=jacobian, back=back, minima=minima)
