"""Chains: each term shares variables with the next, so that no group of variables is independent; O(n).

Lukšan, Vlček: Sparse and partially separable test problems, V-767, 1999; their `Chained` problems, as sums of squares.
"""

# ruff: noqa: ARG001 -- the contract's signatures
from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import pad

from optbench.api import Streams
from optbench_testfunctions.extended import FIVE, NINETY, TEN, TENTH
from optbench_testfunctions.least_squares import LeastSquares, require_multiple
from optbench_testfunctions.minima import Minima

CHAINED_ROSENBROCK = {10: (3.9865791123471382,), 100: (3.9866238543009337,)}  # near (−1, 1, …, 1)


def chained_rosenbrock(*, device: torch.device, dtype: torch.dtype, streams: Streams, n: int) -> LeastSquares:
    """Return 10(x_(i+1) − x_i²) and 1 − x_i for i < n: zero at ones; another minimum near (−1, 1, …, 1) for n ≥ 4."""

    def residuals(x: Tensor) -> Tensor:
        return torch.cat((10 * (x[1:] - x[:-1] * x[:-1]), 1 - x[:-1]))

    def back(x: Tensor, r: Tensor) -> Tensor:
        bends, distances = 10 * r[: n - 1], r[n - 1 :]
        return pad(bends, (1, 0)) - pad(2 * x[:-1] * bends + distances, (0, 1))

    def jacobian(x: Tensor) -> Tensor:
        identity = torch.eye(n, device=x.device, dtype=x.dtype)
        return torch.cat((10 * identity[1:] - 20 * x[:-1, None] * identity[:-1], -identity[:-1]))

    start = torch.tensor([-1.2, 1.0], device=device, dtype=dtype).repeat((n + 1) // 2)[:n]
    minima = Minima(f_star=0.0, source="exact", local=CHAINED_ROSENBROCK.get(n, ()))
    return LeastSquares(start_point=start, residuals=residuals, jacobian=jacobian, back=back, minima=minima)


def chained_powell_singular(*, device: torch.device, dtype: torch.dtype, streams: Streams, n: int) -> LeastSquares:
    """Return Powell's singular function on variables 1-4, 3-6, 5-8, …: zero at 0, singular there. n is even."""
    require_multiple("chained-powell-singular", n, 2)

    def residuals(x: Tensor) -> Tensor:
        a, b, c, d = _overlapping(x)
        return torch.cat((a + 10 * b, FIVE * (c - d), (b - 2 * c) ** 2, TEN * (a - d) ** 2))

    def back(x: Tensor, r: Tensor) -> Tensor:
        a, b, c, d = _overlapping(x)
        first, second, third, fourth = r.view(4, -1)
        inner, outer = 2 * (b - 2 * c) * third, 2 * TEN * (a - d) * fourth
        return _overlaid(first + outer, 10 * first + inner, FIVE * second - 2 * inner, -FIVE * second - outer)

    start = torch.tensor([3.0, -1.0, 0.0, 1.0], device=device, dtype=dtype).repeat(n // 4 + 1)[:n]
    return LeastSquares(start_point=start, residuals=residuals, jacobian=torch.func.jacrev(residuals), back=back)


def chained_wood(*, device: torch.device, dtype: torch.dtype, streams: Streams, n: int) -> LeastSquares:
    """Return Wood's function on variables 1-4, 3-6, 5-8, …: zero at ones. n is even."""
    require_multiple("chained-wood", n, 2)

    def residuals(x: Tensor) -> Tensor:
        a, b, c, d = _overlapping(x)
        valleys = (10 * (b - a * a), 1 - a, NINETY * (d - c * c), 1 - c)
        return torch.cat((*valleys, TEN * (b + d - 2), TENTH * (b - d)))

    def back(x: Tensor, r: Tensor) -> Tensor:
        a, _, c, _ = _overlapping(x)
        first, second, third, fourth, fifth, sixth = r.view(6, -1)
        first, third, fifth, sixth = 10 * first, NINETY * third, TEN * fifth, TENTH * sixth
        return _overlaid(-2 * a * first - second, first + fifth + sixth, -2 * c * third - fourth, third + fifth - sixth)

    start = torch.tensor([-2.0, 0.0], device=device, dtype=dtype).repeat(n // 2)
    start[:4] = torch.tensor([-3.0, -1.0, -3.0, -1.0], device=device, dtype=dtype)
    return LeastSquares(start_point=start, residuals=residuals, jacobian=torch.func.jacrev(residuals), back=back)


def _overlapping(x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return the four variables of each of the n/2 − 1 groups that begin at every other variable."""
    odd, even = x.reshape(-1, 2).unbind(1)
    return odd[:-1], even[:-1], odd[1:], even[1:]


def _overlaid(a: Tensor, b: Tensor, c: Tensor, d: Tensor) -> Tensor:
    """Return the sums at each variable of what the groups contribute to it, (n,); the transpose of `_overlapping`."""
    odd, even = pad(a, (0, 1)) + pad(c, (1, 0)), pad(b, (0, 1)) + pad(d, (1, 0))
    return torch.stack((odd, even), dim=1).flatten()
