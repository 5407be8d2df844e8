"""Ratios, exponents and amounts as text, for every table."""

from __future__ import annotations

from typing import Any

NONE = "–"  # where there is no number
_DIGITS = 10  # of a commit
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # with which a spreadsheet's formula may begin


def harmless(value: Any) -> Any:
    """Return a cell of CSV that no spreadsheet runs: texts that it would take for formulas begin with an apostrophe."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def amount(count: int, noun: str) -> str:
    """Return "1 run" or "2 runs"."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def commit_text(commit: str) -> str:
    """Return a commit's first digits, and the sign of a working tree that differed from it."""
    return commit if len(commit) <= _DIGITS else commit[:_DIGITS] + "+" * commit.endswith("+")


def number_text(value: float | None) -> str:
    """Return a number with three decimals; from 10,000 on its power of ten: an interval of two problems is wide."""
    if value is None:
        return NONE
    return f"{value:.3f}" if abs(value) < 1e4 else f"{value:.1e}"


def interval_text(low: float | None, high: float | None) -> str:
    """Return an interval, its ends as `number_text` writes them."""
    return NONE if low is None or high is None else f"{number_text(low)}–{number_text(high)}"
