"""Nonlinear conjugate gradients. Shapes: n = number of parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from optbench.numerics.descent import Descent, Move
from optbench.numerics.line_searches import build

Beta = Callable[[Move], Tensor]

_LEAST_AGE = 20  # moves before a restart by default: with few parameters, one every n moves wastes what was learnt


def cg(*, beta: str, restart: int, line_search: str) -> Descent[Conjugate]:
    """Return the method that the options describe."""
    return Descent(ConjugateDirections(BETAS[beta], restart), build(line_search))


def fletcher_reeves(move: Move) -> Tensor:
    """Return g⁺·g⁺ / g·g (Nocedal & Wright 2006, equation 5.41a; 8.30 of the book), shape ()."""
    return torch.dot(move.next_gradient, move.next_gradient) / torch.dot(move.gradient, move.gradient)


def polak_ribiere(move: Move) -> Tensor:
    """Return g⁺·(g⁺ − g) / g·g (equation 5.44; 8.31 of the book), shape ()."""
    change = move.next_gradient - move.gradient
    return torch.dot(move.next_gradient, change) / torch.dot(move.gradient, move.gradient)


def polak_ribiere_plus(move: Move) -> Tensor:
    """Return the Polak-Ribière value, or 0 where it is negative (equation 5.45), shape ()."""
    return polak_ribiere(move).clamp_(min=0)


BETAS: Mapping[str, Beta] = {
    "fletcher-reeves": fletcher_reeves,
    "polak-ribiere": polak_ribiere,
    "polak-ribiere+": polak_ribiere_plus,
}


@dataclass
class Conjugate:
    """What the next direction is made from; `direction` is updated in place."""

    direction: Tensor  # (n,), the last one
    beta: Tensor  # (), how much of it is kept; 0: none
    age: int  # moves since the last restart


class ConjugateDirections:
    """The direction −g + β·(the last direction)."""

    def __init__(self, beta: Beta, restart: int) -> None:
        """Keep the rule; every `restart` moves (0: every n, at least 20) β is 0."""
        self.beta, self.restart = beta, restart

    def start(self, point: Tensor) -> Conjugate:
        """Allocate; β = 0 makes the first direction the negative gradient."""
        return Conjugate(torch.zeros_like(point), point.new_zeros(()), 0)

    def direction(self, memory: Conjugate, gradient: Tensor) -> Tensor:
        """Return the conjugate direction; β stays on the device."""
        return memory.direction.mul_(memory.beta).sub_(gradient)

    def learn(self, memory: Conjugate, move: Move) -> None:
        """Set β from the gradients before and after the move."""
        memory.age += 1
        if memory.age >= (self.restart or max(memory.direction.numel(), _LEAST_AGE)):
            self.forget(memory)
        else:
            memory.beta.copy_(self.beta(move))

    def forget(self, memory: Conjugate) -> None:
        """Restart along the negative gradient."""
        memory.direction.zero_()
        memory.beta.zero_()
        memory.age = 0

    def knows_scale(self, memory: Conjugate) -> bool:
        """Never know it: a step depends on the last one."""
        return False
