"""Nonlinear conjugate gradients. Shapes: n = number of parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic

import torch
from torch import Tensor

from optbench.numerics.descent import Descent, DescentState, Directions, Move
from optbench.numerics.line import LineSearch
from optbench.numerics.line_searches import build
from optbench.numerics.minibatches import INNER_STEPS, MEMORY, OnMinibatches
from optbench.numerics.parts import build_part
from optbench_descent.betas import BETAS, Beta
from optbench_descent.memoryless import MemorylessDirections
from optbench_descent.metrics import METRICS, Metric, Scales
from optbench_descent.pairs import Pair
from optbench_descent.parts import SEARCHES
from optbench_descent.restarts import RESTARTS, Restart
from optbench_descent.warm import WarmStarted


def cg(
    *,
    beta: str,
    restart: str,
    preconditioner: str,
    line_search: str,
    warm_start: int,
    lr: float,
    inner_steps: int = INNER_STEPS.default,
    memory: str = MEMORY.default,
) -> OnMinibatches[DescentState[Any]] | WarmStarted[Any]:
    """Return the method that the options describe."""
    rule: Restart = build_part(restart, RESTARTS, "restart")
    directions, suited = _RULES[beta]
    search: LineSearch = build_part(line_search, SEARCHES, "line search") or build(suited)
    descent = Descent(directions(rule, METRICS[preconditioner]()), search)
    method = OnMinibatches(descent, inner_steps=inner_steps, memory=memory)
    return WarmStarted(method, steps=warm_start, lr=lr) if warm_start else method


@dataclass
class Conjugate(Generic[Scales]):
    """What the next direction is made from; `direction` is updated in place."""

    direction: Tensor  # (n,), the last one
    beta: Tensor  # (), how much of it is kept; 0: none
    age: int  # moves since the memory was empty
    scales: Scales  # what the metric knows


class ConjugateDirections(Generic[Scales]):
    """The direction −g + β·(the last direction), in the variables of a metric.

    β is made of two gradients of one minibatch. On another one the last direction is kept, and dropped like any
    other where it leads uphill.
    """

    def __init__(self, beta: Beta, restart: Restart, metric: Metric[Scales]) -> None:
        """Keep the rules: β is `beta` of the last move, or 0 where `restart` says so; only then the metric changes."""
        self.beta, self.restart, self.metric = beta, restart, metric

    def start(self, point: Tensor) -> Conjugate[Scales]:
        """Allocate; β = 0 makes the first direction the negative gradient."""
        return Conjugate(torch.zeros_like(point), point.new_zeros(()), 0, self.metric.start(point))

    def direction(self, memory: Conjugate[Scales], gradient: Tensor) -> Tensor:
        """Return the conjugate direction; β stays on the device."""
        return memory.direction.mul_(memory.beta).sub_(self.metric.steepest(memory.scales, gradient))

    def learn(self, memory: Conjugate[Scales], move: Move) -> None:
        """Set β from the gradients before and after the move; one that isn't a number counts as 0."""
        memory.age += 1
        seen = self.metric.seen(memory.scales, move)
        keeps = self.restart.keeps(lambda: seen, memory.age)
        memory.beta.copy_(self.beta(seen) * keeps)
        memory.beta.nan_to_num_(nan=0.0, posinf=0.0, neginf=0.0)
        if move.is_convex:
            self.metric.learn(memory.scales, Pair.of(move, memory.direction))
        self.metric.refresh(memory.scales, keeps)

    def forget(self, memory: Conjugate[Scales]) -> None:
        """Restart along the negative gradient."""
        memory.direction.zero_()
        memory.beta.zero_()
        memory.age = 0
        self.metric.forget(memory.scales)

    def knows_scale(self, memory: Conjugate[Scales]) -> bool:
        """Never know it: a step depends on the last one."""
        return False


_Rule = tuple[Callable[[Restart, Metric[Any]], Directions[Any]], str]  # what makes directions, and the search for them

_RULES: Mapping[str, _Rule] = {
    "memoryless": (MemorylessDirections, "strong-wolfe(bits=8)"),
    **{name: (partial(ConjugateDirections, beta), "strong-wolfe(c2=0.1, bits=20)") for name, beta in BETAS.items()},
}
