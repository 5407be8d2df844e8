"""Declared orders as exponents of n."""

from __future__ import annotations

import pytest

from optbench.records.orders import degree


@pytest.mark.parametrize(
    ("order", "power"),
    [
        ("O(1)", 0.0),
        ("O(m)", 0.0),
        ("O(n)", 1.0),
        ("O(m n)", 1.0),
        ("O(n log n)", 1.0),
        ("O(n^1.5)", 1.5),
        ("O(n*n)", 2.0),
        ("O(m n + n^2)", 2.0),
        ("O(n^3)", 3.0),
    ],
)
def test_the_exponent_of_an_order_is_that_of_its_largest_term(order: str, power: float) -> None:
    assert degree(order) == power


@pytest.mark.parametrize("order", ["", "n^2", "O()", "O(max(m, n))", "O(n^n)"])
def test_what_is_no_sum_of_powers_has_no_exponent(order: str) -> None:
    assert degree(order) is None
