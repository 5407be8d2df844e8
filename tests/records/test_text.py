"""Numbers as text: the same width whatever they are."""

from __future__ import annotations

import pytest

from optbench.records.text import interval_text, number_text


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), (0.0, "0.000"), (1.0625, "1.062"), (9999.4, "9999.400"), (1e4, "1.0e+04"), (-2e131, "-2.0e+131")],
)
def test_a_number_has_three_decimals_or_its_power_of_ten(value: float | None, text: str) -> None:
    assert number_text(value) == text


def test_an_interval_of_a_few_problems_stays_short() -> None:
    assert interval_text(1e-132, 8.469e130) == "0.000–8.5e+130"
    assert interval_text(None, 1.0) == interval_text(0.5, None) == "–"
