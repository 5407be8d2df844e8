"""Moré-Garbow-Hillstrom problems 8 to 10, 15, 17 and 19: fits to data (ACM TOMS 7(1), 1981; the numbers are theirs)."""

# ruff: noqa: ARG001 -- the contract's signatures
from __future__ import annotations

import torch
from torch import Tensor

from optbench.api import Streams
from optbench_testfunctions.least_squares import LeastSquares, columns, counting
from optbench_testfunctions.minima import best_known

# fmt: off
BARD = (0.14, 0.18, 0.22, 0.25, 0.29, 0.32, 0.35, 0.39, 0.37, 0.58, 0.73, 0.96, 1.34, 2.10, 4.39)
GAUSSIAN = (
    0.0009, 0.0044, 0.0175, 0.0540, 0.1295, 0.2420, 0.3521, 0.3989,
    0.3521, 0.2420, 0.1295, 0.0540, 0.0175, 0.0044, 0.0009,
)
MEYER = (
    34780.0, 28610.0, 23650.0, 19630.0, 16370.0, 13720.0, 11540.0, 9744.0,
    8261.0, 7030.0, 6005.0, 5147.0, 4427.0, 3820.0, 3307.0, 2872.0,
)
KOWALIK_OSBORNE = (0.1957, 0.1947, 0.1735, 0.1600, 0.0844, 0.0627, 0.0456, 0.0342, 0.0323, 0.0235, 0.0246)
KOWALIK_OSBORNE_AT = (4.0, 2.0, 1.0, 0.5, 0.25, 0.167, 0.125, 0.1, 0.0833, 0.0714, 0.0625)
OSBORNE_1 = (
    0.844, 0.908, 0.932, 0.936, 0.925, 0.908, 0.881, 0.850, 0.818, 0.784, 0.751, 0.718, 0.685, 0.658, 0.628, 0.603,
    0.580, 0.558, 0.538, 0.522, 0.506, 0.490, 0.478, 0.467, 0.457, 0.448, 0.438, 0.431, 0.424, 0.420, 0.414, 0.411,
    0.406,
)
OSBORNE_2 = (
    1.366, 1.191, 1.112, 1.013, 0.991, 0.885, 0.831, 0.847, 0.786, 0.725, 0.746, 0.679, 0.608, 0.655, 0.616, 0.606,
    0.602, 0.626, 0.651, 0.724, 0.649, 0.649, 0.694, 0.644, 0.624, 0.661, 0.612, 0.558, 0.533, 0.495, 0.500, 0.423,
    0.395, 0.375, 0.372, 0.391, 0.396, 0.405, 0.428, 0.429, 0.523, 0.562, 0.607, 0.653, 0.672, 0.708, 0.633, 0.668,
    0.645, 0.632, 0.591, 0.559, 0.597, 0.625, 0.739, 0.710, 0.729, 0.720, 0.636, 0.581, 0.428, 0.292, 0.162, 0.098,
    0.054,
)
# fmt: on


def bard(*, device: torch.device, dtype: torch.dtype, streams: Streams) -> LeastSquares:
    """Return problem 8: a rational function; another minimum, 17.4286, lies at infinity."""
    observed = torch.tensor(BARD, device=device, dtype=dtype)
    up = counting(15, device, dtype)
    down = 16 - up
    low = torch.minimum(up, down)

    def residuals(x: Tensor) -> Tensor:
        return observed - x[0] - up / (down * x[1] + low * x[2])

    def jacobian(x: Tensor) -> Tensor:
        slope = up / (down * x[1] + low * x[2]) ** 2
        return columns(-torch.ones_like(slope), slope * down, slope * low)

    return LeastSquares(
        start_point=torch.ones(3, device=device, dtype=dtype),
        residuals=residuals,
        jacobian=jacobian,
        minima=best_known(0.008214877306578975, local=(17.428693333333333,)),
    )


def gaussian(*, device: torch.device, dtype: torch.dtype, streams: Streams) -> LeastSquares:
    """Return problem 9: height, sharpness and place of a bell curve; the residuals at the minimum are tiny."""
    observed = torch.tensor(GAUSSIAN, device=device, dtype=dtype)
    at = (8 - counting(15, device, dtype)) / 2

    def bell(x: Tensor) -> tuple[Tensor, Tensor]:
        offset = at - x[2]
        return offset, torch.exp(-0.5 * offset**2 * x[1])

    def residuals(x: Tensor) -> Tensor:
        return x[0] * bell(x)[1] - observed

    def jacobian(x: Tensor) -> Tensor:
        offset, height = bell(x)
        return columns(height, -0.5 * x[0] * offset**2 * height, x[0] * x[1] * offset * height)

    return LeastSquares(
        start_point=torch.tensor([0.4, 1.0, 0.0], device=device, dtype=dtype),
        residuals=residuals,
        jacobian=jacobian,
        minima=best_known(1.127932769618648e-8),
    )


def meyer(*, device: torch.device, dtype: torch.dtype, streams: Streams) -> LeastSquares:
    """Return problem 10: the resistance of a thermistor; a long, thin, curved valley."""
    observed = torch.tensor(MEYER, device=device, dtype=dtype)
    temperature = 45 + 5 * counting(16, device, dtype)

    def parts(x: Tensor) -> tuple[Tensor, Tensor]:
        shifted = temperature + x[2]
        return shifted, torch.exp(x[1] / shifted)

    def residuals(x: Tensor) -> Tensor:
        return x[0] * parts(x)[1] - observed

    def jacobian(x: Tensor) -> Tensor:
        shifted, growth = parts(x)
        slope = x[0] * growth / shifted
        return columns(growth, slope, -slope * x[1] / shifted)

    return LeastSquares(
        start_point=torch.tensor([0.02, 4000.0, 250.0], device=device, dtype=dtype),
        residuals=residuals,
        jacobian=jacobian,
        minima=best_known(87.94585517085113),
    )


def kowalik_osborne(*, device: torch.device, dtype: torch.dtype, streams: Streams) -> LeastSquares:
    """Return problem 15: a rational function of enzyme kinetics; another minimum, 1.02734e-3, lies at infinity."""
    observed = torch.tensor(KOWALIK_OSBORNE, device=device, dtype=dtype)
    at = torch.tensor(KOWALIK_OSBORNE_AT, device=device, dtype=dtype)

    def fraction(x: Tensor) -> tuple[Tensor, Tensor]:
        return at * (at + x[1]), at * (at + x[2]) + x[3]

    def residuals(x: Tensor) -> Tensor:
        over, under = fraction(x)
        return observed - x[0] * over / under

    def jacobian(x: Tensor) -> Tensor:
        over, under = fraction(x)
        quotient = over / under
        slope = x[0] * quotient / under
        return columns(-quotient, -x[0] * at / under, slope * at, slope)

    return LeastSquares(
        start_point=torch.tensor([0.25, 0.39, 0.415, 0.39], device=device, dtype=dtype),
        residuals=residuals,
        jacobian=jacobian,
        minima=best_known(0.0003075056038492374, local=(0.0010273430486954578,)),
    )


def osborne_1(*, device: torch.device, dtype: torch.dtype, streams: Streams) -> LeastSquares:
    """Return problem 17: a constant and two exponentials, nearly alike, in five parameters."""
    observed = torch.tensor(OSBORNE_1, device=device, dtype=dtype)
    time = 10 * (counting(33, device, dtype) - 1)

    def residuals(x: Tensor) -> Tensor:
        return observed - (x[0] + x[1] * torch.exp(-time * x[3]) + x[2] * torch.exp(-time * x[4]))

    def jacobian(x: Tensor) -> Tensor:
        first, second = torch.exp(-time * x[3]), torch.exp(-time * x[4])
        return columns(-torch.ones_like(time), -first, -second, x[1] * time * first, x[2] * time * second)

    return LeastSquares(
        start_point=torch.tensor([0.5, 1.5, -1.0, 0.01, 0.02], device=device, dtype=dtype),
        residuals=residuals,
        jacobian=jacobian,
        minima=best_known(5.464894697482906e-5),
    )


def osborne_2(*, device: torch.device, dtype: torch.dtype, streams: Streams) -> LeastSquares:
    """Return problem 19: an exponential (x₁, x₅) and three bells of heights x₂₋₄, sharpnesses x₆₋₈ and places x₉₋₁₁."""
    observed = torch.tensor(OSBORNE_2, device=device, dtype=dtype)
    time = (counting(65, device, dtype) - 1) / 10

    def parts(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        offset = time[:, None] - x[8:]
        return torch.exp(-time * x[4]), offset, torch.exp(-(offset**2) * x[5:8])

    def residuals(x: Tensor) -> Tensor:
        decay, _, bells = parts(x)
        return observed - x[0] * decay - bells @ x[1:4]

    def jacobian(x: Tensor) -> Tensor:
        decay, offset, bells = parts(x)
        slope = x[1:4] * offset * bells
        return torch.cat(
            (-decay[:, None], -bells, (x[0] * time * decay)[:, None], slope * offset, -2 * x[5:8] * slope), dim=1
        )

    start = (1.3, 0.65, 0.65, 0.7, 0.6, 3.0, 5.0, 7.0, 2.0, 4.5, 5.5)
    return LeastSquares(
        start_point=torch.tensor(start, device=device, dtype=dtype),
        residuals=residuals,
        jacobian=jacobian,
        minima=best_known(0.040137736293547738),
    )
