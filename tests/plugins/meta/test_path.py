"""A problem is solved for one value of an option after another."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from optbench_meta.path import Path

from optbench.api import Judged, Recipe, Refused, Stage, Variants
from tests.plugins.meta.staging import OPTIMIZER, net, recipe_of, run, streams

DEFAULTS: dict[str, Any] = {
    "option": "l2",
    "values": [1.0, 0.1],
    "start": "warm",
    "keep_state": False,
    "gradient_tolerance": 1e-4,
    "share": 0.5,
}


class Restartable:
    def restart(self) -> None: ...


def recipe(problem: Any, optimizer: Any = OPTIMIZER) -> Recipe:
    variants = Variants(problem=problem, build=lambda option, value: replace(problem, **{option: value}))
    return replace(recipe_of(problem), stages=(Stage(problem=problem, optimizer=optimizer),), variants=variants)


def staged(given: Recipe, **options: Any) -> tuple[Stage, ...]:
    stages: tuple[Stage, ...] = Path(**DEFAULTS | options)(given, streams).stages
    return stages


def test_the_values_come_in_their_order_and_the_problem_itself_last() -> None:
    problem = net(5, l2=0.01)
    stages = staged(recipe(problem), share=0.4)

    assert [stage.problem.l2 for stage in stages] == [1.0, 0.1, 0.01]
    assert stages[-1].problem is problem
    assert [stage.name for stage in stages] == ["l2=1", "l2=0.1", ""]
    assert [stage.on_curve for stage in stages] == [False, False, True]
    assert [stage.share for stage in stages] == pytest.approx([0.2, 0.2, 0.6])
    assert [stage.gradient_tolerance for stage in stages] == [1e-4, 1e-4, None]


def test_a_warm_start_is_where_the_value_before_ended_and_a_cold_one_where_the_problem_starts() -> None:
    problem = net(5, l2=0.01)
    starts, ends = run(staged(recipe(problem)))
    assert all(torch.equal(starts[k + 1].parameters, ends[k].parameters) for k in range(2))

    cold, _ = run(staged(recipe(problem), start="cold"))
    own = problem.start(streams).parameters
    assert all(torch.equal(start.parameters, own) for start in cold)


def test_the_state_is_kept_from_the_second_value_on() -> None:
    stages = staged(recipe(net(5), Restartable()), keep_state=True)
    assert [stage.keep_state for stage in stages] == [False, True, True]


def test_on_minibatches_no_gradient_tells_that_a_value_is_done() -> None:
    assert {stage.gradient_tolerance for stage in staged(recipe(net(5, batch_size=4)))} == {None}


def test_without_values_nothing_changes() -> None:
    given = recipe(net(5))
    assert staged(given, values=[]) == given.stages


@pytest.mark.parametrize(
    ("options", "optimizer", "said"),
    [
        ({"keep_state": True}, OPTIMIZER, "can be restarted; object can not"),
        ({"keep_state": True, "start": "cold"}, Restartable(), "nothing can be kept"),
    ],
)
def test_what_can_not_be_kept_is_refused(options: Any, optimizer: Any, said: str) -> None:
    with pytest.raises(Refused, match=said):
        staged(recipe(net(5), optimizer), **options)


def test_a_model_that_was_changed_before_can_not_be_built_for_other_values() -> None:
    given = recipe(net(5))
    (stage,) = given.stages
    changed = replace(given, stages=(replace(stage, problem=net(6)),))
    for bad in (changed, replace(given, variants=None)):
        with pytest.raises(Refused, match="name path before what changes models"):
            staged(bad)


def test_a_problem_that_has_something_added_for_training_is_refused_too() -> None:
    """The other values would be solved without it, and their points would not fit."""
    given = recipe(net(5))
    (stage,) = given.stages
    aided = replace(stage, problem=net(6), judged=Judged(problem=stage.problem, point=lambda point: point))
    with pytest.raises(Refused, match="name path before what changes models or objectives"):
        staged(replace(given, stages=(aided,)))
