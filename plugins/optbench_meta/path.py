"""Paths: a problem is solved for one value of an option after another, each solution starting the next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from optbench.api import Point, Recipe, Refused, Stage, Streams
from optbench_meta.before import training_begins

NAME = "path"


@dataclass(frozen=True, kw_only=True)
class Path:
    """Puts the problem with other values of one of its options before the problem itself."""

    option: str
    values: Sequence[Any]
    start: Literal["warm", "cold"]
    keep_state: bool
    gradient_tolerance: float
    share: float

    def __call__(self, recipe: Recipe, streams: Streams) -> Recipe:
        """Return the recipe with a stage a value; raises Refused where the problem or the optimizer can't do that."""
        index = training_begins(recipe)
        prior, (first, *others) = recipe.stages[:index], recipe.stages[index:]
        variants = recipe.variants
        if variants is None or any(stage.problem is not variants.problem for stage in (first, *others)):
            message = f"{NAME} wants the problem as it was named: name {NAME} before what changes models or objectives"
            raise Refused(message)
        self._require_sense(first)
        stages = [self._stage(first, variants.build(self.option, value), value, streams) for value in self.values]
        if not stages:
            return recipe
        kept = self.keep_state
        training = [replace(first, carry=self._carry, keep_state=kept, share=(1 - self.share) * first.share), *others]
        stages = [replace(stage, share=self.share * first.share / len(stages)) for stage in stages]
        stages[0] = replace(stages[0], carry=first.carry, keep_state=first.keep_state)
        return replace(recipe, stages=(*prior, *stages, *training))

    def _stage(self, like: Stage, problem: Any, value: Any, streams: Streams) -> Stage:
        batches = problem.batches(streams) if hasattr(problem, "batches") else None
        return Stage(
            problem=problem,
            optimizer=like.optimizer,
            carry=self._carry,
            on_curve=False,
            keep_state=self.keep_state,
            name=f"{self.option}={value:g}" if isinstance(value, int | float) else f"{self.option}={value}",
            gradient_tolerance=self.gradient_tolerance if self.gradient_tolerance and batches is None else None,
        )

    def _carry(self, previous: Point | None, fresh: Point) -> Point:
        return fresh if previous is None or self.start == "cold" else previous

    def _require_sense(self, first: Stage) -> None:
        optimizer: Any = first.optimizer
        if self.keep_state and not hasattr(optimizer, "restart"):
            message = f"{NAME}(keep_state=true) wants an optimizer that can be restarted; {_name(optimizer)} can not"
            raise Refused(message)
        if self.start == "cold" and (self.keep_state or first.carry is not None):
            message = f"{NAME}(start='cold') begins each value afresh: nothing can be kept, nor a start made before"
            raise Refused(message)


def _name(optimizer: Any) -> str:
    return str(getattr(getattr(optimizer, "cls", type(optimizer)), "__name__", type(optimizer).__name__))
