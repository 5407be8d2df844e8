"""Options that are a word or a number."""

from __future__ import annotations

import math

import pytest
from optbench_newton.amounts import amount

from optbench.api import UserError


@pytest.mark.parametrize(("text", "number"), [("0", 0.0), ("0.5", 0.5), ("1e-3", 1e-3)])
def test_numbers_from_zero_up_to_the_limit_are_taken(text, number):
    assert amount(text, "damping", ("auto",), below=1) == number


@pytest.mark.parametrize("text", ["-1", "nan", "inf", "1", "levenberg"])
def test_all_else_is_the_users_mistake_told_in_a_line_with_what_is_allowed(text):
    with pytest.raises(UserError) as raised:
        amount(text, "newton: damping", ("auto", "levenberg-marquardt"), below=1)
    allowed = 'allowed: "auto", "levenberg-marquardt" or a number from 0, below 1'
    assert str(raised.value) == f"newton: damping {text!r}; {allowed}"


def test_without_a_limit_any_finite_number_is_taken():
    assert amount("1e300", "damping", ("auto",)) == 1e300
    with pytest.raises(UserError, match=r'allowed: "auto" or a number from 0$'):
        amount(str(math.inf), "damping", ("auto",))
