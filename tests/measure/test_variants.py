"""The trial's problem with another value of one of its options."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

from optbench.api import UserError
from optbench.measure.factories import build
from optbench.records import Component, Job, TrialSpec
from tests.measure.fakes import Bowl, Descent

NAME = "optbench_fake_variants"


@pytest.fixture(autouse=True)
def fakes() -> Iterator[None]:
    module: Any = ModuleType(NAME)
    module.bowl = lambda device, dtype, streams, n, weights: Bowl(n + weights)
    module.descent, module.three = Descent, lambda: 3
    sys.modules[NAME] = module
    yield
    del sys.modules[NAME]


def variant(option: str, value: Any) -> Any:
    spec = TrialSpec(
        problem=Component(name="x/bowl", options={"n": 2, "weights": "three"}), optimizer=Component(name="x/descent")
    )
    job = Job(
        spec=spec,
        pass_="time",
        problem_factory=f"{NAME}:bowl",
        optimizer_factory=f"{NAME}:descent",
        named_factories={"weights": (f"{NAME}:three", {})},
        bounds={"n": (1, None)},
    )
    recipe = build(Job.from_json(job.to_json())).recipe
    assert recipe.variants is not None
    assert recipe.variants.problem is recipe.stages[0].problem
    return recipe.variants.build(option, value)


def test_the_other_options_stay_and_plugins_that_they_name_are_built() -> None:
    assert variant("n", 7).size == 10


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("m", 1, "problem bowl has no option 'm'; it has n, weights"),
        ("n", 0, "problem bowl: option n: got 0"),
        ("n", "many", "problem bowl: option n: expected an integer, got 'many'"),
        ("weights", "four", "option 'weights' of problem bowl names a plugin"),
    ],
)
def test_what_is_no_option_or_no_value_of_it_is_told(option: str, value: Any, said: str) -> None:
    with pytest.raises(UserError, match=said):
        variant(option, value)
