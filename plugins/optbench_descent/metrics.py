"""In which metric conjugate gradients see the gradient. Shapes: n = number of parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import torch
from torch import Tensor

from optbench.numerics.descent import Move
from optbench.numerics.reproducible import dot

Scales = TypeVar("Scales")


class Metric(Protocol[Scales]):
    """The variables in which conjugacy is sought; `Scales` is what it knows of them."""

    def start(self, point: Tensor) -> Scales:
        """Return what is known before any move: nothing."""
        ...

    def steepest(self, scales: Scales, gradient: Tensor) -> Tensor:
        """Return the direction of x, shape (n,), up which f rises steepest in these variables."""
        ...

    def seen(self, scales: Scales, move: Move) -> Move:
        """Return the move in these variables."""
        ...

    def learn(self, scales: Scales, move: Move) -> None:
        """Take a move into account, in place."""
        ...

    def refresh(self, scales: Scales, keeps: bool | Tensor) -> None:
        """Let what has been learnt take effect, unless the last direction is kept."""
        ...

    def forget(self, scales: Scales) -> None:
        """Return to the variables x, in place."""
        ...


class Plain:
    """The variables x themselves."""

    def start(self, point: Tensor) -> None:
        """Know nothing."""

    def steepest(self, scales: None, gradient: Tensor) -> Tensor:
        """Return the gradient."""
        return gradient

    def seen(self, scales: None, move: Move) -> Move:
        """Return the move."""
        return move

    def learn(self, scales: None, move: Move) -> None:
        """Learn nothing."""

    def refresh(self, scales: None, keeps: bool | Tensor) -> None:
        """Change nothing."""

    def forget(self, scales: None) -> None:
        """Forget nothing."""


@dataclass
class Diagonal:
    """An estimate of the Hessian's diagonal D; every buffer is updated in place."""

    curvature: Tensor  # (n,), D as learnt so far
    root: Tensor  # (n,), 1/√D, its least entry 1, as it was at the last restart; 1 before the first
    known: bool  # whether any move has been learnt from


class Scaled:
    """Works in the variables √D·x, whose Hessian has a diagonal near 1; D is learnt from gradients.

    D is the diagonal of the BFGS update of a diagonal matrix: with displacement s and gradient change y,
    D ← D + y²/(s·y) − (D·s)²/(s·D·s), entry by entry, after D = (y·y/s·y)·1 (Gilbert & Lemaréchal, Math. Programming 45
    (1989), section 4.2). What has been learnt takes effect at restarts only: from one to the next the variables are
    fixed, in which all that is known of conjugate gradients holds; up to the first restart they are x.
    """

    def start(self, point: Tensor) -> Diagonal:
        """Allocate; D = 1."""
        return Diagonal(torch.ones_like(point), torch.ones_like(point), known=False)

    def steepest(self, scales: Diagonal, gradient: Tensor) -> Tensor:
        """Return D⁻¹·g, but for a factor."""
        return gradient * scales.root * scales.root

    def seen(self, scales: Diagonal, move: Move) -> Move:
        """Return the move in √D·x; its slopes are the same."""
        return move._replace(
            direction=move.direction / scales.root,
            gradient=move.gradient * scales.root,
            next_gradient=move.next_gradient * scales.root,
        )

    def learn(self, scales: Diagonal, move: Move) -> None:
        """Update D where f curves upwards along the move; entries stay above the rounding of the largest."""
        if not move.is_convex:
            return
        displacement, change = move.direction * move.step, move.next_gradient - move.gradient
        curvature = dot(displacement, change)
        if not scales.known:
            scales.curvature.copy_((dot(change, change) / curvature).expand_as(change))
            scales.known = True
        image = scales.curvature * displacement
        scales.curvature.addcmul_(change, change / curvature)
        scales.curvature.addcmul_(image, image / dot(displacement, image), value=-1)
        least = scales.curvature.max() * torch.finfo(change.dtype).eps
        torch.maximum(scales.curvature, least, out=scales.curvature)

    def refresh(self, scales: Diagonal, keeps: bool | Tensor) -> None:
        """Put what has been learnt into effect, unless the last direction is kept."""
        if keeps is True:
            return
        root = (scales.curvature / scales.curvature.max()).rsqrt()  # directions keep the unit of the gradient
        scales.root.copy_(torch.where(keeps, scales.root, root) if isinstance(keeps, Tensor) else root)

    def forget(self, scales: Diagonal) -> None:
        """Start again from D = 1."""
        scales.root.fill_(1)
        scales.curvature.fill_(1)
        scales.known = False


METRICS: Mapping[str, Callable[[], Metric[Any]]] = {"none": Plain, "diagonal": Scaled}
