"""Ratios and exponents as text, for every table."""

from __future__ import annotations

NONE = "–"  # where there is no number


def number_text(value: float | None) -> str:
    """Return a number with three decimals."""
    return NONE if value is None else f"{value:.3f}"


def interval_text(low: float | None, high: float | None) -> str:
    """Return an interval with three decimals."""
    return NONE if low is None or high is None else f"{low:.3f}–{high:.3f}"
