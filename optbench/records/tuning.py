"""How a suite tunes its optimizers, and what a tuning is about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

from optbench.records.canonical import canonical_json
from optbench.records.space import Space
from optbench.records.targets import Target
from optbench.records.trial import Component, TrialSpec

OBJECTIVE = "f"  # the yardstick that every problem has
TUNED = "tuned"  # stands in reports for the values of options that were tuned
Method = Literal["grid", "random", "optuna"]


@dataclass(frozen=True, kw_only=True)
class Yardstick:
    """What settings are chosen by, or scored by: the objective at the scored point, a metric there, or a target."""

    name: str  # OBJECTIVE, the qualified name of a metric, or a target: evaluations until it is reached
    higher_is_better: bool = False

    @property
    def is_target(self) -> bool:
        """Whether evaluations are counted."""
        try:
            Target.parse(self.name)
        except ValueError:
            return False
        return True

    @property
    def short(self) -> str:
        """The name without its plugin."""
        return self.name if self.is_target else self.name.rpartition("/")[2]

    @property
    def in_words(self) -> str:
        """What is measured."""
        return f"evaluations to {self.name}" if self.is_target else self.short


@dataclass(frozen=True, kw_only=True)
class StoredSetting:
    """Options that an earlier tuning found for an optimizer on a problem."""

    problem: Component
    recipe: tuple[Component, ...]  # without the options that were tuned
    options: Mapping[str, Any]
    edge: tuple[str, ...] = ()  # options whose value lay at the edge of what had been tried

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Return the record that `asdict` described."""
        return cls(
            problem=Component(**data["problem"]),
            recipe=tuple(Component(**item) for item in data["recipe"]),
            options=data["options"],
            edge=tuple(data["edge"]),
        )


@dataclass(frozen=True, kw_only=True)
class Tuning:
    """`[tuning]` of a suite: the same for every optimizer and problem, but for the yardsticks."""

    method: Method = "grid"
    trials: int = 10  # of one tuning of one optimizer on one problem
    seeds: int = 1  # of each setting: trials / seeds settings are tried
    repeats: int = 1  # independent tunings
    select: Yardstick = Yardstick(name=OBJECTIVE)
    score: Yardstick = Yardstick(name=OBJECTIVE)
    untuned: bool = True  # whether the optimizers run as they are written, too
    stored: tuple[StoredSetting, ...] = ()  # instead of a search
    found_by: str = ""  # where the stored ones come from, in words

    @property
    def settings(self) -> int:
        """How many settings a tuning tries."""
        return self.trials // self.seeds

    @property
    def in_words(self) -> str:
        """How settings are found: "grid, 12 trials, best of 3, selected by validation-loss"."""
        if self.stored:
            return f"found before: {self.found_by}"
        repeats = "" if self.repeats == 1 else f", best of {self.repeats}"
        return f"{self.method}, {self.trials} trials{repeats}, selected by {self.select.in_words}"

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Return the record that `asdict` described."""
        yardsticks = {key: Yardstick(**data[key]) for key in ("select", "score")}
        return cls(**{**data, **yardsticks, "stored": tuple(map(StoredSetting.from_json, data["stored"]))})


@dataclass(frozen=True, kw_only=True)
class TuningTask:
    """An optimizer to be tuned on a problem, a device and in a precision."""

    trial: TrialSpec  # as the suite writes it: untuned, seed 0
    space: Space
    seeded: bool  # whether other seeds give other trials
    select: Yardstick
    score: Yardstick

    def with_options(self, options: Mapping[str, Any]) -> Component:
        """Return the optimizer with these of its options."""
        optimizer = self.trial.optimizer
        return Component(name=optimizer.name, options={**optimizer.options, **options})


def find_stored(
    stored: Iterable[StoredSetting], problem: Component, recipe: tuple[Component, ...], space: Space
) -> StoredSetting | None:
    """Return what an earlier tuning of these options found for a recipe on a problem."""
    wanted = _identity(problem, untuned_parts(recipe, space))
    return next((item for item in stored if _identity(item.problem, item.recipe) == wanted), None)


def untuned_parts(recipe: tuple[Component, ...], space: Space) -> tuple[Component, ...]:
    """Return the recipe without the options that are tuned."""
    tuned = {part.option for part in space}
    optimizer, *metas = recipe
    kept = {name: value for name, value in optimizer.options.items() if name not in tuned}
    return (Component(name=optimizer.name, options=kept), *metas)


def _identity(problem: Component, recipe: tuple[Component, ...]) -> str:
    return canonical_json([[part.name, part.options] for part in (problem, *recipe)])
