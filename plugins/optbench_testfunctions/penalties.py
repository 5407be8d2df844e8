"""Moré-Garbow-Hillstrom problems 23 to 25: one residual that joins all variables (ACM TOMS 7(1), 1981); O(n)."""

# ruff: noqa: ARG001 -- the contract's signatures
from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import pad

from optbench.api import Streams
from optbench_testfunctions.least_squares import LeastSquares, counting
from optbench_testfunctions.minima import UNKNOWN, Minima, best_known, exact

WEIGHT = 1e-5
PENALTY_2 = {
    2: best_known(8.066390041118848e-7),
    3: best_known(3.1981283323529775e-6),
    4: best_known(9.376293007355442e-6),
    5: best_known(2.1387545317713596e-5),
    10: best_known(0.00029366053745674594),
    20: best_known(0.006389680455355763),
}


def penalty_1(*, device: torch.device, dtype: torch.dtype, streams: Streams, n: int) -> LeastSquares:
    """Return problem 23: √a (x − 1) and ‖x‖² − ¼ with a = 10⁻⁵; the minimiser's components are all alike."""
    root = WEIGHT**0.5

    def residuals(x: Tensor) -> Tensor:
        return torch.cat((root * (x - 1), x.dot(x)[None] - 0.25))

    def back(x: Tensor, r: Tensor) -> Tensor:
        return root * r[:n] + 2 * r[n] * x

    def jacobian(x: Tensor) -> Tensor:
        return torch.cat((root * torch.eye(n, device=x.device, dtype=x.dtype), 2 * x[None]))

    return LeastSquares(
        start_point=counting(n, device, dtype),
        residuals=residuals,
        jacobian=jacobian,
        back=back,
        minima=penalty_1_minima(n),
    )


def penalty_1_minima(n: int) -> Minima:
    """Return f* from the positive root t of a(t − 1) + 2t(nt² − ¼) = 0.

    The gradient, 2a(x_i − 1) + 4 x_i (‖x‖² − ¼), vanishes for all i only if all x_i are alike: x_i = t.
    Newton's method from above, where the cubic is convex and rising, falls on to the root.
    """
    t = 1.0
    for _ in range(200):
        cubic = WEIGHT * (t - 1) + 2 * t * (n * t * t - 0.25)
        smaller = t - cubic / (WEIGHT + 6 * n * t * t - 0.5)
        if not smaller < t:
            break
        t = smaller
    excess = WEIGHT * (1 - t) / (2 * t)  # n t² − ¼, without cancellation
    return exact(n * WEIGHT * (1 - t) ** 2 + excess**2)


def penalty_2(*, device: torch.device, dtype: torch.dtype, streams: Streams, n: int) -> LeastSquares:
    """Return problem 24: sums of neighbouring exponentials, exponentials, and Σ (n − j + 1) x_j² − 1."""
    root = WEIGHT**0.5
    ends = torch.exp(counting(n, device, dtype) / 10)
    target = ends[1:] + ends[:-1]
    weight = counting(n, device, dtype).flip(0)

    def residuals(x: Tensor) -> Tensor:
        grown = torch.exp(x / 10)
        sums, singles = root * (grown[1:] + grown[:-1] - target), root * (grown[1:] - math.exp(-0.1))
        return torch.cat((x[:1] - 0.2, sums, singles, weight.dot(x * x)[None] - 1))

    def back(x: Tensor, r: Tensor) -> Tensor:
        slope = 0.1 * root * torch.exp(x / 10)
        sums, singles = r[1:n], r[n : 2 * n - 1]
        first = pad(r[:1], (0, n - 1))
        return first + slope * (pad(sums + singles, (1, 0)) + pad(sums, (0, 1))) + 2 * r[-1] * weight * x

    def jacobian(x: Tensor) -> Tensor:
        slope = torch.diag(0.1 * root * torch.exp(x / 10))
        first = torch.eye(1, n, device=x.device, dtype=x.dtype)
        return torch.cat((first, slope[1:] + slope[:-1], slope[1:], (2 * weight * x)[None]))

    return LeastSquares(
        start_point=torch.full((n,), 0.5, device=device, dtype=dtype),
        residuals=residuals,
        jacobian=jacobian,
        back=back,
        minima=PENALTY_2.get(n, UNKNOWN),
    )


def variably_dimensioned(*, device: torch.device, dtype: torch.dtype, streams: Streams, n: int) -> LeastSquares:
    """Return problem 25: x − 1, s and s² with s = Σ j(x_j − 1); zero at ones."""
    weight = counting(n, device, dtype)

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
