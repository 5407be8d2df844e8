"""`ablate` expands an optimizer to arms with and without, and says which two differ in what."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from optbench.records import Component, SuiteSpec
from optbench.registry import Catalogue
from optbench.suites import SuiteError, SuitePlanner, load_suite, select
from optbench.suites.ablating import ablations, arms

Write = Callable[[str], Path]
SUITE = """
title = "Mine"
budget.steps = 10
targets = ["relative:1e-3"]
metrics = ["f"]
[[problem]]
use = "net"
[[optimizer]]
use = "lbfgs"
ablate = ["average", "pretrain"]
"""
A, B, C = ((Component(name=name),) for name in "abc")


def names(recipe: tuple[Component, ...]) -> str:
    return " ".join(part.short for part in recipe)


def recipes(spec: SuiteSpec) -> list[str]:
    return [names((entry.use, *entry.meta_algorithms)) for entry in spec.optimizers]


def pairs(spec: SuiteSpec) -> list[tuple[str, str, str]]:
    return [(names(item.factor), names(item.present), names(item.absent)) for item in spec.ablations]


def test_all_combinations_are_run_and_each_factor_is_compared_beside_every_setting_of_the_others(
    catalogue: Catalogue, write: Write
) -> None:
    spec = load_suite(write(SUITE), catalogue)
    assert recipes(spec) == ["lbfgs", "lbfgs average", "lbfgs pretrain", "lbfgs average pretrain"]
    assert pairs(spec) == [
        ("average", "lbfgs average", "lbfgs"),
        ("average", "lbfgs average pretrain", "lbfgs pretrain"),
        ("pretrain", "lbfgs pretrain", "lbfgs"),
        ("pretrain", "lbfgs average pretrain", "lbfgs average"),
    ]


def test_one_at_a_time_runs_none_and_each_alone(catalogue: Catalogue, write: Write) -> None:
    spec = load_suite(write(SUITE + 'ablate_mode = "one-at-a-time"'), catalogue)
    assert recipes(spec) == ["lbfgs", "lbfgs average", "lbfgs pretrain"]
    assert pairs(spec) == [("average", "lbfgs average", "lbfgs"), ("pretrain", "lbfgs pretrain", "lbfgs")]


def test_all_but_one_runs_all_and_leaves_each_out(catalogue: Catalogue, write: Write) -> None:
    spec = load_suite(write(SUITE + 'ablate_mode = "all-but-one"'), catalogue)
    assert recipes(spec) == ["lbfgs pretrain", "lbfgs average", "lbfgs average pretrain"]
    assert {item[1] for item in pairs(spec)} == {"lbfgs average pretrain"}
    assert [item[2] for item in pairs(spec)] == ["lbfgs pretrain", "lbfgs average"]


@pytest.mark.parametrize(
    ("mode", "count", "pairs"), [("combinations", 8, 12), ("one-at-a-time", 4, 3), ("all-but-one", 4, 3)]
)
def test_three_factors_make_so_many_arms_and_pairs(mode: str, count: int, pairs: int) -> None:
    assert len(set(arms((A, B, C), mode))) == count
    assert len(list(ablations((), (A, B, C), mode))) == pairs


def test_what_is_in_use_stays_on_in_every_arm_and_comes_first(catalogue: Catalogue, write: Write) -> None:
    text = SUITE.replace('use = "lbfgs"', 'use = "lbfgs + pretrain"').replace(', "pretrain"]', "]")
    assert recipes(load_suite(write(text), catalogue)) == ["lbfgs pretrain", "lbfgs pretrain average"]


def test_a_grid_makes_every_arm_at_each_of_its_points(catalogue: Catalogue, write: Write) -> None:
    spec = load_suite(write(SUITE + "grid.history = [5, 10]"), catalogue)
    assert len(spec.optimizers) == 8
    assert all(item.present[0] == item.absent[0] == item.base[0] for item in spec.ablations)


def test_several_joined_by_plus_are_switched_together(catalogue: Catalogue, write: Write) -> None:
    spec = load_suite(write(SUITE.replace('"average", "pretrain"', '"average + pretrain"')), catalogue)
    assert recipes(spec) == ["lbfgs", "lbfgs average pretrain"]
    assert [names(item.factor) for item in spec.ablations] == ["average pretrain"]


def test_arms_are_tuned_alike(catalogue: Catalogue, write: Write) -> None:
    text = SUITE + "search.history = {low = 2, high = 20}\n[tuning]\ntrials = 4\n"
    spec = load_suite(write(text), catalogue)
    assert len({entry.space for entry in spec.optimizers}) == 1
    assert len(SuitePlanner(spec, catalogue).tasks) == 4


def test_effects_are_measured_by_what_the_suite_says(catalogue: Catalogue, write: Write) -> None:
    text = (
        SUITE.replace('use = "net"', 'use = "net"\nscore = "relative:1e-3"')
        + '[ablation]\nscores = ["f", "relative:1e-3"]'
    )
    spec = load_suite(write(text), catalogue)
    assert [item.name for item in spec.scores] == ["f", "relative:1e-03"]
    assert spec.problems[0].score is not None
    assert spec.problems[0].score.name == "relative:1e-03"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('"average"', '"avrage"', "optimizer[0].ablate[0]: unknown meta-algorithm 'avrage'"),
        ('"average"', '"average(weight=1)"', "optimizer[0].ablate[0]: "),
        ('["average", "pretrain"]', "[]", "optimizer[0].ablate: given []; allowed: at least 1"),
        ('["average", "pretrain"]', '["average", "average"]', "optimizer[0].ablate[1]: given 'average'; it stands in"),
        (
            'use = "lbfgs"',
            'use = "lbfgs + average"',
            "optimizer[0].ablate[0]: given 'average'; it stands in this entry",
        ),
        ("ablate = [", 'ablate_mode = "all"\nablate = [', "allowed: 'combinations', 'one-at-a-time' or 'all-but-one'"),
        ('ablate = ["average", "pretrain"]', 'ablate_mode = "all-but-one"', "given without `ablate`"),
        ('ablate = ["average", "pretrain"]', '[ablation]\nscores = ["f"]', "ablation: given without `ablate`"),
        ('"pretrain"]', '"pretrain"]\n[ablation]\nscores = ["g"]', "ablation.scores[0]: given 'g'; allowed: f"),
        ('use = "net"', 'use = "net"\nselect = "f"', "problem[0].select: given without [tuning]"),
    ],
)
def test_mistakes_are_told_in_one_line_each(catalogue: Catalogue, write: Write, old: str, new: str, told: str) -> None:
    with pytest.raises(SuiteError) as raised:
        load_suite(write(SUITE.replace(old, new)), catalogue)
    assert told in str(raised.value)


def test_more_combinations_than_anyone_runs_are_refused(catalogue: Catalogue, write: Write) -> None:
    many = ", ".join('"average"' for _ in range(7))
    with pytest.raises(SuiteError, match="128 combinations; allowed: 6 at most"):
        load_suite(write(SUITE.replace('"average", "pretrain"', many)), catalogue)


def test_a_suite_that_ablates_survives_json(catalogue: Catalogue, write: Write) -> None:
    spec = load_suite(write(SUITE + '[ablation]\nscores = ["f"]'), catalogue)
    assert SuiteSpec.from_json(json.loads(json.dumps(spec.to_json()))) == spec


def test_an_ablation_that_only_leaves_with_one_arm_is_left_out(catalogue: Catalogue, write: Write) -> None:
    spec = select(load_suite(write(SUITE), catalogue), ["meta-algorithm=pretrain"])
    assert pairs(spec) == [("average", "lbfgs average pretrain", "lbfgs pretrain")]
