"""Stages before a recipe's own training. Shapes: n parameters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from optbench.api import Point, Recipe, Refused, Stage

Carry = Callable[[Point | None, Point], Point]
Fill = Callable[[Point, Any], Point]  # (a stage's start, its problem) -> the start with what came of the stages before


@dataclass
class Before:
    """Stages that are put between a recipe's prior stages, if any, and its own training.

    The training's stages see each other's points as if nothing stood between them. Where each of them would begin,
    `fill` puts what came of the new stages. These take `share` of the budget in equal parts, unless they say otherwise.
    """

    name: str  # of the meta-algorithm, for messages
    stages: Sequence[Stage]  # whose own carry is called with None by the first
    share: float
    ended: Callable[[int, Point], None]  # is told where each of them ended
    fill: Fill
    _before: Point | None = field(default=None, init=False)  # where the recipe's prior stages ended

    def put_into(self, recipe: Recipe) -> Recipe:
        """Return the recipe with the stages; raises Refused where an optimizer's state would have to pass by them."""
        index = training_begins(recipe)
        prior, training = recipe.stages[:index], recipe.stages[index:]
        if training[0].keep_state:
            message = f"{self.name} can't stand between two stages of which one goes on with the other's state"
            raise Refused(message)
        total = sum(stage.share for stage in self.stages)
        new = [
            replace(stage, share=self.share * stage.share / total, carry=self._carry_of(number, stage))
            for number, stage in enumerate(self.stages)
        ]
        rest = 1.0 - self.share
        first, *others = (replace(stage, share=rest * stage.share) for stage in training)
        own = [replace(first, carry=self._first(first)), *(replace(one, carry=self._later(one)) for one in others)]
        return replace(recipe, stages=(*(replace(stage, share=rest * stage.share) for stage in prior), *new, *own))

    def _carry_of(self, number: int, stage: Stage) -> Carry:
        own = stage.carry or go_on

        def carry(previous: Point | None, fresh: Point) -> Point:
            if number == 0:
                self._before, previous = previous, None
            elif previous is not None:
                self.ended(number - 1, previous)
            return own(previous, fresh)

        return carry

    def _first(self, stage: Stage) -> Carry:
        own = stage.carry or go_on

        def carry(previous: Point | None, fresh: Point) -> Point:
            if previous is not None:
                self.ended(len(self.stages) - 1, previous)
            return self.fill(own(self._before, fresh), stage.problem)

        return carry

    def _later(self, stage: Stage) -> Carry:
        own = stage.carry or go_on
        return lambda previous, fresh: self.fill(own(previous, fresh), stage.problem)


def training_begins(recipe: Recipe) -> int:
    """Return the index of the first stage that is not prior to the task."""
    return next((index for index, stage in enumerate(recipe.stages) if not stage.prior), len(recipe.stages) - 1)


def go_on(previous: Point | None, fresh: Point) -> Point:
    """Return where a stage begins that says nothing of it."""
    return fresh if previous is None else previous


def learning_problem(recipe: Recipe, name: str) -> Any:
    """Return the problem that the recipe is judged by; raises Refused where that is no model of blocks."""
    problem = recipe.stages[-1].measured
    if not hasattr(problem, "with_blocks"):
        message = f"{name} wants a model of blocks; {type(problem).__name__} has none"
        raise Refused(message)
    return problem
