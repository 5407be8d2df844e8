"""Small functions that show one thing each: where a method must stop, can't stop, or goes round in circles."""

# ruff: noqa: ARG001 -- the contract's signatures
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from optbench.api import Point, Streams
from optbench_testfunctions.minima import UNKNOWN, ZERO, Minima, Stated, exact


@dataclass(frozen=True, kw_only=True, eq=False)
class Function(Stated):
    """A function by its value; derivatives come from autograd."""

    value: Callable[[Tensor], Tensor]  # (n,) -> ()
    start_point: Tensor  # (n,)
    minima: Minima

    @property
    def size(self) -> int:
        """The number of parameters."""
        return len(self.start_point)

    def start(self, streams: Streams) -> Point:
        """Return the start."""
        return Point(parameters=self.start_point.clone())


@dataclass(frozen=True, kw_only=True, eq=False)
class ConstantCurvature(Function):
    """A function of degree two, whose Gaussian blur lies ½σ² tr H above it."""

    trace: float  # of the Hessian

    def blurred(self, sigma: float) -> ConstantCurvature:
        """Return E f(x + σz) over z ~ N(0, I)."""
        rise = 0.5 * sigma**2 * self.trace
        known = self.minima.f_star
        minima = UNKNOWN if known is None else replace(self.minima, f_star=known + rise)
        return replace(self, value=lambda x: self.value(x) + rise, minima=minima)


def indefinite_quadratic(*, device: torch.device, dtype: torch.dtype, streams: Streams, n: int) -> Function:
    """Return ½ Σ λ_i x_i² with λ from 1 down to −1: a saddle at 0, unbounded below.

    The start has 1 where λ > 0 and 10⁻⁶ elsewhere: descent passes the saddle closely before it finds the way down.
    """
    eigenvalues = torch.linspace(1.0, -1.0, n, device=device, dtype=dtype)
    start = torch.where(eigenvalues > 0, eigenvalues.new_tensor(1.0), eigenvalues.new_tensor(1e-6))
    value: Callable[[Tensor], Tensor] = lambda x: 0.5 * eigenvalues.dot(x * x)  # noqa: E731
    return ConstantCurvature(value=value, start_point=start, minima=UNKNOWN, trace=0.0)


def concave_quadratic(*, device: torch.device, dtype: torch.dtype, streams: Streams, n: int) -> Function:
    """Return −‖x‖²: every direction is one of negative curvature; unbounded below. The start is at ones."""
    start = torch.ones(n, device=device, dtype=dtype)
    return ConstantCurvature(value=lambda x: -x.dot(x), start_point=start, minima=UNKNOWN, trace=-2.0 * n)


def square_root(*, device: torch.device, dtype: torch.dtype, streams: Streams, start: float) -> Function:
    """Return √(1 + x²): Newton's full step maps x to −x³, so it converges from |x| < 1 only."""
    point = torch.full((1,), start, device=device, dtype=dtype)
    return Function(value=lambda x: torch.sqrt(1 + x.dot(x)), start_point=point, minima=exact(1.0))


def coupled_pair(*, device: torch.device, dtype: torch.dtype, streams: Streams, alpha: float) -> Function:
    """Return (x₁ − x₂)² + α‖x‖²: each sweep of exact coordinate descent multiplies x by (1 + α)⁻², so f by (1 + α)⁻⁴.

    Along x₁ the minimum is at x₂/(1 + α), along x₂ at x₁/(1 + α): a sweep ends where x₁ = (1 + α) x₂, and x₂ falls by
    both factors. The start is (1 + α, 1), on that line, so that the first sweep is like all others.
    """
    start = torch.tensor([1 + alpha, 1.0], device=device, dtype=dtype)
    value: Callable[[Tensor], Tensor] = lambda x: (x[0] - x[1]) ** 2 + alpha * x.dot(x)  # noqa: E731
    return ConstantCurvature(value=value, start_point=start, minima=ZERO, trace=4 + 4 * alpha)


def kinked_pair(*, device: torch.device, dtype: torch.dtype, streams: Streams) -> Function:
    """Return |x₁ − x₂| + 0.1‖x‖²: coordinate descent gets stuck on the kink x₁ = x₂. The start is (1, ½)."""
    start = torch.tensor([1.0, 0.5], device=device, dtype=dtype)
    return Function(value=lambda x: torch.abs(x[0] - x[1]) + 0.1 * x.dot(x), start_point=start, minima=ZERO)


def powell_cycling(*, device: torch.device, dtype: torch.dtype, streams: Streams, epsilon: float) -> Function:
    """Return −x₁x₂ − x₂x₃ − x₃x₁ + Σ (|x_i| − 1)₊²: exact coordinate descent circles six corners of a cube.

    From (−1 − ε, 1 + ε/2, −1 − ε/4) each step multiplies the overshoot of a corner by −⅛; the gradient stays large.
    f is unbounded below along (1, 1, 1).
    """
    start = torch.tensor([-1 - epsilon, 1 + epsilon / 2, -1 - epsilon / 4], device=device, dtype=dtype)

    def value(x: Tensor) -> Tensor:
        outside = torch.relu(torch.abs(x) - 1)
        return outside.dot(outside) - x[0] * x[1] - x[1] * x[2] - x[2] * x[0]

    return Function(value=value, start_point=start, minima=UNKNOWN)
