"""Moré-Garbow-Hillstrom problems 26, 27 and 35: every residual depends on all variables (ACM TOMS 7(1), 1981)."""

# ruff: noqa: ARG001 -- the contract's signatures
from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import pad

from optbench.api import Streams
from optbench_testfunctions.least_squares import LeastSquares, columns, counting, residual_count
from optbench_testfunctions.minima import UNKNOWN, ZERO, Minima, best_known

TRIGONOMETRIC_FROM_START = {10: 2.795056121879456e-5, 50: 5.451715701609079e-6, 100: 1.8409625425277893e-6}
CHEBYQUAD = {
    **dict.fromkeys((1, 2, 3, 4, 5, 6, 7, 9), ZERO),
    8: best_known(0.0035168737256779317),
    10: best_known(
        0.004772713696375349, from_start=0.006503954800882306, local=(0.006503954800882306, 0.009500628850221672)
    ),
    11: best_known(0.0027997615518657666),
}


def trigonometric(*, device: torch.device, dtype: torch.dtype, streams: Streams, n: int) -> LeastSquares:
    """Return problem 26: n − Σ cos x_j + i(1 − cos x_i) − sin x_i, zero at 0; O(n).

    1 − cos x is evaluated as 2 sin²(x/2), which keeps its digits at small x. Descent from the start ends at a local
    minimum; there are many, closer together the larger n is, so that methods end at different ones beyond n = 100.
    """
    index = counting(n, device, dtype)

    def residuals(x: Tensor) -> Tensor:
        versine = 2 * torch.sin(0.5 * x) ** 2
        return versine.sum() + index * versine - torch.sin(x)

    def back(x: Tensor, r: Tensor) -> Tensor:
        sine = torch.sin(x)
        return sine * (r.sum() + index * r) - torch.cos(x) * r

    def jacobian(x: Tensor) -> Tensor:
        sine = torch.sin(x)
        return sine + torch.diag(index * sine - torch.cos(x))

    start = torch.full((n,), 1 / n, device=device, dtype=dtype)
    ends = TRIGONOMETRIC_FROM_START.get(n)
    minima = Minima(f_star=0.0, source="exact", from_start=ends, local=() if ends is None else (ends,))
    return LeastSquares(start_point=start, residuals=residuals, jacobian=jacobian, back=back, minima=minima)


def brown_almost_linear(*, device: torch.device, dtype: torch.dtype, streams: Streams, n: int) -> LeastSquares:
    """Return problem 27: x_i + Σ x_j − (n + 1) for i < n, and Π x_j − 1; zero at ones; O(n).

    From n = 4 on descent may end at (0, …, 0, n + 1), where f = 1: the gradient vanishes there and no curvature is
    negative. Along (−1, …, −1, n) f does fall, but its first n − 2 derivatives are zero.
    """

    def residuals(x: Tensor) -> Tensor:
        return torch.cat((x[:-1] + x.sum() - (n + 1), x.prod()[None] - 1))

    def slopes(x: Tensor) -> Tensor:
        """The products of all components but one; no division, since a component may be 0."""
        before = torch.cumprod(pad(x[:-1], (1, 0), value=1.0), 0)
        after = torch.cumprod(pad(x[1:], (0, 1), value=1.0).flip(0), 0).flip(0)
        return before * after

    def back(x: Tensor, r: Tensor) -> Tensor:
        return pad(r[:-1], (0, 1)) + r[:-1].sum() + r[-1] * slopes(x)

    def jacobian(x: Tensor) -> Tensor:
        return torch.cat((1 + torch.eye(n - 1, n, device=x.device, dtype=x.dtype), slopes(x)[None]))

    start = torch.full((n,), 0.5, device=device, dtype=dtype)
    minima = Minima(f_star=0.0, source="exact", local=(1.0,) if n >= 4 else ())
    return LeastSquares(start_point=start, residuals=residuals, jacobian=jacobian, back=back, minima=minima)


def chebyquad(*, device: torch.device, dtype: torch.dtype, streams: Streams, n: int, m: int) -> LeastSquares:
    """Return problem 35: the means of Chebyshev polynomials T_i, i ≤ m, on [0, 1], less their integrals; O(n m).

    Equally weighted quadrature: zero where such a formula exists, for n = m up to 7 and for 9.
    At n = 10 the least value was long taken to be 0.00650, where descent from the start ends.
    """
    count = residual_count("chebyquad", n, m, usual=n)
    degree = counting(count, device, dtype)
    even = degree.remainder(2) == 0
    integral = torch.where(even, -1 / (degree**2 - 1).clamp(min=1), torch.zeros_like(degree))

    def residuals(x: Tensor) -> Tensor:
        return _chebyshev(2 * x - 1, count).mean(dim=1) - integral

    def jacobian(x: Tensor) -> Tensor:
        return (2 / n) * degree[:, None] * _second_kind(2 * x - 1, count)

    return LeastSquares(
        start_point=counting(n, device, dtype) / (n + 1),
        residuals=residuals,
        jacobian=jacobian,
        minima=CHEBYQUAD.get(n, UNKNOWN) if count == n else UNKNOWN,
    )


def _chebyshev(u: Tensor, count: int) -> Tensor:
    """Return T_1(u), …, T_count(u), (count, n)."""
    return columns(*_recurrence(u, torch.ones_like(u), u, count)).T


def _second_kind(u: Tensor, count: int) -> Tensor:
    """Return U_0(u), …, U_(count−1)(u), (count, n); T_i′ = i U_(i−1)."""
    return columns(*_recurrence(u, torch.zeros_like(u), torch.ones_like(u), count)).T


def _recurrence(u: Tensor, before: Tensor, first: Tensor, count: int) -> list[Tensor]:
    """Return `count` terms of p_(i+1) = 2u p_i − p_(i−1) from `first` on."""
    terms = [first]
    while len(terms) < count:
        terms.append(2 * u * terms[-1] - before)
        before = terms[-2]
    return terms
