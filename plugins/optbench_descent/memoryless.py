"""Conjugate gradients that don't need exact line searches. Shapes: n = number of parameters.

A quadratic's gradient at the minimum along a line follows from two gradients anywhere on the line. So each direction
here is the one that conjugate gradients would take from that minimum, together with the way there. With M the metric's
inverse, s and y displacement and gradient change of the last move, and ĝ = g − (s·g/s·y)·y, it is

    γ·(−M·ĝ + (y·M·ĝ / s·y)·s) − (s·g/s·y)·s,  γ = s·y/y·M·y,

which is −H·g with H the BFGS update of γ·M: Shanno's memoryless quasi-Newton method (Math. Oper. Res. 3 (1978)). Where
f is no quadratic, the way to that minimum, the last term, is divided by how often the curvature at the end of the move
is the mean one, as the cubic through both values and slopes tells.

The way to the last minimum is part of a move, and not conjugate to the move before it. It is taken out of s and y
before the next direction is made of them, as Nazareth does (JOTA 23 (1977)): on a quadratic all directions then remain
conjugate while the step is 1, wherever that lies on the line; an evaluation each.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic

import numpy as np
import torch
from torch import Tensor

from optbench.numerics.descent import Move
from optbench.numerics.interpolation import rounded
from optbench.numerics.reproducible import dot
from optbench.numerics.vectors import are_short
from optbench_descent.metrics import Metric, Scales
from optbench_descent.pairs import Flag, Number, Pair, Vector, combine, negated, new, quotient, same_kind, where
from optbench_descent.restarts import Every, Restart

_ASYMMETRY = 0.3  # what s⁻·y and s·y⁻ may differ by where f counts as quadratic, of the curvature along s that is left
_BITS = 4  # binary digits of the stretch: rounding of f does not show in it
_LONGEST_WAIT = Every(k=0)  # for a restart that is due: n moves, enough on a quadratic
_quietly = np.errstate(over="ignore", invalid="ignore", divide="ignore")


@dataclass
class Latest(Generic[Scales]):
    """The last move, conjugate to the one before."""

    pair: Pair  # s, y and s·y; before any move 0
    image: Vector  # (n,), M·y
    size: Number  # y·M·y
    stretch: float  # curvature at the end of the move over its mean
    known: bool  # whether there is one
    age: int  # moves since the memory was empty
    due: Flag  # whether a restart waits
    scales: Scales  # what the metric knows
    direction: Tensor  # (n,)
    target: Vector  # the same memory


class MemorylessDirections(Generic[Scales]):
    """The direction from the minimum along the last line, and the way there.

    A restart that is due waits for the first move that shows f not to be quadratic, but no longer than to the next n
    moves, which are enough on a quadratic. There conjugacy begins anew, in the metric as learnt by then.
    """

    def __init__(self, restart: Restart, metric: Metric[Scales]) -> None:
        """Keep the rules: `restart` says when conjugacy begins anew; only then the metric changes."""
        self.restart, self.metric = restart, metric

    def start(self, point: Tensor) -> Latest[Scales]:
        """Allocate; short vectors on the CPU are arrays."""
        direction = torch.zeros_like(point)
        target: Vector = direction.numpy() if are_short(point) else direction
        return Latest(
            pair=Pair(new(target, 0), new(target, 0), 0.0),
            image=new(target, 0),
            size=1.0,
            stretch=1.0,
            known=False,
            age=0,
            due=False,
            scales=self.metric.start(target),
            direction=direction,
            target=target,
        )

    @_quietly
    def direction(self, memory: Latest[Scales], gradient: Tensor) -> Tensor:
        """Return −H·gradient; before any move −M·gradient."""
        seen, pair = same_kind(memory.target, gradient), memory.pair
        steepest = self.metric.steepest(memory.scales, seen)
        if not memory.known:
            combine(memory.target, (-1.0, steepest))
            return memory.direction
        back = quotient(dot(pair.displacement, seen), pair.curvature)
        kept = quotient(dot(memory.image, seen), memory.size) - back - back / memory.stretch
        scale = quotient(pair.curvature, memory.size)
        combine(memory.target, (scale * back, memory.image), (-scale, steepest), (kept, pair.displacement))
        return memory.direction

    @_quietly
    def learn(self, memory: Latest[Scales], move: Move) -> None:
        """Put the move in the place of the last, unless f curves downwards along it."""
        memory.age += 1
        memory.due |= negated(self._keeps(memory, move))
        waits = self._put(memory, move) if move.is_convex else False
        waits &= _LONGEST_WAIT.keeps(lambda: move, memory.age)
        self.metric.refresh(memory.scales, negated(memory.due) | waits)
        memory.due &= waits
        if memory.known:
            memory.image[...] = self.metric.steepest(memory.scales, memory.pair.change)
            memory.size = dot(memory.image, memory.pair.change)

    def forget(self, memory: Latest[Scales]) -> None:
        """Restart along the negative gradient."""
        memory.pair.displacement[...] = 0
        memory.pair.change[...] = 0
        memory.pair.curvature = 0.0
        memory.due, memory.known, memory.age = False, False, 0
        self.metric.forget(memory.scales)

    def knows_scale(self, memory: Latest[Scales]) -> bool:
        """Tell whether a move has set γ."""
        return memory.known

    def _keeps(self, memory: Latest[Scales], move: Move) -> Flag:
        return self.restart.keeps(lambda: self.metric.seen(memory.scales, move), memory.age)

    def _put(self, memory: Latest[Scales], move: Move) -> Flag:
        """Put the move in the place of the last, made conjugate to it; tell whether f is quadratic along the two."""
        now = Pair.of(move, memory.target)
        self.metric.learn(memory.scales, now)
        shared, is_quadratic = overlap(memory.pair, now)
        now.take_out(shared, memory.pair)
        memory.pair, memory.known = now, True
        memory.stretch = rounded(move.stretch, _BITS)
        return is_quadratic


def overlap(last: Pair, now: Pair) -> tuple[Number, Flag]:
    """Return how much of the last move is in this one, and whether f is quadratic along the two.

    Without that much of it, 0 where f isn't quadratic, the two are conjugate. On a quadratic with the Hessian A both
    s·y⁻ and s⁻·y are s·A·s⁻; where they differ, there is no A.
    """
    along = quotient(dot(now.displacement, last.change), last.curvature)
    across = quotient(dot(last.displacement, now.change), last.curvature)
    weight = quotient(last.curvature, now.curvature)  # both lengths become 1 in the norm of A
    left = 1 - along * across * weight
    apart = along - across
    is_quadratic = (weight > 0) & (left >= 0) & (apart * apart * weight <= _ASYMMETRY * left * (_ASYMMETRY * left))
    return where(is_quadratic, along), is_quadratic
