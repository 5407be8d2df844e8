"""A suite is narrowed and changed by what the command line says."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from optbench.api import UserError
from optbench.records import Budget, Component, Entry, SuiteSpec
from optbench.suites import override, select

SPEC = SuiteSpec(
    name="s",
    title="S",
    problems=tuple(Entry(use=Component(name=f"p/{name}")) for name in ("quadratic", "quartic", "net")),
    optimizers=(
        Entry(use=Component(name="a/lbfgs", options={"history": 5})),
        Entry(use=Component(name="a/lbfgs", options={"history": 10})),
        Entry(use=Component(name="b/sgd")),
        Entry(use=Component(name="b/sgd"), meta_algorithms=(Component(name="m/average"),)),
    ),
    budget=Budget(evaluations=100, targets=("relative:1e-08",)),
)


def names(spec: SuiteSpec) -> tuple[list[str], list[str]]:
    return [entry.use.short for entry in spec.problems], [entry.use.short for entry in spec.optimizers]


@pytest.mark.parametrize(
    ("only", "problems", "optimizers"),
    [
        (["optimizer=lbfgs"], 3, ["lbfgs", "lbfgs"]),
        (["optimizer=b/sgd"], 3, ["sgd", "sgd"]),
        (["optimizer=lbfgs", "optimizer=sgd"], 3, ["lbfgs", "lbfgs", "sgd", "sgd"]),
        (["problem=qua*", "meta-algorithm=average"], 2, ["sgd"]),
        (["problem=p/n?t", "optimizer=l*"], 1, ["lbfgs", "lbfgs"]),
        ([], 3, ["lbfgs", "lbfgs", "sgd", "sgd"]),
    ],
)
def test_filters_of_one_key_add_up_and_those_of_two_narrow(
    only: list[str], problems: int, optimizers: list[str]
) -> None:
    chosen = names(select(SPEC, only))
    assert (len(chosen[0]), chosen[1]) == (problems, optimizers)


@pytest.mark.parametrize(
    ("only", "message"),
    [
        ("optimizer=adam", "no optimizer of the suite matches 'adam'; optimizers of the suite: lbfgs, sgd"),
        ("problem=quadratik", "problems of the suite: net, quadratic, quartic; nearest: quadratic"),
        ("meta-algorithm=polyak", "meta-algorithms of the suite: average"),
        ("optimiser=lbfgs", "allowed: problem=NAME, optimizer=NAME, meta-algorithm=NAME; nearest: optimizer"),
        ("lbfgs", "filter 'lbfgs'"),
    ],
)
def test_a_filter_that_matches_nothing_lists_the_names(only: str, message: str) -> None:
    with pytest.raises(UserError) as caught:
        select(SPEC, [only])
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"devices": "cpu,cuda:1"}, {"devices": ("cpu", "cuda:1")}),
        ({"devices": ["cuda"]}, {"devices": ("cuda",)}),
        ({"dtypes": "float32"}, {"dtypes": ("float32",)}),
        ({"seeds": 3}, {"seeds": (0, 1, 2)}),
        ({"seeds": "2"}, {"seeds": (0, 1)}),
        ({"seeds": "0, 7"}, {"seeds": (0, 7)}),
        ({"repetitions": 4, "threads": 2, "memory": False}, {"repetitions": 4, "threads": 2, "memory": False}),
        ({}, {}),
    ],
)
def test_what_is_given_replaces_what_the_file_says(changes: dict[str, Any], expected: dict[str, Any]) -> None:
    assert override(SPEC, **changes) == replace(SPEC, **expected)


@pytest.mark.parametrize(
    ("text", "limits"),
    [
        ("500", {"evaluations": 500}),
        ("30s", {"seconds": 30.0}),
        ("flops=2.5e9", {"flops": 2.5e9}),
        ("0.5s", {"seconds": 0.5}),
        ("evaluations=500,seconds=30", {"evaluations": 500, "seconds": 30.0}),
        ("steps=10, examples=1e6", {"steps": 10, "examples": 1_000_000}),
    ],
)
def test_a_budget_replaces_every_limit_and_keeps_the_targets(text: str, limits: dict[str, Any]) -> None:
    spec = replace(SPEC, problems=(replace(SPEC.problems[0], budget=Budget(steps=7)),))
    changed = override(spec, budget=text)
    assert changed.budget == Budget(**limits, targets=("relative:1e-08",))
    assert changed.problems[0].budget == Budget(**limits)


def test_a_dtype_holds_for_problems_that_fix_theirs_too() -> None:
    spec = replace(SPEC, problems=(replace(SPEC.problems[0], dtype="float32"),))
    assert override(spec, dtypes="float64").problems[0].dtype is None


@pytest.mark.parametrize(
    "changes",
    [
        {"devices": "gpu"},
        {"dtypes": "double"},
        {"seeds": "three"},
        {"seeds": "-1"},
        {"seeds": 0},
        {"budget": "soon"},
        {"budget": "-5"},
        {"budget": "minutes=3"},
        {"budget": "2.5"},
        {"repetitions": 0},
        {"threads": 0},
    ],
)
def test_a_wrong_change_is_the_users_mistake(changes: dict[str, Any]) -> None:
    with pytest.raises(UserError, match="allowed"):
        override(SPEC, **changes)
