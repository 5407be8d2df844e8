"""Options of problems as arms: what is compared with what, under which names, from which start."""

from __future__ import annotations

from typing import Any

import pytest

from optbench.records import Component, SuiteSpec
from optbench.report import ProblemArms
from optbench.report.naming import WITH, labels
from optbench.report.tuned import Labelled

HE, WIDE = 'init/he(distribution="normal")', "init/gaussian(std=1.0)"
NARROW = "init/gaussian(std=0.01)"
INFO = {"init/he": {"defaults": {"distribution": "normal"}}, "init/gaussian": {"defaults": {"std": 1.0}}}


def net(weights: str, depth: int = 2) -> Component:
    return Component(name="x/net", options={"depth": depth, "weights": weights})


def curve(synthetic: Any, start: float, end: float) -> Any:
    return synthetic.snapshots_of([1.0, 10.0], [start, end])


@pytest.fixture
def compared(results: Any, synthetic: Any) -> Any:
    """Three initializers on nets of two depths, which start at 2, 4 and 40; another problem with one."""
    for depth in (2, 8):
        for weights, start in ((HE, 2.0), (WIDE, 40.0), (NARROW, 4.0)):
            trace = curve(synthetic, start, start / 2)
            results.add("x/sgd", net(weights, depth), trace, batch_size=10, f_star=0.0, f_star_source="exact")
    results.add("x/sgd", Component(name="x/other", options={"weights": HE}), curve(synthetic, 1.0, 0.5), batch_size=10)
    suite = SuiteSpec(
        name="mine",
        title="Mine",
        problems=tuple(results.problems),
        optimizers=tuple(results.optimizers),
        arms=("weights", "biases"),
    )
    return ProblemArms(suite), ProblemArms(suite).labelled(Labelled(suite, results.records))


def test_an_option_with_several_values_moves_from_the_problem_to_the_recipe(compared: Any) -> None:
    arms, labelled = compared
    assert arms.moved == {"x/net": ("weights",), "x/other": ()}
    assert [entry.use.options for entry in labelled.suite.problems] == [{"depth": 2}, {"depth": 8}, {"weights": HE}]
    recipes = [entry.recipe for entry in labelled.suite.optimizers]
    assert [recipe[-1].options for recipe in recipes] == [{"weights": text} for text in (HE, WIDE, NARROW)] + [{}]
    assert {recipe[0].name for recipe in recipes} == {"x/sgd"}


def test_each_record_is_still_the_trial_that_ran(compared: Any, results: Any) -> None:
    _, labelled = compared
    assert [labelled.trial(record.id) for record in labelled.records] == [record.id for record in results.records]
    assert len({record.id for record in labelled.records}) == len(results.records)


def test_arms_stand_side_by_side_on_each_problem_and_their_gaps_have_one_start(compared: Any, results: Any) -> None:
    _, labelled = compared
    results.problems, results.optimizers = list(labelled.suite.problems), list(labelled.suite.optimizers)
    snapshots = {record.id: results.snapshots[labelled.trial(record.id)] for record in labelled.records}
    results.records, results.optimizer_info = labelled.records, INFO
    model = results.report(arms=("weights",), snapshots=snapshots.get)
    assert [item.label for item in model.optimizers] == [
        "he",
        "gaussian(std=1.0)",
        "gaussian(std=0.01)",
        "sgd",  # on the problem with one initializer
    ]
    first = model.problems[0]
    assert first.f0 == 4.0  # the median of the three starts
    ends = {cell.optimizer: cell.gap for cell in model.cells if cell.problem == first.id}
    assert list(ends.values()) == [1.0 / 4, 20.0 / 4, 2.0 / 4]
    assert model.entrant == "arm"
    (note,) = [note for note in model.notes if "arms" in note]
    assert "values of weights, all else alike, with sgd on net" in note


def arm(**options: Any) -> Component:
    return Component(name=WITH, options=options)


SGD, ADAM = Component(name="x/sgd", options={"lr": 0.1}), Component(name="x/adam")


@pytest.mark.parametrize(
    ("recipes", "expected"),
    [
        ([(SGD, arm(weights=HE)), (SGD, arm(weights=NARROW))], ["he", "gaussian(std=0.01)"]),
        ([(SGD, arm(weights=HE)), (ADAM, arm(biases=NARROW))], ["he", "gaussian(std=0.01)"]),
        ([(SGD, arm(weights=HE)), (ADAM, arm(weights=HE))], ["sgd(lr=0.1) + he", "adam + he"]),
        ([(SGD, arm(weights=HE)), (SGD, arm(biases=HE))], ["weights=he", "biases=he"]),
        ([(SGD, arm(depth=2)), (SGD, arm(depth=8))], ["depth=2", "depth=8"]),
        ([(SGD, arm(weights="a/he")), (SGD, arm(weights="b/he"))], ["a/he", "b/he"]),
    ],
)
def test_labels_are_short_and_tell_arms_apart(recipes: Any, expected: list[str]) -> None:
    info = {**INFO, "x/sgd": {"defaults": {"lr": 0.01}}}
    assert labels(recipes, info) == expected
