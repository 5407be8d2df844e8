"""Moré-Garbow-Hillstrom problem 20 (ACM TOMS 7(1), 1981)."""

# ruff: noqa: ARG001 -- the contract's signatures
from __future__ import annotations

import torch
from torch import Tensor

from optbench.api import Streams
from optbench_testfunctions.least_squares import LeastSquares, counting
from optbench_testfunctions.minima import UNKNOWN, best_known

MINIMA = {
    2: best_known(0.5466078558746469),
    3: best_known(0.47139972252095674),
    4: best_known(0.06958772678589437),
    5: best_known(0.017154366269018683),
    6: best_known(0.0022876700535524362),
    7: best_known(0.00022420710116242558),
    8: best_known(1.8162282123290187e-5),
    9: best_known(1.39976013809902e-6),
    10: best_known(1.0193951822515345e-7),
    11: best_known(7.108383641856468e-9),
    12: best_known(4.722381105891757e-10),
    20: best_known(2.4866163724161812e-20),
}


def watson(*, device: torch.device, dtype: torch.dtype, streams: Streams, n: int) -> LeastSquares:
    """Return problem 20: the polynomial p of degree n − 1 for which p′ − p² = 1 at 29 points, p(0) = 0 and p′(0) = 1.

    Its condition number grows quickly with n.
    """
    at = counting(29, device, dtype)[:, None] / 29
    degree = torch.arange(n, device=device, dtype=dtype)
    powers = at**degree  # (29, n): p at the points
    slopes = degree * at ** (degree - 1).clamp(min=0)  # (29, n): p′ at the points

    def residuals(x: Tensor) -> Tensor:
        ends = torch.stack((x[0], x[1] - x[0] ** 2 - 1))
        return torch.cat((slopes @ x - (powers @ x) ** 2 - 1, ends))

    def jacobian(x: Tensor) -> Tensor:
        ends = x.new_zeros(2, n)
        ends[0, 0], ends[1, 0], ends[1, 1] = 1, -2 * x[0], 1
        return torch.cat((slopes - 2 * (powers @ x)[:, None] * powers, ends))

    return LeastSquares(
        start_point=torch.zeros(n, device=device, dtype=dtype),
        residuals=residuals,
        jacobian=jacobian,
        minima=MINIMA.get(n, UNKNOWN),
    )
