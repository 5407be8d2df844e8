"""Conjugate gradients on H·d = −g, ended early: at a residual, at a radius, or at negative curvature.

Shapes: n = number of parameters. Only products H·v are asked for; memory is three vectors.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Self

import torch
from torch import Tensor

from optbench.numerics.scalars import norm, read, representable
from optbench.numerics.unit import power_of_two

_FLAT = 10.0  # roundings of the largest curvature seen, below which curvature counts as none

Product = Callable[[Tensor], Tensor]  # v (n,) -> H·v (n,)
End = Literal["residual", "limit", "boundary", "negative curvature"]


@dataclass
class Workspace:
    """What conjugate gradients work in; all overwritten by the next run."""

    step: Tensor  # (n,), d
    residual: Tensor  # (n,), H·d + g in the unit of f that makes |g| about 1
    direction: Tensor  # (n,), the conjugate direction p

    @classmethod
    def like(cls, point: Tensor) -> Self:
        """Allocate."""
        return cls(torch.empty_like(point), torch.empty_like(point), torch.empty_like(point))


@dataclass(frozen=True)
class TruncatedStep:
    """A step of the model g·d + ½d·H·d, and what the model says along it."""

    step: Tensor  # (n,), a buffer
    length: float
    slope: float  # g·d
    curvature: float  # d·H·d; 0 where it is no number
    end: End
    products: int

    def decrease(self, share: float = 1.0) -> float:
        """Return by how much the model falls at `share` of the step."""
        return -share * (self.slope + 0.5 * share * self.curvature)


@dataclass(frozen=True, kw_only=True)
class Limits:
    """When to stop."""

    residual: float  # ‖H·d + g‖, absolute
    products: int
    radius: float  # ‖d‖; may be infinite
    reach: float  # ‖d‖ along a direction without curvature, where the radius is infinite


def solve(product: Product, gradient: Tensor, gradient_norm: float, limits: Limits, work: Workspace) -> TruncatedStep:
    """Return the step that conjugate gradients end at; every iterate is a direction of descent.

    Steihaug, SIAM J. Numer. Anal. 20 (1983), and Toint: the iterates grow in length, so that the first one beyond the
    radius is cut at the boundary, and negative curvature is followed up to there. With an infinite radius its
    direction p is followed as far as curvature +|p·H·p| would have it.
    """
    number = torch.finfo(gradient.dtype)
    unit = power_of_two(gradient_norm, least=number.tiny)  # so that no square is beyond floats
    work.step.zero_()
    torch.mul(gradient, 1 / unit, out=work.residual)
    torch.neg(work.residual, out=work.direction)
    path = _Path(squared=(gradient_norm / unit) ** 2)
    end: End = "limit"
    for _ in range(limits.products):
        image = product(work.direction) / unit
        (curvature,) = read(torch.dot(work.direction, image))
        path.bends(curvature, number.eps)
        advance, end = path.advance(limits)
        advance = representable(advance, gradient.dtype)
        work.step.add_(work.direction, alpha=advance)
        work.residual.add_(image, alpha=advance)
        if end != "limit":
            break
        (squared,) = read(torch.dot(work.residual, work.residual))
        if not squared > (limits.residual / unit) ** 2:
            end = "residual"
            break
        work.direction.mul_(path.turn(advance, squared)).sub_(work.residual)
    scaled = gradient / unit
    length, slope, rest = read(norm(work.step), torch.dot(scaled, work.step), torch.dot(work.residual, work.step))
    slope, bend = unit * slope, unit * (rest - slope)
    return TruncatedStep(work.step, length, slope, bend if math.isfinite(bend) else 0.0, end, path.products)


@dataclass
class _Path:
    """The scalars of conjugate gradients: lengths follow from recurrences (Conn, Gould & Toint (2000), 7.5.5-7.5.7)."""

    squared: float  # ‖residual‖²
    step_squared: float = 0.0  # ‖d‖²
    step_direction: float = 0.0  # d·p
    direction_squared: float = 0.0  # ‖p‖²
    curvature: float = 0.0  # p·H·p
    largest: float = 0.0  # |p·H·p| / ‖p‖² so far
    flat: float = 0.0  # p·H·p below which p counts as without curvature
    products: int = 0

    def __post_init__(self) -> None:
        """Begin along the residual."""
        self.direction_squared = self.squared

    def bends(self, curvature: float, eps: float) -> None:
        """Note the curvature along the direction."""
        self.products += 1
        self.curvature = curvature
        self.largest = max(self.largest, abs(curvature) / self.direction_squared)
        self.flat = _FLAT * eps * self.largest * self.direction_squared

    def advance(self, limits: Limits) -> tuple[float, End]:
        """Return how far to go along the direction, and whether it ends there ("limit": it does not)."""
        convex = self.flat < self.curvature < math.inf
        full = self.squared / self.curvature if convex else math.inf
        if self._length_squared(full) < limits.radius * limits.radius:
            return full, "limit"
        end: End = "boundary" if convex else "negative curvature"
        if math.isfinite(limits.radius):
            return self._to(limits.radius), end
        return self._reflected(limits.reach), end

    def turn(self, advance: float, squared: float) -> float:
        """Go on with a new residual; return how much of the direction is kept."""
        kept = squared / self.squared
        self.step_squared = self._length_squared(advance)
        self.step_direction = kept * (self.step_direction + advance * self.direction_squared)
        self.direction_squared = squared + kept * kept * self.direction_squared
        self.squared = squared
        return kept

    def _length_squared(self, advance: float) -> float:
        """Return ‖d + advance·p‖²."""
        return self.step_squared + advance * (2 * self.step_direction + advance * self.direction_squared)

    def _to(self, radius: float) -> float:
        """Return how far the boundary is."""
        missing = max(radius * radius - self.step_squared, 0.0)
        if not missing:  # a square may have underflowed
            return 0.0
        root = math.sqrt(self.step_direction * self.step_direction + self.direction_squared * missing)
        return missing / (self.step_direction + root)

    def _reflected(self, reach: float) -> float:
        if abs(self.curvature) > self.flat:
            return self.squared / abs(self.curvature)
        return reach / math.sqrt(self.direction_squared)
