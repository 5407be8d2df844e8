"""Strictly convex quadratics with a chosen spectrum, dense but applied in O(n)."""

# ruff: noqa: ARG001 -- the contract's signatures
from __future__ import annotations

import copy
import math
from collections.abc import Callable

import torch
from torch import Tensor

from optbench.api import Point, Streams

REFLECTIONS = 3
GOLDEN_RATIO = 0.6180339887498949


class Quadratic:
    """f(θ) = ½ θᵀAθ − bᵀθ with A = Q diag(λ) Q and b = A θ*, evaluated as ½ (θ − θ*)ᵀA(θ − θ*) + f*.

    Q = I − 2VᵀV is the product of a few Householder reflections with mutually orthogonal vectors, the rows of V, so it
    is orthogonal, symmetric and dense. Only V and λ are stored; A itself is formed where `hessian` asks for it.
    The shifted form keeps f − f* accurate to the last digits, which ½ θᵀAθ − bᵀθ loses near the minimum.

    The start is θ = 0, where f = 0. `components` are those of Qθ*, along the eigenvectors: see `MINIMISERS`.
    """

    f_star_source = "exact"
    f_star_from_start = None

    def __init__(self, eigenvalues: Tensor, components: Tensor, *, device: torch.device, dtype: torch.dtype) -> None:
        """Build from λ > 0 and the components of the minimiser, float64 of shape (n,) on the CPU."""
        self.size = len(eigenvalues)
        vectors = reflection_vectors(self.size)
        minimiser = reflect(vectors, components)
        self.eigenvalues = eigenvalues.to(device, dtype)
        self.vectors = vectors.to(device, dtype)
        self.minimiser = minimiser.to(device, dtype)
        self.minimum = -0.5 * self._energy(self.minimiser)
        self.f_star = float(self.minimum)

    def start(self, streams: Streams) -> Point:
        """Return the origin."""
        return Point(parameters=torch.zeros_like(self.minimiser))

    def value(self, x: Tensor) -> Tensor:
        """Return f(x)."""
        return 0.5 * self._energy(x - self.minimiser) + self.minimum

    def gradient(self, x: Tensor) -> Tensor:
        """Return A(x − θ*)."""
        return self.hessian_vector(x, x - self.minimiser)

    def value_and_gradient(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return f(x) and A(x − θ*) for one product with A."""
        error = x - self.minimiser
        gradient = self.hessian_vector(x, error)
        return 0.5 * error.dot(gradient) + self.minimum, gradient

    def hessian_vector(self, x: Tensor, v: Tensor) -> Tensor:
        """Return A v, in O(n)."""
        return reflect(self.vectors, self.eigenvalues * reflect(self.vectors, v))

    def hessian(self, x: Tensor) -> Tensor:
        """Return A, (n, n), in O(n²)."""
        reflected = torch.diag(self.eigenvalues).addmm(self.vectors.T, self.vectors * self.eigenvalues, alpha=-2.0)
        return reflected.addmm(reflected @ self.vectors.T, self.vectors, alpha=-2.0)

    def line_minimum(self, x: Tensor, direction: Tensor) -> Tensor:
        """Return the step that minimises f along a non-zero direction: −dᵀA(x − θ*) / dᵀAd."""
        slope = direction.dot(self.gradient(x))
        return -slope / self._energy(direction)

    def blurred(self, sigma: float) -> Quadratic:
        """Return E f(θ + σz) over z ~ N(0, I): the same quadratic, ½σ² tr A higher."""
        raised = copy.copy(self)
        raised.minimum = self.minimum + 0.5 * sigma**2 * self.eigenvalues.sum()
        raised.f_star = float(raised.minimum)
        return raised

    def _energy(self, v: Tensor) -> Tensor:
        """Return vᵀAv as a sum of non-negative terms."""
        reflected = reflect(self.vectors, v)
        return self.eigenvalues.dot(reflected * reflected)


def reflect(vectors: Tensor, v: Tensor) -> Tensor:
    """Return v − 2 Vᵀ(V v) for orthonormal rows V, (k, n), and v, (n,)."""
    return torch.addmv(v, vectors.T, vectors.mv(v), alpha=-2.0)


def reflection_vectors(size: int) -> Tensor:
    """Return orthonormal dense vectors, (k, n), the same on every machine: no random numbers."""
    index = torch.arange(1, size + 1, dtype=torch.float64)
    harmonics = torch.arange(1, min(REFLECTIONS, size) + 1, dtype=torch.float64)
    columns = torch.outer(index, harmonics.sqrt() * GOLDEN_RATIO).frac() - 0.4
    orthonormal: Tensor = torch.linalg.qr(columns).Q
    return orthonormal.T.contiguous()


def log_uniform(size: int, condition: float, clusters: int) -> Tensor:
    """Return eigenvalues from 1 down to 1/condition, equally spaced in logarithm."""
    return torch.logspace(0.0, -math.log10(condition), size, dtype=torch.float64)


def linear(size: int, condition: float, clusters: int) -> Tensor:
    """Return eigenvalues from 1 down to 1/condition, equally spaced."""
    return torch.linspace(1.0, 1.0 / condition, size, dtype=torch.float64)


def clustered(size: int, condition: float, clusters: int) -> Tensor:
    """Return eigenvalues that take `clusters` distinct values, equally spaced in logarithm, equally often."""
    values = log_uniform(min(clusters, size), condition, clusters)
    return values.index_select(0, torch.arange(size) * len(values) // size)


def equal_energy(eigenvalues: Tensor) -> Tensor:
    """Return λ^(−½): each eigenvector carries the same share, ½, of f(0) − f* = n/2, so none can be left unreduced."""
    return eigenvalues.rsqrt()


def worst_case(eigenvalues: Tensor) -> Tensor:
    """Return 1/λ at the two extreme eigenvalues (those of least and largest index) and 0 between.

    The gradient at the start then has the same component along both, and steepest descent with exact line search is as
    slow as it can be: each step multiplies f − f* by ((κ − 1)/(κ + 1))² (Akaike 1959; Nocedal & Wright 2006, theorem
    3.3 with equality), for ever.
    """
    components = torch.zeros_like(eigenvalues)
    components[[0, -1]] = eigenvalues[[0, -1]].reciprocal()
    return components


MINIMISERS: dict[str, Callable[[Tensor], Tensor]] = {"equal-energy": equal_energy, "worst-case": worst_case}

SPECTRA: dict[str, Callable[[int, float, int], Tensor]] = {
    "log-uniform": log_uniform,
    "linear": linear,
    "clustered": clustered,
}


def make_quadratic(
    *,
    device: torch.device,
    dtype: torch.dtype,
    streams: Streams,
    n: int,
    condition: float,
    spectrum: str,
    clusters: int,
    minimiser: str,
) -> Quadratic:
    """Return the quadratic of n parameters whose eigenvalues lie in [1/condition, 1]."""
    eigenvalues = SPECTRA[spectrum](n, condition, clusters)
    return Quadratic(eigenvalues, MINIMISERS[minimiser](eigenvalues), device=device, dtype=dtype)
