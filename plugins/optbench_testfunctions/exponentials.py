"""Moré-Garbow-Hillstrom problems 6, 11, 12, 16 and 18: exponentials at m points (ACM TOMS 7(1), 1981)."""

# ruff: noqa: ARG001 -- the contract's signatures
from __future__ import annotations

import torch
from torch import Tensor

from optbench.api import Streams
from optbench_testfunctions.least_squares import LeastSquares, columns, counting
from optbench_testfunctions.minima import UNKNOWN, ZERO, Minima, best_known

JENNRICH_SAMPSON = {
    2: best_known(0.2653333001948931),
    3: best_known(1.3871014302100018),
    4: best_known(4.2114334138770735),
    5: best_known(9.775806312440464),
    6: best_known(19.270032486546558),
    7: best_known(34.009488785266335),
    8: best_known(55.415768076433515),
    9: best_known(85.00212582054391),
    10: best_known(124.36218235561485),
    15: best_known(528.1638607582049),
    20: best_known(1449.4796443267223),
}
BROWN_DENNIS = {
    4: best_known(1.0504820847455916e-5),
    5: best_known(0.0001816617122178055),
    10: best_known(1.4432254585707796),
    15: best_known(505.76146291849057),
    20: best_known(85822.20162635634),
    30: best_known(976882218.4505998),
}
BIGGS_EXP6 = Minima(f_star=0.0, source="exact", from_start=0.005655649925499931)


def jennrich_sampson(*, device: torch.device, dtype: torch.dtype, streams: Streams, m: int) -> LeastSquares:
    """Return problem 6: 2 + 2i − exp(i·x₁) − exp(i·x₂); the minimum has x₁ = x₂."""
    index = counting(m, device, dtype)

    def residuals(x: Tensor) -> Tensor:
        return 2 + 2 * index - torch.exp(index * x[0]) - torch.exp(index * x[1])

    def jacobian(x: Tensor) -> Tensor:
        return columns(-index * torch.exp(index * x[0]), -index * torch.exp(index * x[1]))

    return LeastSquares(
        start_point=torch.tensor([0.3, 0.4], device=device, dtype=dtype),
        residuals=residuals,
        jacobian=jacobian,
        minima=JENNRICH_SAMPSON.get(m, UNKNOWN),
    )


def gulf(*, device: torch.device, dtype: torch.dtype, streams: Streams, m: int) -> LeastSquares:
    """Return problem 11: zero at (50, 25, 1.5).

    The paper prints the base of the power as y·m·i·x₂; y − x₂ is meant, which has the zero. At m = 100 the last y
    is the minimiser's x₂, where the residual has no second derivative.
    """
    fraction = counting(m, device, dtype) / 100
    observed = 25 + (-50 * torch.log(fraction)) ** (2 / 3)

    def parts(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        distance = torch.abs(observed - x[1])
        power = distance ** x[2]
        return distance, power, torch.exp(-power / x[0])

    def residuals(x: Tensor) -> Tensor:
        return parts(x)[2] - fraction

    def jacobian(x: Tensor) -> Tensor:
        distance, power, decay = parts(x)
        scaled = decay / x[0]
        side = torch.sign(observed - x[1])
        slope = scaled * x[2] * distance ** (x[2] - 1) * side
        return columns(scaled * power / x[0], slope, -scaled * torch.xlogy(power, distance))

    start = torch.tensor([5.0, 2.5, 0.15], device=device, dtype=dtype)
    return LeastSquares(start_point=start, residuals=residuals, jacobian=jacobian)


def box_3d(*, device: torch.device, dtype: torch.dtype, streams: Streams, m: int) -> LeastSquares:
    """Return problem 12: zero at (1, 10, 1), at (10, 1, −1) and wherever x₁ = x₂ and x₃ = 0."""
    time = counting(m, device, dtype) / 10
    difference = torch.exp(-time) - torch.exp(-10 * time)

    def residuals(x: Tensor) -> Tensor:
        return torch.exp(-time * x[0]) - torch.exp(-time * x[1]) - x[2] * difference

    def jacobian(x: Tensor) -> Tensor:
        return columns(-time * torch.exp(-time * x[0]), time * torch.exp(-time * x[1]), -difference)

    start = torch.tensor([0.0, 10.0, 20.0], device=device, dtype=dtype)
    return LeastSquares(start_point=start, residuals=residuals, jacobian=jacobian)


def brown_dennis(*, device: torch.device, dtype: torch.dtype, streams: Streams, m: int) -> LeastSquares:
    """Return problem 16: large residuals at the minimum."""
    time = counting(m, device, dtype) / 5
    grown, sine, cosine = time.exp(), time.sin(), time.cos()

    def parts(x: Tensor) -> tuple[Tensor, Tensor]:
        return x[0] + time * x[1] - grown, x[2] + sine * x[3] - cosine

    def residuals(x: Tensor) -> Tensor:
        first, second = parts(x)
        return first**2 + second**2

    def jacobian(x: Tensor) -> Tensor:
        first, second = parts(x)
        return 2 * columns(first, first * time, second, second * sine)

    return LeastSquares(
        start_point=torch.tensor([25.0, 5.0, -5.0, -1.0], device=device, dtype=dtype),
        residuals=residuals,
        jacobian=jacobian,
        minima=BROWN_DENNIS.get(m, UNKNOWN),
    )


def biggs_exp6(*, device: torch.device, dtype: torch.dtype, streams: Streams, m: int) -> LeastSquares:
    """Return problem 18: zero at (1, 10, 1, 5, 4, 3) and where its exponentials change places.

    The start has x₁ = x₅ and x₃ = x₆; gradients preserve that, so first-order methods end at the least such point,
    which is a saddle. Rounding, or curvature, leads away from it.
    """
    time = counting(m, device, dtype) / 10
    observed = torch.exp(-time) - 5 * torch.exp(-10 * time) + 3 * torch.exp(-4 * time)

    def exponentials(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return torch.exp(-time * x[0]), torch.exp(-time * x[1]), torch.exp(-time * x[4])

    def residuals(x: Tensor) -> Tensor:
        first, second, third = exponentials(x)
        return x[2] * first - x[3] * second + x[5] * third - observed

    def jacobian(x: Tensor) -> Tensor:
        first, second, third = exponentials(x)
        decays = (-time * x[2] * first, time * x[3] * second, -time * x[5] * third)
        return columns(decays[0], decays[1], first, -second, decays[2], third)

    start = torch.tensor([1.0, 2.0, 1.0, 1.0, 1.0, 1.0], device=device, dtype=dtype)
    minima = BIGGS_EXP6 if m == 13 else ZERO
    return LeastSquares(start_point=start, residuals=residuals, jacobian=jacobian, minima=minima)
