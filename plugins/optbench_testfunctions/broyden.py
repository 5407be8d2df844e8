"""Moré-Garbow-Hillstrom problems 30 and 31: Broyden's banded systems (ACM TOMS 7(1), 1981); O(n)."""

# ruff: noqa: ARG001 -- the contract's signatures
from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import pad

from optbench.api import Streams
from optbench_testfunctions.least_squares import LeastSquares
from optbench_testfunctions.minima import Minima

BELOW, ABOVE = 5, 1  # the band of problem 31
BANDED = {10: (2.6802199207261355, 3.057278432425819)}


def broyden_tridiagonal(*, device: torch.device, dtype: torch.dtype, streams: Streams, n: int) -> LeastSquares:
    """Return problem 30: (3 − 2x_i)x_i − x_(i−1) − 2x_(i+1) + 1 with zeros beyond the ends; minimum zero.

    With hundreds of variables there are local minima, too: at n = 1000, quasi-Newton methods may end at 0.7125.
    """

    def residuals(x: Tensor) -> Tensor:
        padded = pad(x, (1, 1))
        return (3 - 2 * x) * x - padded[:-2] - 2 * padded[2:] + 1

    def back(x: Tensor, r: Tensor) -> Tensor:
        padded = pad(r, (1, 1))
        return (3 - 4 * x) * r - padded[2:] - 2 * padded[:-2]

    def jacobian(x: Tensor) -> Tensor:
        one = torch.ones_like(x[1:])
        return torch.diag(3 - 4 * x) - torch.diag(one, -1) - 2 * torch.diag(one, 1)

    start = torch.full((n,), -1.0, device=device, dtype=dtype)
    return LeastSquares(start_point=start, residuals=residuals, jacobian=jacobian, back=back)


def broyden_banded(*, device: torch.device, dtype: torch.dtype, streams: Streams, n: int) -> LeastSquares:
    """Return problem 31: x_i(2 + 5x_i²) + 1 − Σ x_j(1 + x_j) over five j below i and one above; minimum zero.

    There are local minima, too, where descent from the start may end.
    """

    def residuals(x: Tensor) -> Tensor:
        return x * (2 + 5 * x * x) + 1 - _neighbours(x * (1 + x), below=BELOW, above=ABOVE)

    def back(x: Tensor, r: Tensor) -> Tensor:
        return (2 + 15 * x * x) * r - (1 + 2 * x) * _neighbours(r, below=ABOVE, above=BELOW)

    def jacobian(x: Tensor) -> Tensor:
        band = x.new_ones(n, n).tril(ABOVE).triu(-BELOW).fill_diagonal_(0.0)
        return torch.diag(2 + 15 * x * x) - band * (1 + 2 * x)

    start = torch.full((n,), -1.0, device=device, dtype=dtype)
    minima = Minima(f_star=0.0, source="exact", local=BANDED.get(n, ()))
    return LeastSquares(start_point=start, residuals=residuals, jacobian=jacobian, back=back, minima=minima)


def _neighbours(x: Tensor, *, below: int, above: int) -> Tensor:
    """Return at each i the sum over the neighbours within the band, without x_i itself, (n,)."""
    padded, n = pad(x, (below, above)), len(x)
    first, *others = (padded[below + shift : below + shift + n] for shift in range(-below, above + 1) if shift)
    total = first.clone()
    for other in others:
        total = total + other
    return total
