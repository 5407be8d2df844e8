"""Quadratics with tridiagonal matrices, of any number of variables; O(n) but for the Hessian."""

# ruff: noqa: ARG001 -- the contract's signatures
from __future__ import annotations

import torch
from torch import Tensor

from optbench.api import Point, Streams
from optbench_testfunctions.least_squares import counting


class Tridiagonal:
    """f(x) = ½ Σ w_i (u d_i − d_(i−1))² + ½ l d_n² with d = x − x* and d_0 = 0: ½ dᵀA d, A tridiagonal.

    As a sum of squares f keeps its digits down to the minimum of zero.
    """

    f_star = 0.0
    f_star_source = "exact"
    f_star_from_start = None

    def __init__(self, weights: Tensor, *, ratio: float, last: float, start: Tensor, minimiser: Tensor) -> None:
        """Build from w, (n,), the ratio u, l, the start and x*, both (n,)."""
        self.size = len(weights)
        self.weights, self.ratio, self.last = weights, ratio, last
        self.minimiser, self._start = minimiser, start

    def start(self, streams: Streams) -> Point:
        """Return the start."""
        return Point(parameters=self._start.clone())

    def value(self, x: Tensor) -> Tensor:
        """Return f(x)."""
        return 0.5 * self._energy(x - self.minimiser)

    def gradient(self, x: Tensor) -> Tensor:
        """Return A(x − x*)."""
        return self.hessian_vector(x, x - self.minimiser)

    def value_and_gradient(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return f(x) and A(x − x*)."""
        error = x - self.minimiser
        return 0.5 * self._energy(error), self.hessian_vector(x, error)

    def hessian_vector(self, x: Tensor, v: Tensor) -> Tensor:
        """Return A v."""
        rows = self.weights * self._differences(v)
        product = self.ratio * rows
        product[:-1] -= rows[1:]
        product[-1] += self.last * v[-1]
        return product

    def hessian(self, x: Tensor) -> Tensor:
        """Return A, (n, n)."""
        diagonal = self.ratio**2 * self.weights
        diagonal[:-1] += self.weights[1:]
        diagonal[-1] += self.last
        beside = -self.ratio * self.weights[1:]
        return torch.diag(diagonal) + torch.diag(beside, 1) + torch.diag(beside, -1)

    def line_minimum(self, x: Tensor, direction: Tensor) -> Tensor:
        """Return the step that minimises f along a non-zero direction: −dᵀA(x − x*) / dᵀAd."""
        return -direction.dot(self.gradient(x)) / self._energy(direction)

    def _differences(self, v: Tensor) -> Tensor:
        differences = self.ratio * v
        differences[1:] -= v[:-1]
        return differences

    def _energy(self, v: Tensor) -> Tensor:
        """Return vᵀAv."""
        differences = self._differences(v)
        return self.weights.dot(differences * differences) + self.last * v[-1] ** 2


def laplacian(*, device: torch.device, dtype: torch.dtype, streams: Streams, n: int) -> Tridiagonal:
    """Return A = tridiag(−1, 2, −1), whose condition number is about (2n/π)²; minimum at ones, start at 0."""
    ones = torch.ones(n, device=device, dtype=dtype)
    return Tridiagonal(ones, ratio=1.0, last=1.0, start=torch.zeros_like(ones), minimiser=ones)


def toint(*, device: torch.device, dtype: torch.dtype, streams: Streams, n: int) -> Tridiagonal:
    """Return (x_1 − 1)² + Σ i (2x_i − x_(i−1))²: eigenvalues spread in proportion to n; start at ones.

    Toint: Some numerical results using a sparse matrix updating formula, Math. Comp. 32, 1978; TRIDIA in CUTEst.
    """
    weights = 2 * counting(n, device, dtype)
    weights[0] = 0.5
    minimiser = torch.pow(0.5, counting(n, device, dtype) - 1)
    return Tridiagonal(weights, ratio=2.0, last=0.0, start=torch.ones_like(weights), minimiser=minimiser)
