"""Conjugate gradients that don't need exact line searches. Shapes: n = number of parameters.

A quadratic's gradient at the minimum along a line follows from two gradients anywhere on the line. So each direction
here is the one that conjugate gradients would take from that minimum, together with the way there. With M the metric's
inverse, s and y displacement and gradient change of the last move, and ĝ = g − (s·g/s·y)·y, it is

    γ·(−M·ĝ + (y·M·ĝ / s·y)·s) − (s·g/s·y)·s,  γ = s·y/y·M·y,

which is −H·g with H the BFGS update of γ·M: Shanno's memoryless quasi-Newton method (Math. Oper. Res. 3 (1978)).

The way to the last minimum is part of a move, and not conjugate to the move before it. It is taken out of s and y
before the next direction is made of them, as Nazareth does (JOTA 23 (1977)): on a quadratic all directions then remain
conjugate while the step is 1, wherever that lies on the line; an evaluation each.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic

import torch
from torch import Tensor

from optbench.numerics.descent import Move
from optbench.numerics.reproducible import dot
from optbench_descent.metrics import Metric, Scales
from optbench_descent.restarts import Every, Restart

_ASYMMETRY = 0.3  # what s⁻·y and s·y⁻ may differ by where f counts as quadratic, of the curvature along s that is left
_LONGEST_WAIT = Every(k=0)  # for a restart that is due: n moves, enough on a quadratic


@dataclass
class Latest(Generic[Scales]):
    """The last move, conjugate to the one before; every buffer is updated in place."""

    displacement: Tensor  # (n,), s
    change: Tensor  # (n,), y
    image: Tensor  # (n,), M·y
    curvature: Tensor  # (), s·y
    size: Tensor  # (), y·M·y
    known: bool  # whether there is one
    age: int  # moves since the memory was empty
    due: Tensor  # (), bool: whether a restart waits
    scales: Scales  # what the metric knows
    direction: Tensor  # (n,)


class MemorylessDirections(Generic[Scales]):
    """The direction from the minimum along the last line, and the way there.

    A restart that is due waits for the first move that shows f not to be quadratic, but no longer than to the next n
    moves, which are enough on a quadratic. There conjugacy begins anew, in the metric as learnt by then.
    """

    def __init__(self, restart: Restart, metric: Metric[Scales]) -> None:
        """Keep the rules: `restart` says when conjugacy begins anew; only then the metric changes."""
        self.restart, self.metric = restart, metric

    def start(self, point: Tensor) -> Latest[Scales]:
        """Allocate."""
        vectors = [torch.zeros_like(point) for _ in range(4)]
        return Latest(
            displacement=vectors[0],
            change=vectors[1],
            image=vectors[2],
            curvature=point.new_ones(()),
            size=point.new_ones(()),
            known=False,
            age=0,
            due=torch.zeros_like(point[0], dtype=torch.bool),
            scales=self.metric.start(point),
            direction=vectors[3],
        )

    def direction(self, memory: Latest[Scales], gradient: Tensor) -> Tensor:
        """Return −H·gradient; before any move −M·gradient."""
        steepest = self.metric.steepest(memory.scales, gradient)
        if not memory.known:
            return torch.neg(steepest, out=memory.direction)
        back = dot(memory.displacement, gradient) / memory.curvature
        kept = dot(memory.image, gradient) / memory.size - 2 * back
        direction = torch.sub(back * memory.image, steepest, out=memory.direction)
        return direction.mul_(memory.curvature / memory.size).addcmul_(memory.displacement, kept)

    def learn(self, memory: Latest[Scales], move: Move) -> None:
        """Put the move in the place of the last, unless f curves downwards along it."""
        memory.age += 1
        keeps = self.restart.keeps(self.metric.seen(memory.scales, move), memory.age)
        memory.due |= ~keeps if isinstance(keeps, Tensor) else not keeps
        self.metric.learn(memory.scales, move)
        waits = self._put(memory, move) if move.is_convex else torch.zeros_like(memory.due)
        waits &= _LONGEST_WAIT.keeps(move, memory.age)
        self.metric.refresh(memory.scales, ~memory.due | waits)
        memory.due &= waits
        if memory.known:
            memory.image.copy_(self.metric.steepest(memory.scales, memory.change))
            memory.size.copy_(dot(memory.image, memory.change))

    def forget(self, memory: Latest[Scales]) -> None:
        """Restart along the negative gradient."""
        memory.displacement.zero_()
        memory.change.zero_()
        memory.due.zero_()
        memory.known, memory.age = False, 0
        self.metric.forget(memory.scales)

    def knows_scale(self, memory: Latest[Scales]) -> bool:
        """Tell whether a move has set γ."""
        return memory.known

    def _put(self, memory: Latest[Scales], move: Move) -> Tensor:
        """Put the move in the place of the last, made conjugate to it; tell whether f is quadratic along the two."""
        displacement, change = move.direction * move.step, move.next_gradient - move.gradient
        shared, is_quadratic = overlap(memory.displacement, memory.change, displacement, change)
        memory.displacement.mul_(-shared).add_(displacement)
        memory.change.mul_(-shared).add_(change)
        memory.curvature.copy_(dot(memory.displacement, memory.change))
        memory.known = True
        return is_quadratic


def overlap(last: Tensor, last_change: Tensor, displacement: Tensor, change: Tensor) -> tuple[Tensor, Tensor]:
    """Return how much of the last move is in this one, shape (), and whether f is quadratic along the two.

    Without that much of it, 0 where f isn't quadratic, the two are conjugate. On a quadratic with the Hessian A both
    s·y⁻ and s⁻·y are s·A·s⁻; where they differ, there is no A.
    """
    curvature = dot(last, last_change)
    along, across = dot(displacement, last_change) / curvature, dot(last, change) / curvature
    weight = curvature / dot(displacement, change)  # both lengths become 1 in the norm of A
    left = 1 - along * across * weight
    is_quadratic = (along - across).abs() * weight.sqrt() <= _ASYMMETRY * left
    return torch.where(is_quadratic, along, torch.zeros_like(along)), is_quadratic
