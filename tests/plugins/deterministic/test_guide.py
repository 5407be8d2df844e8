"""What docs/deterministic.md says of the methods."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

GUIDE = (Path(__file__).parents[3] / "docs" / "deterministic.md").read_text(encoding="utf-8")
EXPRESSIONS = re.findall(r"^\| `([a-z-]+\(.*?\))` \|", GUIDE, flags=re.MULTILINE)
NAMES = re.findall(r"^\| `([a-z-]+)` \|", GUIDE, flags=re.MULTILINE)


def test_each_method_stands_in_the_table(plain_names: list[str]) -> None:
    assert sorted(NAMES) == sorted(plain_names)


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_expressions_of_the_textbooks_methods_can_be_built(build_variant: Any, expression: str) -> None:
    assert build_variant(expression).subject.optimizer() is not None


def test_every_method_but_newton_cg_has_a_textbooks_form() -> None:
    assert {expression.partition("(")[0] for expression in EXPRESSIONS} == set(NAMES) - {"newton-cg"}
