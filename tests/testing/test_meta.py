"""A sound meta-algorithm passes every check; each planted mistake is caught by the check that is named for it."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
import torch

from optbench.api import MetaAlgorithmPlugin, Point, Recipe, Refused, SupervisedProblem
from optbench.testing.framework import Finding, Subject, attempt
from optbench.testing.meta import META_CHECKS


class Mean:
    """The running mean of the iterates."""

    def __init__(self) -> None:
        self.total: Any = None
        self.count = 0

    def observe(self, point: Point) -> None:
        fresh = self.total is None or self.total.shape != point.parameters.shape
        self.total = point.parameters.clone() if fresh else self.total + point.parameters
        self.count = 1 if fresh else self.count + 1

    def point(self) -> Point:
        return Point(parameters=self.total / self.count)


class Averaging:
    """Puts a readout on the recipe."""

    readout: Any = Mean

    def __call__(self, recipe: Recipe, streams: Any) -> Recipe:
        if recipe.readout is not None:
            raise Refused("the recipe has a readout")
        return replace(recipe, readout=self.readout)


class Halving:
    """Puts a stage with half of the share before each."""

    def __call__(self, recipe: Recipe, streams: Any) -> Recipe:
        halves = [replace(stage, share=stage.share / 2) for stage in recipe.stages for _ in range(2)]
        return replace(recipe, stages=tuple(halves))


class NeedingBlocks(Halving):
    def __call__(self, recipe: Recipe, streams: Any) -> Recipe:
        if not all(hasattr(stage.problem, "with_blocks") for stage in recipe.stages):
            raise Refused("it wants a model of blocks")
        return super().__call__(recipe, streams)


class TooMuch(Halving):
    def __call__(self, recipe: Recipe, streams: Any) -> Recipe:
        return replace(recipe, stages=recipe.stages * 2)


class FittingOnlyOneStage(Halving):
    """Its shares are right unless another meta-algorithm came before."""

    def __call__(self, recipe: Recipe, streams: Any) -> Recipe:
        return replace(
            recipe,
            stages=(*(replace(stage, share=0.5) for stage in recipe.stages), replace(recipe.stages[0], share=0.5)),
        )


class Writing(Averaging):
    def __call__(self, recipe: Recipe, streams: Any) -> Recipe:
        recipe.stages[0].optimizer.lost = True
        object.__setattr__(recipe, "readout", Mean)
        return recipe


class Retuning(Averaging):
    """Changes the optimizer that it was given."""

    def __call__(self, recipe: Recipe, streams: Any) -> Recipe:
        optimizer: Any = recipe.stages[0].optimizer
        step = optimizer.step

        def slower(oracle: Any, state: Any) -> Any:
            before = state.point
            state = step(oracle, state)
            state.point = 0.5 * (before + state.point)
            return state

        optimizer.step = slower
        return super().__call__(recipe, streams)


class Crashing:
    def __call__(self, recipe: Recipe, streams: Any) -> Recipe:
        return replace(recipe, stages=recipe.stages[0].problem.with_blocks(()))  # type: ignore[attr-defined]


class Silent:
    def __call__(self, recipe: Recipe, streams: Any) -> Recipe:
        raise Refused


class Unwilling:
    def __call__(self, recipe: Recipe, streams: Any) -> Recipe:
        raise Refused("not today")


class GivingStages:
    def __call__(self, recipe: Recipe, streams: Any) -> Any:
        return recipe.stages


class Stageless:
    def __call__(self, recipe: Recipe, streams: Any) -> Any:
        return replace(recipe, stages=())


class Unseeded:
    def __call__(self, recipe: Recipe, streams: Any) -> Recipe:
        generator = torch.Generator()
        generator.seed()

        def disturbed(previous: Point | None, fresh: Point) -> Point:
            noise = torch.randn(fresh.parameters.shape, generator=generator, dtype=torch.float64)
            return replace(fresh, parameters=fresh.parameters + noise)

        return replace(recipe, stages=(replace(recipe.stages[0], carry=disturbed), *recipe.stages[1:]))


class GloballyDrawing(Unseeded):
    def __call__(self, recipe: Recipe, streams: Any) -> Recipe:
        torch.rand(1)
        return recipe


class Peeking:
    """Looks at the objective when the recipe is made."""

    def __call__(self, recipe: Recipe, streams: Any) -> Recipe:
        problem = recipe.stages[0].problem
        problem.value(problem.start(streams).parameters)
        return recipe


class Twice:
    """A problem that evaluates twice for each evaluation that is asked for."""

    def __init__(self, problem: Any) -> None:
        self.problem = problem

    def __getattr__(self, name: str) -> Any:
        return getattr(self.problem, name)

    def value_and_gradient(self, x: Any, batch: Any = None) -> Any:
        self.problem.value_and_gradient(x, batch)
        return self.problem.value_and_gradient(x, batch)


class Doubling:
    def __call__(self, recipe: Recipe, streams: Any) -> Recipe:
        if not hasattr(recipe.stages[0].problem, "value_and_gradient"):
            raise Refused("a net, please")
        stages = tuple(replace(stage, problem=Twice(stage.problem)) for stage in recipe.stages)  # type: ignore[type-var]
        return replace(recipe, stages=stages)


class Meddling(Mean):
    def observe(self, point: Point) -> None:
        super().observe(point)
        point.parameters.mul_(0.5)


class MeddlingReadout(Averaging):
    readout = Meddling


class Keeping(Mean):
    def observe(self, point: Point) -> None:
        self.total, self.count = point.parameters, 1

    def point(self) -> Point:
        return Point(parameters=self.total.clone())


class KeepingReadout(Averaging):
    readout = Keeping


class Giving(Mean):
    def point(self) -> Point:
        self.total, self.count = self.total / self.count, 1
        return Point(parameters=self.total)


class GivingReadout(Averaging):
    readout = Giving


class OnTheCpu(Mean):
    def observe(self, point: Point) -> None:
        mean = torch.zeros(point.parameters.shape, dtype=point.parameters.dtype)
        self.total, self.count = mean.add_(point.parameters), 1


class CpuReadout(Averaging):
    readout = OnTheCpu


class Redrawing:
    """Starts its nets one further from zero."""

    def __call__(self, recipe: Recipe, streams: Any) -> Recipe:
        return replace(recipe, stages=tuple(map(self.changed, recipe.stages)))

    def changed(self, stage: Any) -> Any:
        if not isinstance(stage.problem, SupervisedProblem):
            raise Refused("it wants a net")
        begin = stage.problem.initialize

        def fill(name: str, tensor: torch.Tensor, generator: torch.Generator) -> None:
            begin(name, tensor, generator)
            tensor.add_(1.0)

        return replace(stage, problem=replace(stage.problem, initialize=fill))


class Correlating:
    """Averages, and holds the outer product of the iterate with itself."""

    def __call__(self, recipe: Recipe, streams: Any) -> Recipe:
        if recipe.readout is not None:
            raise Refused("the recipe has a readout")
        return replace(recipe, readout=CorrelatingReadout)


class CorrelatingReadout(Mean):
    def observe(self, point: Point) -> None:
        super().observe(point)
        self.products = torch.outer(point.parameters, point.parameters)


PLANTS: list[tuple[type, str, str]] = [
    (Redrawing, "tensors-start-alike", r"tensor hidden.0.weight starts otherwise than without it"),
    (Correlating, "extra-memory-as-declared", r"live bytes grow as n\^1\.\d.*extra_memory is declared O\(n\): \d+"),
    (
        GivingStages,
        "gives-a-recipe",
        r"of a net on minibatches it makes a tuple; expected a Recipe \(.*GivingStages.__call__",
    ),
    (Stageless, "gives-a-recipe", r"makes stages \(\); expected a tuple of Stage"),
    (
        Crashing,
        "gives-a-recipe",
        r"given a quadratic it raised what is no Refused: .*\(.*test_meta.py:\d+ in __call__\)$",
    ),
    (Silent, "gives-a-recipe", r"refuses a net on minibatches without a message"),
    (Unwilling, "gives-a-recipe", r"refuses every recipe that has what it needs"),
    (TooMuch, "shares-sum-to-one", r"the shares are \[1.0, 1.0\]; expected positive ones, sum 1"),
    (FittingOnlyOneStage, "composes", r"of its own recipe of .*, the shares are \[0.5, 0.5, 0.5\]"),
    (Writing, "leaves-its-recipe-alone", r"the recipe that was given is changed"),
    (Retuning, "leaves-its-recipe-alone", r"the recipe that was given runs otherwise afterwards"),
    (Unseeded, "repeats-bitwise", r"two runs under one seed take different steps"),
    (
        GloballyDrawing,
        "leaves-global-random-state",
        r"generator of torch: draw from the streams \(.*test_meta.py:\d+ in __call__\)",
    ),
    (Peeking, "costs-are-counted", r"evaluated behind the oracle \(.*test_meta.py:\d+ in __call__\)"),
    (
        Doubling,
        "costs-are-counted",
        r"of a net on minibatches, the objective is evaluated 80 times, the oracle counts 40",
    ),
    (MeddlingReadout, "readout-changes-nothing", r"the iterates differ with the readout and without"),
    (KeepingReadout, "readout-changes-nothing", r"keeps the iterate's tensor"),
    (GivingReadout, "readout-changes-nothing", r"gives away its own tensor"),
    (
        CpuReadout,
        "stays-on-the-device",
        r"add of a tensor on the device.*\(.*in observe\); the CPU tensor was made at .*in observe",
    ),
]


def subject_of(made: type, **fields: Any) -> Subject:
    factory = f"{__name__}:{made.__name__}"
    return Subject.of_record(MetaAlgorithmPlugin(name="mine", factory=factory, summary="x", **fields))


def finding_of(check: str, subject: Subject) -> Finding:
    (chosen,) = (item for item in META_CHECKS if item.name == check)
    assert not chosen.applies(subject)
    return attempt(chosen, subject)


@pytest.mark.parametrize("check", [item.name for item in META_CHECKS if item.name != "refuses-what-it-can-not-do"])
@pytest.mark.parametrize("made", [Averaging, Halving])
def test_a_sound_meta_algorithm_passes(made: type, check: str) -> None:
    found = finding_of(check, subject_of(made))
    expected = ("ok", "")
    if made is Halving and check == "readout-changes-nothing":
        expected = ("not applicable", "it puts no readout on a recipe")
    assert (found.status, found.message) == expected


@pytest.mark.parametrize(("made", "check", "message"), PLANTS, ids=[made.__name__ for made, _, _ in PLANTS])
def test_a_mistake_is_caught_by_name_and_place(made: type, check: str, message: str) -> None:
    found = finding_of(check, subject_of(made))
    assert found.failed
    assert re.search(message, found.message), found.message


def test_what_it_needs_must_be_asked_for() -> None:
    needs = frozenset({"blocks"})
    assert finding_of("refuses-what-it-can-not-do", subject_of(NeedingBlocks, needs=needs)).status == "ok"
    careless = finding_of("refuses-what-it-can-not-do", subject_of(Halving, needs=needs))
    assert re.search("it needs blocks and takes a quadratic, which has none; it should raise Refused", careless.message)


def test_recipes_without_what_it_needs_are_only_tried_for_their_refusal() -> None:
    assert finding_of("gives-a-recipe", subject_of(NeedingBlocks, needs=frozenset({"blocks"}))).status == "ok"


def test_checks_do_not_apply_where_no_recipe_has_what_it_needs() -> None:
    needy = subject_of(Halving, needs=frozenset({"foresight"}))
    reasons = [check.applies(needy) for check in META_CHECKS if check.name != "refuses-what-it-can-not-do"]
    assert set(reasons) == {"it needs foresight, which no recipe of the checks gives"}
