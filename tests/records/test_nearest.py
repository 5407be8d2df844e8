"""Suggestions for misspelt names."""

from __future__ import annotations

import pytest

from optbench.records.nearest import suggestion


@pytest.mark.parametrize(
    ("given", "names", "expected"),
    [
        ("lbfsg", ("bfgs", "adam", "lbfgs"), "nearest: lbfgs, bfgs"),
        ("Sgd", ("SGD", "sgd", "Adam"), "nearest: SGD, sgd"),
        ("abcd", ("abce", "abcf", "abcg", "abch"), "nearest: abch, abcg, abcf"),
        ("quite-different", ("adam",), ""),
    ],
)
def test_at_most_three_names_that_look_alike_are_told_whatever_their_case(given, names, expected):
    assert suggestion(given, names) == expected
