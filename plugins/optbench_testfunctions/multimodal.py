"""Functions of many minima, for continuation; some know their Gaussian blur, E f(x + σz) with z ~ N(0, I)."""

# ruff: noqa: ARG001 -- the contract's signatures
from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from optbench.api import Point, Streams
from optbench_testfunctions.least_squares import counting
from optbench_testfunctions.minima import UNKNOWN, ZERO, Minima, Stated, best_known

Blurred = Callable[[Tensor, float], Tensor]  # x (n,), σ -> ()


@dataclass(frozen=True, kw_only=True, eq=False)
class Landscape(Stated):
    """A function with many minima; the start is drawn from the seed, uniformly in ±`reach`, unless one is given."""

    size: int
    value: Callable[[Tensor], Tensor]  # (n,) -> ()
    reach: float
    device: torch.device
    dtype: torch.dtype
    start_point: Tensor | None = None  # (n,)
    minima: Minima = ZERO

    def start(self, streams: Streams) -> Point:
        """Return the start."""
        if self.start_point is not None:
            return Point(parameters=self.start_point.clone())
        uniform = torch.rand(self.size, generator=streams("start"), dtype=torch.float64)
        return Point(parameters=((2 * uniform - 1) * self.reach).to(self.device, self.dtype))


@dataclass(frozen=True, kw_only=True, eq=False)
class BlurrableLandscape(Landscape):
    """A landscape whose Gaussian blur is known in closed form."""

    blur: Blurred  # agrees with `value` at σ = 0

    def blurred(self, sigma: float) -> Landscape:
        """Return E f(x + σz) as a problem from the same start; its minimum is not known."""
        if sigma == 0:
            return self
        return replace(self, value=lambda x: self.blur(x, sigma), minima=UNKNOWN)


def rastrigin(*, device: torch.device, dtype: torch.dtype, streams: Streams, n: int) -> BlurrableLandscape:
    """Return Σ x_i² + 10(1 − cos 2πx_i): about 11ⁿ minima in the box; enough blur makes it convex."""

    def blur(x: Tensor, sigma: float) -> Tensor:
        kept = math.exp(-2 * (math.pi * sigma) ** 2)  # of a cosine of frequency 1
        waves = 20 * kept * torch.sin(math.pi * x) ** 2 + 10 * (1 - kept)  # 1 − cos, without cancellation
        return (x * x + waves).sum() + n * sigma**2

    return BlurrableLandscape(size=n, value=lambda x: blur(x, 0.0), blur=blur, reach=5.12, device=device, dtype=dtype)


def griewank(*, device: torch.device, dtype: torch.dtype, streams: Streams, n: int) -> BlurrableLandscape:
    """Return 1 + ‖x‖²/4000 − Π cos(x_i/√i); the more variables, the flatter its ripples."""
    frequency = counting(n, device, dtype).rsqrt()

    def blur(x: Tensor, sigma: float) -> Tensor:
        kept = torch.exp(-0.5 * (sigma * frequency) ** 2)
        return 1 + (x.dot(x) + n * sigma**2) / 4000 - (kept * torch.cos(frequency * x)).prod()

    return BlurrableLandscape(size=n, value=lambda x: blur(x, 0.0), blur=blur, reach=600.0, device=device, dtype=dtype)


def ackley(*, device: torch.device, dtype: torch.dtype, streams: Streams, n: int) -> Landscape:
    """Return 20(1 − exp(−0.2 rms x)) + e − exp(mean cos 2πx_i): a funnel with a kink at its bottom, 0."""

    def value(x: Tensor) -> Tensor:
        spread = torch.linalg.vector_norm(x) / math.sqrt(n)
        ripples = (torch.sin(math.pi * x) ** 2).mean()  # (1 − mean cos 2πx) / 2
        return -20 * torch.expm1(-0.2 * spread) - math.e * torch.expm1(-2 * ripples)

    return Landscape(size=n, value=value, reach=32.768, device=device, dtype=dtype)


DEEP, WIDE = (2.0, 0.25, 2.0), (1.0, 1.5, -2.0)  # depth, width, place of the two wells
DOUBLE_WELL = best_known(-1.9488330875355124, local=(-0.9266240363164160,))


def double_well(*, device: torch.device, dtype: torch.dtype, streams: Streams, n: int) -> BlurrableLandscape:
    """Return ‖x‖²/50 less two Gaussian wells along x₁: a narrow deep one at 2 and a wide shallow one at −2.

    Blur fills the narrow well first, so the blurred minimum lies in the wide one and leads there: continuation must
    fail. The start is at x₁ = 3, beside the deep well, with all other variables at 1.
    """

    def blur(x: Tensor, sigma: float) -> Tensor:
        wells = x.new_zeros(1)
        for depth, width, place in (DEEP, WIDE):
            broader = math.hypot(width, sigma)
            wells = wells + depth * width / broader * torch.exp(-0.5 * ((x[:1] - place) / broader) ** 2)
        return (x.dot(x) + n * sigma**2) / 50 - wells.sum()

    start = torch.ones(n, device=device, dtype=dtype)
    start[0] = 3.0
    return BlurrableLandscape(
        size=n,
        value=lambda x: blur(x, 0.0),
        blur=blur,
        reach=4.0,
        device=device,
        dtype=dtype,
        start_point=start,
        minima=DOUBLE_WELL,
    )
