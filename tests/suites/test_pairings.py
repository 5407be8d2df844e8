"""`[[compare]]` tables name two optimizers of the suite; what is wrong is told before anything runs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from optbench.records import Component, SuiteSpec
from optbench.registry import Catalogue
from optbench.suites import SuiteError, load_suite, select

Write = Callable[[str], Path]
SUITE = """
title = "Mine"
budget.steps = 10
targets = ["relative:1e-3", "gradient:1e-6"]
[[problem]]
use = "quadratic"
[[optimizer]]
use = "lbfgs"
grid.history = [5, 10]
[[optimizer]]
use = "lbfgs + average"
[[optimizer]]
use = "sgd"
"""
PAIR = """
[[compare]]
first = "lbfgs(history=5)"
second = "sgd"
"""


def test_each_of_the_two_is_an_entry_with_its_options(catalogue: Catalogue, write: Write) -> None:
    (pairing,) = load_suite(write(SUITE + PAIR), catalogue).pairings
    assert pairing.first == (Component(name="fake/lbfgs", options={"history": 5}),)
    assert [part.short for part in pairing.second] == ["sgd"]
    assert (pairing.targets, pairing.min_size) == (("relative:1e-03", "gradient:1e-06"), 1)


def test_targets_and_sizes_may_be_fewer(catalogue: Catalogue, write: Write) -> None:
    text = PAIR + 'targets = ["gradient:1e-6"]\nmin_size = 50\n'
    (pairing,) = load_suite(write(SUITE + text), catalogue).pairings
    assert (pairing.targets, pairing.min_size) == (("gradient:1e-06",), 50)


def test_an_optimizer_with_a_meta_algorithm_is_another_one(catalogue: Catalogue, write: Write) -> None:
    (pairing,) = load_suite(write(SUITE + PAIR.replace('"sgd"', '"lbfgs + average"')), catalogue).pairings
    assert [part.short for part in pairing.second] == ["lbfgs", "average"]


@pytest.mark.parametrize(
    ("old", "new", "key", "told"),
    [
        ("(history=5)", "", "compare[0].first", "means 2 optimizers of the suite: write the options that differ"),
        ("history=5", "history=6", "compare[0].first", "matches no optimizer of the suite"),
        ('"sgd"', '"sdg"', "compare[0].second", "nearest: sgd"),
        ('"sgd"', '"lbfgs(history=5)"', "compare[0]", "compares an optimizer with itself"),
        ("second", "secund", "compare[0].secund", "nearest: second"),
        ('"sgd"', '"sgd"\ntargets = ["relative:1e-5"]', "compare[0].targets", "the suite's targets: relative:1e-03"),
        ('"sgd"', '"sgd"\nmin_size = 0', "compare[0].min_size", "greater than or equal to 1"),
    ],
)
def test_mistakes_are_told_with_their_key(
    old: str, new: str, key: str, told: str, catalogue: Catalogue, write: Write
) -> None:
    with pytest.raises(SuiteError) as caught:
        load_suite(write(SUITE + PAIR.replace(old, new)), catalogue)
    assert any(line.startswith(f"{key}: ") and told in line for line in map(str, caught.value.mistakes)), caught.value


def test_a_pair_that_only_leaves_without_one_of_the_two_is_left_out(catalogue: Catalogue, write: Write) -> None:
    spec = load_suite(write(SUITE + PAIR), catalogue)
    assert select(spec, ["optimizer=sgd"]).pairings == ()
    assert len(select(spec, ["optimizer=sgd", "optimizer=lbfgs"]).pairings) == 1


def test_pairs_survive_the_store(catalogue: Catalogue, write: Write) -> None:
    spec = load_suite(write(SUITE + PAIR), catalogue)
    assert SuiteSpec.from_json(json.loads(json.dumps(spec.to_json()))) == spec
