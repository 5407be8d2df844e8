"""Numbers as text: the same width whatever they are."""

from __future__ import annotations

import pytest

from optbench.records.text import interval_text, number_text, percent_range, range_text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (0.0, "0.000"),
        (1.0625, "1.062"),
        (-0.0004, "0.000"),
        (9999.4, "9999.400"),
        (1e4, "1.0e+04"),
        (-2e131, "-2.0e+131"),
    ],
)
def test_a_number_has_three_decimals_or_its_power_of_ten(value: float | None, text: str) -> None:
    assert number_text(value) == text


def test_an_interval_of_a_few_problems_stays_short() -> None:
    assert interval_text(1e-132, 8.469e130) == "0.000–8.5e+130"
    assert interval_text(None, 1.0) == interval_text(0.5, None) == "–"


@pytest.mark.parametrize(
    ("ends", "text"),
    [
        (("1", "2"), "1–2"),
        (("-2", "-1"), "-2 to -1"),
        (("-0.500", "0.500"), "-0.500 to 0.500"),
        (("0.5", "–"), "0.5 to –"),
        (("-50", "-50"), "-50"),
        (("1e-05", "1e-04"), "1e-05–1e-04"),
    ],
)
def test_a_range_has_no_dash_beside_a_sign_and_one_number_where_its_ends_are_alike(
    ends: tuple[str, str], text: str
) -> None:
    assert range_text(*ends) == text


def test_intervals_are_such_ranges_after_rounding() -> None:
    assert interval_text(-0.05, 0.03) == "-0.050 to 0.030"
    assert interval_text(0.50001, 0.50002) == "0.500"
    assert interval_text(-0.0001, 0.02) == "0.000–0.020"
    assert percent_range(0.772, 1.0) == "77–100"
    assert percent_range(0.997, 1.0) == "100"
