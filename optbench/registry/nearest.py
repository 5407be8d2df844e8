"""Suggestions for misspelt names, one wording everywhere."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(given: str, names: Iterable[str], limit: int = 3) -> tuple[str, ...]:
    """Return at most `limit` of the names that look like `given`, best first."""
    by_lower = {name.lower(): name for name in names}
    found = difflib.get_close_matches(given.lower(), by_lower, n=limit, cutoff=0.6)
    return tuple(by_lower[name] for name in found)


def suggestion(given: str, names: Iterable[str]) -> str:
    """Return "nearest: a, b", or nothing where no name is near."""
    found = nearest(given, names)
    return f"nearest: {', '.join(found)}" if found else ""
