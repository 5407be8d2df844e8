"""Curricula: easier examples first, by how often they are drawn or by their weight. Shapes: N examples, B of a batch.

c is the open part of the examples, the easiest first, and grows to 1; m is the part of the mix. An example's weight is
w = (1 − m)/c + m where it is open and m where it is not, 1 on average: a deterministic curriculum (m = 0) shows open
examples only, a stochastic one a random mix at all times in which the share of the harder half,
m/2 + (1 − m)·max(0, 1 − 1/(2c)), grows to a half.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from typing import Any, Literal

import torch
from torch import Tensor

from optbench.api import Recipe, Refused, Stage, Streams
from optbench.api.sampling import Sampling
from optbench_meta.pacing import Pace


@dataclass(frozen=True, kw_only=True)
class Curriculum:
    """Begins with the easier examples.

    Bengio, Louradour, Collobert and Weston, Curriculum learning, ICML 2009; the stochastic one as in Zaremba and
    Sutskever, Learning to execute, 2014, section 3.3, "combined". Each stage of a recipe has its curriculum anew:
    within its minibatches or, where its objective takes all examples, in stages of its own.
    """

    by: Literal["sampling", "weight"]
    mode: Literal["deterministic", "stochastic"]
    pacing: str
    start: float
    steps: int
    mix: float
    stages: int
    share: float

    def __call__(self, recipe: Recipe, streams: Streams) -> Recipe:
        """Return the recipe that begins with easy examples; raises Refused where nothing is easier."""
        graded = [_ranks(stage.problem) for stage in recipe.stages]
        if all(ranks is None for ranks in graded):
            message = "curriculum wants examples some of which are harder than others; those of this task are not"
            raise Refused(message)
        stages = (
            (stage,) if ranks is None else self._paced(stage, ranks)
            for stage, ranks in zip(recipe.stages, graded, strict=True)
        )
        return replace(recipe, stages=tuple(chain.from_iterable(stages)))

    def _paced(self, stage: Stage, ranks: Tensor) -> tuple[Stage, ...]:
        """Return the stage with its curriculum or, where its objective takes all examples, with stages before it."""
        problem: Any = stage.problem
        if refusal := self._refusal(problem):
            raise Refused(refusal)
        if problem.batch_size is None:
            return self._staged(stage, ranks)
        pace = self._pace(self.steps)
        if self.by == "sampling":
            return (replace(stage, problem=problem.with_sampling(Thinned(ranks, pace, self._mixed))),)
        weights = Weights(ranks, pace, self._mixed, problem.sampling)
        return (replace(stage, problem=problem.with_sampling(weights.sampling).with_weighting(weights)),)

    def _staged(self, stage: Stage, ranks: Tensor) -> tuple[Stage, ...]:
        """Return a stage for each open part of the examples, as Bengio et al. see it: a continuation of the objective.

        Within a stage the weights stay what they are, so that line searches and curvature can trust them.
        """
        problem: Any = stage.problem
        pace = self._pace(self.stages)
        parts = tuple(dict.fromkeys(pace.open_part(index, len(ranks)) for index in range(self.stages)))
        share = stage.share * self.share / len(parts)
        weighted = (problem.with_weighting(partial(weights_of, ranks, part, self._mixed)) for part in parts)
        begun = [
            replace(stage, problem=easier, share=share, on_curve=False, name=_opened(stage.name, part), carry=None)
            for easier, part in zip(weighted, parts, strict=True)
        ]
        begun[0] = replace(begun[0], carry=stage.carry)
        later = [replace(one, keep_state=False) for one in begun[1:]]
        last = replace(stage, share=stage.share * (1 - self.share), carry=None, keep_state=False)
        return (begun[0], *later, last)

    def _pace(self, steps: int) -> Pace:
        return Pace(name=self.pacing, start=self.start, steps=steps)

    @property
    def _mixed(self) -> float:
        return self.mix if self.mode == "stochastic" else 0.0

    def _refusal(self, problem: Any) -> str:
        """Return why the problem can't have a curriculum; empty where it can."""
        if getattr(problem, "batch_size", None) is None and self.by == "sampling":
            return "curriculum(by='sampling') wants minibatches; where all examples are taken, by='weight' weighs them"
        if getattr(problem, "weighting", None) is not None or isinstance(problem.sampling, Thinned):
            return "curriculum: the recipe has one already"
        wanted = "with_sampling" if self.by == "sampling" else "with_weighting"
        return "" if hasattr(problem, wanted) else f"curriculum wants a problem that has {wanted}"


def _ranks(problem: Any) -> Tensor | None:
    """Return each example's place in the order of difficulty over N, in [0, 1); None where no order is known."""
    difficulty: Tensor | None = getattr(problem, "difficulty", None)
    if difficulty is None or len(difficulty) != problem.examples or not (difficulty != difficulty[0]).any():
        return None
    order = difficulty.cpu().argsort(stable=True)
    return torch.empty(len(order), dtype=torch.float64).scatter_(
        0, order, torch.arange(len(order), dtype=torch.float64) / len(order)
    )


class Thinned:
    """A sampling: minibatches of B from random orders of all examples, in which some are passed over.

    Of those that are not open, each is taken with the chance that makes its share what its weight says. Once all are
    open, these are the orders that training without a curriculum takes, so that arms stay paired.
    """

    def __init__(self, ranks: Tensor, pace: Pace, mix: float) -> None:
        """Keep the examples' ranks, (N,)."""
        self._ranks, self._pace, self._mix = ranks, pace, mix

    def __call__(self, streams: Streams, examples: int, batch_size: int) -> Iterator[Tensor]:
        """Yield minibatches without end."""
        orders, chances = streams("batches"), streams("curriculum")
        waiting = torch.empty(0, dtype=torch.int64)
        minibatches = 0
        while True:
            open_part = self._pace.open_part(minibatches, examples)
            taken: list[Tensor] = []
            missing = batch_size
            while missing:
                if not len(waiting):
                    waiting = torch.randperm(examples, generator=orders)
                places = self._taken(waiting[: 4 * batch_size], open_part, chances).nonzero().flatten()[:missing]
                missing -= len(places)
                taken.append(waiting[places])
                waiting = waiting[4 * batch_size :] if missing else waiting[int(places[-1]) + 1 :]
            yield torch.cat(taken)
            minibatches += 1

    def _taken(self, candidates: Tensor, open_part: float, chances: torch.Generator) -> Tensor:
        """Return which candidates are taken, (k,)."""
        is_open = self._ranks[candidates] < open_part
        if self._mix == 0 or open_part >= 1:
            return is_open
        kept = self._mix * open_part / (1 - self._mix + self._mix * open_part)
        return is_open | (torch.rand(len(candidates), generator=chances, dtype=torch.float64) < kept)


class Weights:
    """Weights of a minibatch's examples by when it was drawn; the examples themselves are drawn as without them."""

    def __init__(self, ranks: Tensor, pace: Pace, mix: float, drawn: Sampling) -> None:
        """Keep the examples' ranks, (N,), and how they are drawn."""
        self._ranks, self._pace, self._mix, self._drawn = ranks, pace, mix, drawn
        self._open_part = pace.open_part(0, len(ranks))

    def sampling(self, streams: Streams, examples: int, batch_size: int) -> Iterator[Tensor]:
        """Yield minibatches without end, keeping count of them."""
        for minibatches, batch in enumerate(self._drawn(streams, examples, batch_size)):
            self._open_part = self._pace.open_part(minibatches, examples)
            yield batch

    def __call__(self, batch: Tensor) -> Tensor:
        """Return the weights of the minibatch in force, (B,)."""
        self._ranks = self._ranks.to(batch.device)
        return weights_of(self._ranks, self._open_part, self._mix, batch)


def weights_of(ranks: Tensor, open_part: float, mix: float, batch: Tensor) -> Tensor:
    """Return the weights w of the examples `batch`, (B,)."""
    is_open = (ranks.to(batch.device)[batch] < open_part).to(ranks.dtype)
    return is_open * ((1 - mix) / open_part) + mix


def _opened(stage: str, part: float) -> str:
    return f"{stage}, open {part:.0%}" if stage else f"open {part:.0%}"
