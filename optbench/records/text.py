"""Ratios, exponents and amounts as text, for every table."""

from __future__ import annotations

from typing import Any

NONE = "–"  # where there is no number
SIGNS = ("-", NONE)  # with which a number may begin that is no positive one
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
    return f"{value:z.3f}" if abs(value) < 1e4 else f"{value:.1e}"


def interval_text(low: float | None, high: float | None) -> str:
    """Return an interval, its ends as `number_text` writes them."""
    return NONE if low is None or high is None else range_text(number_text(low), number_text(high))


def percent_range(low: float, high: float) -> str:
    """Return two shares as per cent without its sign: "77–100"."""
    return range_text(f"{100 * low:.0f}", f"{100 * high:.0f}")


def range_text(low: str, high: str) -> str:
    """Return what lies between two numbers as a table writes them: "1–2", "-2 to -1", or "1" where they are alike."""
    if low == high:
        return low
    dashes = low.startswith(SIGNS) or high.startswith(SIGNS)  # another one between them would be lost
    return f"{low} to {high}" if dashes else f"{low}–{high}"
