"""The plan is the product of the entries, interleaved, with seeds only where they matter."""

from __future__ import annotations

from dataclasses import replace

import pytest

from optbench.records import Budget, Component, Entry, Status, SuiteSpec, TrialRecord, TrialSpec
from optbench.registry import Catalogue
from optbench.suites import SuitePlanner

LBFGS = Entry(use=Component(name="fake/lbfgs", options={"history": 10}))
SGD = Entry(use=Component(name="fake/sgd"))
RANDOM = Entry(use=Component(name="fake/random-search"))
QUADRATIC = Entry(use=Component(name="fake/quadratic", options={"n": 2}))
NET = Entry(use=Component(name="fake/net"))


@pytest.fixture
def spec() -> SuiteSpec:
    return SuiteSpec(
        name="s", title="S", problems=(QUADRATIC, NET), optimizers=(LBFGS, SGD), seeds=(3, 5), budget=Budget(steps=9)
    )


def short(trials: tuple[TrialSpec, ...]) -> list[tuple[str, str, int, int]]:
    return [(item.problem.short, item.optimizer.short, item.seed, item.repetition) for item in trials]


def test_seeds_vary_only_where_they_matter(spec: SuiteSpec, catalogue: Catalogue) -> None:
    planner = SuitePlanner(replace(spec, optimizers=(LBFGS, RANDOM)), catalogue)
    assert short(planner.trials) == [
        ("quadratic", "lbfgs", 0, 0),
        ("quadratic", "random-search", 3, 0),
        ("net", "lbfgs", 3, 0),
        ("net", "random-search", 3, 0),
        ("quadratic", "random-search", 5, 0),
        ("net", "lbfgs", 5, 0),
        ("net", "random-search", 5, 0),
    ]


def test_seeds_vary_where_an_option_draws_random_numbers(spec: SuiteSpec, catalogue: Catalogue) -> None:
    sweeps = [Entry(use=Component(name="fake/sweeps", options={"order": order})) for order in ("cyclic", "random")]
    planner = SuitePlanner(replace(spec, problems=(QUADRATIC,), optimizers=tuple(sweeps)), catalogue)
    drawn = [(item.optimizer.options["order"], item.seed) for item in planner.trials]
    assert drawn == [("cyclic", 0), ("random", 3), ("random", 5)]


def test_repetitions_are_outermost_and_optimizers_innermost(spec: SuiteSpec, catalogue: Catalogue) -> None:
    planner = SuitePlanner(replace(spec, seeds=(0,), repetitions=2), catalogue)
    once = [("quadratic", "lbfgs"), ("quadratic", "sgd"), ("net", "lbfgs"), ("net", "sgd")]
    assert short(planner.trials) == [(*pair, 0, repetition) for repetition in (0, 1) for pair in once]


def test_entries_meet_where_their_groups_do(spec: SuiteSpec, catalogue: Catalogue) -> None:
    problems = (replace(QUADRATIC, groups=("main",)), replace(NET, groups=("nets", "main")))
    optimizers = (LBFGS, replace(SGD, groups=("nets",)))
    planner = SuitePlanner(replace(spec, problems=problems, optimizers=optimizers, seeds=(0,)), catalogue)
    assert [pair[:2] for pair in short(planner.trials)] == [("quadratic", "lbfgs"), ("net", "lbfgs"), ("net", "sgd")]


def test_devices_and_dtypes_multiply_and_a_problem_may_fix_its_dtype(spec: SuiteSpec, catalogue: Catalogue) -> None:
    problems = (QUADRATIC, replace(NET, dtype="float32"))
    changed = replace(
        spec, problems=problems, optimizers=(LBFGS,), seeds=(0,), devices=("cpu", "cuda"), dtypes=("float64",)
    )
    planner = SuitePlanner(changed, catalogue)
    assert {(item.problem.short, item.device, item.dtype) for item in planner.trials} == {
        ("quadratic", "cpu", "float64"),
        ("quadratic", "cuda", "float64"),
        ("net", "cpu", "float32"),
        ("net", "cuda", "float32"),
    }


def test_a_problems_budget_is_its_trials_budget(spec: SuiteSpec, catalogue: Catalogue) -> None:
    problems = (QUADRATIC, replace(NET, budget=Budget(seconds=2.0)))
    trials = SuitePlanner(replace(spec, problems=problems), catalogue).trials
    assert {(item.problem.short, item.budget) for item in trials} == {
        ("quadratic", Budget(steps=9)),
        ("net", Budget(seconds=2.0)),
    }


def test_equal_entries_give_one_trial(spec: SuiteSpec, catalogue: Catalogue) -> None:
    planner = SuitePlanner(replace(spec, problems=(QUADRATIC, QUADRATIC), optimizers=(LBFGS,)), catalogue)
    assert len(planner.trials) == 1


def test_refused_combinations_are_told_and_not_planned(spec: SuiteSpec, catalogue: Catalogue) -> None:
    black_box = Entry(use=Component(name="fake/black-box"))
    pretrained = replace(LBFGS, meta_algorithms=(Component(name="fake/pretrain"),))
    changed = replace(spec, problems=(black_box, NET), optimizers=(SGD, pretrained), seeds=(0,))
    planner = SuitePlanner(changed, catalogue)
    assert [pair[:2] for pair in short(planner.trials)] == [("net", "sgd"), ("net", "lbfgs")]
    assert [(trial.optimizer.short, reason) for trial, reason in planner.refused] == [
        ("sgd", "sgd evaluates gradient, which black-box does not offer"),
        ("lbfgs", "lbfgs evaluates gradient, which black-box does not offer"),
    ]


def test_what_has_a_record_is_not_planned_again(spec: SuiteSpec, catalogue: Catalogue) -> None:
    planner = SuitePlanner(spec, catalogue)
    first, *others = planner.next(())
    assert (first, *others) == planner.trials
    assert planner.next([TrialRecord(spec=first, status=Status.OK)]) == tuple(others)
    assert planner.next(TrialRecord(spec=trial, status=Status.ERROR) for trial in planner.trials) == ()
