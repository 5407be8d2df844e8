"""What docs/deterministic.md says of the methods."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from optbench.registry import load_catalogue
from optbench.testing.subjects import subject_of
from optbench.testing.trials import place

GUIDE = (Path(__file__).parents[3] / "docs" / "deterministic.md").read_text(encoding="utf-8")
EXPRESSIONS = re.findall(r"^\| `([a-z-]+\(.*?\))` \|", GUIDE, flags=re.MULTILINE)
METHODS, _, PROBLEMS = GUIDE.partition("## On which problems")
NAMES = re.findall(r"^\| `([a-z-]+)` \|", METHODS, flags=re.MULTILINE)
SIZES = re.findall(r"^\| `([a-z0-9-]+)` \| ([nm])\b(.+) \|$", PROBLEMS, flags=re.MULTILINE)
CATALOGUE = load_catalogue()


def test_each_method_stands_in_the_table(plain_names: list[str]) -> None:
    assert sorted(NAMES) == sorted(plain_names)


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_expressions_of_the_textbooks_methods_can_be_built(build_variant: Any, expression: str) -> None:
    assert build_variant(expression).subject.optimizer() is not None


@pytest.mark.parametrize(("name", "option", "sizes"), SIZES, ids=[name for name, *_ in SIZES])
def test_the_minimum_is_known_at_the_sizes_that_are_named_and_no_others(name: str, option: str, sizes: str) -> None:
    stated = {int(number) for number in re.findall(r"\d+", sizes)}
    for first, last in re.findall(r"from (\d+) to (\d+)", sizes):
        stated |= set(range(int(first), int(last) + 1))
    problems = (subject_of(f"{name}({option}={size})", "problems", CATALOGUE) for size in range(min(stated), 32))
    known = {problem.options[option] for problem in problems if problem.problem(place()).f_star is not None}
    assert known == stated


def test_every_method_but_newton_cg_has_a_textbooks_form() -> None:
    assert {expression.partition("(")[0] for expression in EXPRESSIONS} == set(NAMES) - {"newton-cg"}
