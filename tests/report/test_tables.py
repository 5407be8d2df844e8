"""Narrow columns break names where a reader would, and no column is left out that rows need to be told apart."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console

from optbench.records import AblationEffect, SolvedCount
from optbench.report import ablation_table, solved_table
from optbench.report.breaking import Label, broken
from optbench.report.tables import NAME, fill, new_table, without_repeats

EFFECT = AblationEffect(
    factor="polyak",
    beside="sgd",
    present="a",
    absent="b",
    problem="",
    measure="f",
    higher_is_better=False,
    value_present=1.0,
    value_absent=2.0,
    pairs=3,
    ratio=0.5,
    low=0.25,
    high=1.0,
    log_ratios=(),
    p_value=None,
    adjusted=None,
    verdict="too few seeds",
    seconds=1.0,
    flops=1.0,
)


def printed(table, width):
    out = io.StringIO()
    Console(file=out, width=width).print(table)
    return out.getvalue()


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("gradient-descent(line_search=armijo)", 40, ["gradient-descent(line_search=armijo)"]),
        ("gradient-descent(line_search=armijo)", 20, ["gradient-descent(", "line_search=armijo)"]),
        ("gradient-descent(line_search=armijo)", 13, ["gradient-", "descent(line_", "search=", "armijo)"]),
        ("evaluations to relative:1e-08", 13, ["evaluations", "to relative:", "1e-08"]),
        ("sgd(lr=tuned) + polyak", 16, ["sgd(lr=tuned) +", "polyak"]),
        ("unbreakable", 4, ["unbreakable"]),
        ("", 4, [""]),
    ],
)
def test_a_name_is_broken_after_brackets_commas_and_hyphens_not_within_words_or_numbers(text, width, lines):
    assert broken(text, width).split("\n") == lines


def test_a_table_shows_every_letter_of_a_name_however_narrow_it_is():
    name = "gradient-descent(line_search=armijo) + unbreakable"
    for width in (14, 30, 80):
        text = printed(fill(new_table("t"), {"optimizer": NAME}, [(name,)]), width)
        assert max(map(len, text.splitlines())) <= width
        assert name.replace(" ", "") in "".join(text.split())
    assert Label("gradient-descent(lr=1)").__rich_measure__(Console(), Console().options) == (len("gradient-"), 22)


def test_names_are_not_repeated_from_row_to_row():
    rows = [("a", "b", "1"), ("a", "b", "1"), ("a", "c", "1"), ("d", "c", "2")]
    assert list(without_repeats(rows, 2)) == [("a", "b", "1"), ("", "", "1"), ("a", "c", "1"), ("d", "c", "2")]


@pytest.mark.parametrize(("beside", "needed"), [("lbfgs", True), (None, False)])
def test_what_tells_two_effects_apart_is_never_left_out(results, beside, needed):
    effects = (EFFECT,) if beside is None else (EFFECT, replace(EFFECT, beside=beside))
    table = ablation_table(replace(results.report(), ablations=effects), 40)
    headings = [str(column.header) for column in table.columns]
    assert ("beside" in headings) == needed
    assert "measure" not in headings
    assert "by f" in str(table.title)


def test_the_strictest_tests_stay_where_not_all_have_room(results):
    names = [f"relative:1e-{digits:02}" for digits in range(1, 9)]
    counts = tuple(SolvedCount(optimizer="lbfgs", test=name, problems=9, solved=7, missed=()) for name in names)
    text = printed(solved_table(replace(results.report(), solved=counts), 60), 60)
    assert max(map(len, text.splitlines())) <= 60
    head, _, gone = text.partition("want of room")
    assert "1e-08" in head
    assert "relative:1e-01" in gone
    assert all((name.removeprefix("relative:") in head) != (name in "".join(gone.split())) for name in names)


@pytest.mark.parametrize(("problems", "told"), [(1, False), (3, True)])
def test_a_table_of_tests_says_that_seeds_count(results, problems, told):
    results.add("x/a", "x/p")
    count = SolvedCount(optimizer="a", test="relative:1e-08", problems=problems, solved=1, missed=())
    text = printed(solved_table(replace(results.report(), solved=(count,)), 100), 100)
    assert ("once for each seed" in " ".join(text.split())) == told
