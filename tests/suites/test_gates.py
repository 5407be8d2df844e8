"""`[[gate]]` tables select trials among the suite's entries; what is wrong is told before anything runs."""

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
targets = ["relative:1e-3"]
[[problem]]
use = "quadratic"
grid.n = [2, 4]
[[problem]]
use = "black-box"
groups = ["other"]
[[optimizer]]
use = "lbfgs"
grid.history = [5, 10]
[[optimizer]]
use = "lbfgs + average"
[[optimizer]]
use = "random-search"
groups = ["other"]
"""
GATE = """
[[gate]]
name = "fast"
statement = "ten steps suffice"
problem = "quadratic"
optimizer = "lbfgs(history=5)"
quantity = "steps"
target = "relative:1e-03"
at_most = 10
"""


def gates(text: str, catalogue: Catalogue, write: Write) -> SuiteSpec:
    return load_suite(write(SUITE + text), catalogue)


def test_an_expression_selects_the_entries_that_have_what_it_writes(catalogue: Catalogue, write: Write) -> None:
    (gate,) = gates(GATE, catalogue, write).gates
    assert [problem.options for problem in gate.problems] == [{"n": 2}, {"n": 4}]
    assert gate.optimizers == ((Component(name="fake/lbfgs", options={"history": 5}),),)
    assert (gate.quantity, gate.target, gate.at_most, gate.expected) == ("steps", "relative:1e-03", 10.0, None)


def test_meta_algorithms_are_part_of_what_is_selected(catalogue: Catalogue, write: Write) -> None:
    both = gates(GATE.replace("(history=5)", ""), catalogue, write).gates[0].optimizers
    averaged = gates(GATE.replace("(history=5)", " + average"), catalogue, write).gates[0].optimizers
    assert [len(recipe) for recipe in both] == [1, 1]
    assert [[part.short for part in recipe] for recipe in averaged] == [["lbfgs", "average"]]


def test_a_relative_tolerance_becomes_an_absolute_one(catalogue: Catalogue, write: Write) -> None:
    text = GATE.replace("at_most = 10", "expected = -20\nrelative_tolerance = 0.1")
    gate = gates(text, catalogue, write).gates[0]
    assert (gate.expected, gate.tolerance) == (-20.0, 2.0)


@pytest.mark.parametrize(
    ("old", "new", "key", "told"),
    [
        ("quadratic", "quadratic(n=3)", "gate[0].problem", "matches no problem of the suite: black-box, quadratic"),
        ("quadratic", "quadratik", "gate[0].problem", "nearest: quadratic"),
        ("history=5", "history=6", "gate[0].optimizer", "matches no optimizer of the suite"),
        ("history=5", "histori=5", "gate[0].optimizer", "history"),
        ("(history=5)", " + pretrain", "gate[0].optimizer", "matches no optimizer of the suite"),
        ("quadratic", "black-box", "gate[0]", "share no group"),
        ("1e-03", "1e-05", "gate[0].target", "the suite's targets: relative:1e-03"),
        ('"steps"', '"step"', "gate[0].quantity", "nearest: steps"),
        ('"steps"', '"rate"', "gate[0]", "given a target with 'rate'; allowed with steps, evaluations"),
        ("at_most = 10", "", "gate[0]", "`expected` with one of"),
        ("at_most = 10", "expected = 1", "gate[0]", "`expected` with one of"),
        ("at_most = 10", "at_most = 10\ntolerance = 1", "gate[0]", "`expected` with one of"),
        ("at_most = 10", "expected = 1\ntolerance = 1\nrelative_tolerance = 1", "gate[0]", "`expected` with one of"),
        ("at_most = 10", "expected = 1\ntolerance = -1", "gate[0].tolerance", "greater than or equal to 0"),
        ("at_most = 10", "at_most = 3\nat_least = 4", "gate[0]", "given at_least 4 above at_most 3"),
        ("at_most", "at_moist", "gate[0].at_moist", "nearest: at_most"),
    ],
)
def test_a_mistake_is_told_with_its_place(
    old: str, new: str, key: str, told: str, catalogue: Catalogue, write: Write
) -> None:
    with pytest.raises(SuiteError) as caught:
        gates(GATE.replace(old, new), catalogue, write)
    assert told in {mistake.key: mistake.message for mistake in caught.value.mistakes}[key]


@pytest.mark.parametrize(("old", "new"), [("quadratic", "quadratik"), ("at_most", "at_moist")])
def test_a_mistake_tells_the_name_of_its_gate(old: str, new: str, catalogue: Catalogue, write: Write) -> None:
    with pytest.raises(SuiteError, match=r"gate\[1\]\.\w+ of 'second'"):
        gates(GATE + GATE.replace("fast", "second").replace(old, new), catalogue, write)


def test_two_gates_of_one_name_are_a_mistake(catalogue: Catalogue, write: Write) -> None:
    with pytest.raises(SuiteError, match="'fast' stands twice"):
        gates(GATE + GATE, catalogue, write)


def test_narrowing_a_suite_leaves_out_gates_without_trials(catalogue: Catalogue, write: Write) -> None:
    other = GATE.replace("fast", "slow").replace('"quadratic"', '"black-box"')
    spec = gates(GATE + other.replace("lbfgs(history=5)", "random-search"), catalogue, write)
    assert [gate.name for gate in select(spec, ["optimizer=random*"]).gates] == ["slow"]
    assert [gate.name for gate in select(spec, ["problem=quad*"]).gates] == ["fast"]
    assert select(spec, ["meta-algorithm=average"]).gates == ()


def test_gates_round_trip_through_json(catalogue: Catalogue, write: Write) -> None:
    spec = gates(GATE, catalogue, write)
    assert SuiteSpec.from_json(json.loads(json.dumps(spec.to_json()))) == spec
    older = {key: value for key, value in spec.to_json().items() if key != "gates"}
    assert SuiteSpec.from_json(older).gates == ()
