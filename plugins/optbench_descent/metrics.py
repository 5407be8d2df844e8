"""In which metric conjugate gradients see the gradient. Shapes: n = number of parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import torch
from torch import Tensor

from optbench.numerics.descent import Move
from optbench.numerics.reproducible import dot
from optbench_descent.pairs import Flag, Pair, Vector, new, quotient, raise_to, rounding, same_kind

Scales = TypeVar("Scales")


class Metric(Protocol[Scales]):
    """The variables in which conjugacy is sought; `Scales` is what it knows of them."""

    def start(self, point: Vector) -> Scales:
        """Return what is known before any move: nothing."""
        ...

    def steepest(self, scales: Scales, gradient: Vector) -> Vector:
        """Return the direction of x, shape (n,), up which f rises steepest in these variables."""
        ...

    def seen(self, scales: Scales, move: Move) -> Move:
        """Return the move in these variables."""
        ...

    def learn(self, scales: Scales, pair: Pair) -> None:
        """Take a move along which f curves upwards into account, in place."""
        ...

    def refresh(self, scales: Scales, keeps: Flag) -> None:
        """Let what has been learnt take effect, unless the last direction is kept."""
        ...

    def forget(self, scales: Scales) -> None:
        """Return to the variables x, in place."""
        ...


class Plain:
    """The variables x themselves."""

    def start(self, point: Vector) -> None:
        """Know nothing."""

    def steepest(self, scales: None, gradient: Vector) -> Vector:
        """Return the gradient."""
        return gradient

    def seen(self, scales: None, move: Move) -> Move:
        """Return the move."""
        return move

    def learn(self, scales: None, pair: Pair) -> None:
        """Learn nothing."""

    def refresh(self, scales: None, keeps: Flag) -> None:
        """Change nothing."""

    def forget(self, scales: None) -> None:
        """Forget nothing."""


@dataclass
class Diagonal:
    """An estimate of the Hessian's diagonal D; every buffer is updated in place."""

    curvature: Vector  # (n,), D as learnt so far
    root: Vector  # (n,), 1/√D, its least entry 1, as it was at the last restart; 1 before the first
    known: bool  # whether any move has been learnt from
    eps: float  # of the dtype


class Scaled:
    """Works in the variables √D·x, whose Hessian has a diagonal near 1; D is learnt from gradients.

    D is the diagonal of the BFGS update of a diagonal matrix: with displacement s and gradient change y,
    D ← D + y²/(s·y) − (D·s)²/(s·D·s), entry by entry, after D = (y·y/s·y)·1 (Gilbert & Lemaréchal, Math. Programming 45
    (1989), section 4.2). What has been learnt takes effect at restarts only: from one to the next the variables are
    fixed, in which all that is known of conjugate gradients holds; up to the first restart they are x.
    """

    def start(self, point: Vector) -> Diagonal:
        """Allocate; D = 1."""
        return Diagonal(new(point, 1), new(point, 1), known=False, eps=rounding(point))

    def steepest(self, scales: Diagonal, gradient: Vector) -> Vector:
        """Return D⁻¹·g, but for a factor."""
        return gradient * scales.root * scales.root

    def seen(self, scales: Diagonal, move: Move) -> Move:
        """Return the move in √D·x; its slopes are the same."""
        root = scales.root
        return move._replace(
            direction=same_kind(root, move.direction) / root,
            gradient=same_kind(root, move.gradient) * root,
            next_gradient=same_kind(root, move.next_gradient) * root,
        )

    def learn(self, scales: Diagonal, pair: Pair) -> None:
        """Update D; entries stay above the rounding of the largest."""
        displacement, change, curvature = pair.displacement, pair.change, pair.curvature
        if not scales.known:
            scales.curvature[...] = quotient(dot(change, change), curvature)
            scales.known = True
        image = scales.curvature * displacement
        scales.curvature += change * (change / curvature)
        scales.curvature -= image * (image / dot(displacement, image))
        raise_to(scales.curvature.max() * scales.eps, scales.curvature)

    def refresh(self, scales: Diagonal, keeps: Flag) -> None:
        """Put what has been learnt into effect, unless the last direction is kept."""
        if keeps is True:
            return
        root = (scales.curvature / scales.curvature.max()) ** -0.5  # directions keep the unit of the gradient
        scales.root[...] = torch.where(keeps, scales.root, root) if isinstance(keeps, Tensor) else root

    def forget(self, scales: Diagonal) -> None:
        """Start again from D = 1."""
        scales.root[...] = 1
        scales.curvature[...] = 1
        scales.known = False


METRICS: Mapping[str, Callable[[], Metric[Any]]] = {"none": Plain, "diagonal": Scaled}
