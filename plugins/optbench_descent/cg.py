"""Nonlinear conjugate gradients. Shapes: n = number of parameters."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from optbench.numerics.descent import Descent, Move
from optbench.numerics.line_searches import build
from optbench.numerics.parts import build_part
from optbench_descent.betas import BETAS, Beta
from optbench_descent.restarts import RESTARTS, Restart
from optbench_descent.warm import WarmStarted


def cg(
    *, beta: str, restart: str, line_search: str, warm_start: int, lr: float
) -> Descent[Conjugate] | WarmStarted[Conjugate]:
    """Return the method that the options describe."""
    rule: Restart = build_part(restart, RESTARTS, "restart")
    method = Descent(ConjugateDirections(BETAS[beta], rule), build(line_search))
    return WarmStarted(method, steps=warm_start, lr=lr) if warm_start else method


@dataclass
class Conjugate:
    """What the next direction is made from; `direction` is updated in place."""

    direction: Tensor  # (n,), the last one
    beta: Tensor  # (), how much of it is kept; 0: none
    age: int  # moves since the memory was empty


class ConjugateDirections:
    """The direction −g + β·(the last direction).

    β is made of two gradients of one minibatch. On another one the last direction is kept, and dropped like any
    other where it leads uphill.
    """

    def __init__(self, beta: Beta, restart: Restart) -> None:
        """Keep the rules: β is `beta` of the last move, or 0 where `restart` says so."""
        self.beta, self.restart = beta, restart

    def start(self, point: Tensor) -> Conjugate:
        """Allocate; β = 0 makes the first direction the negative gradient."""
        return Conjugate(torch.zeros_like(point), point.new_zeros(()), 0)

    def direction(self, memory: Conjugate, gradient: Tensor) -> Tensor:
        """Return the conjugate direction; β stays on the device."""
        return memory.direction.mul_(memory.beta).sub_(gradient)

    def learn(self, memory: Conjugate, move: Move) -> None:
        """Set β from the gradients before and after the move; one that isn't a number counts as 0."""
        memory.age += 1
        memory.beta.copy_(self.beta(move) * self.restart.keeps(move, memory.age))
        memory.beta.nan_to_num_(nan=0.0, posinf=0.0, neginf=0.0)

    def forget(self, memory: Conjugate) -> None:
        """Restart along the negative gradient."""
        memory.direction.zero_()
        memory.beta.zero_()
        memory.age = 0

    def knows_scale(self, memory: Conjugate) -> bool:
        """Never know it: a step depends on the last one."""
        return False
