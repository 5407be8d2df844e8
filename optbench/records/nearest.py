"""Suggestions for misspelt names, one wording everywhere."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_MOST = 3


def suggestion(given: str, names: Iterable[str]) -> str:
    """Return "nearest: a, b", best first; "" where no name looks like `given`."""
    alike: dict[str, list[str]] = {}
    for name in names:
        alike.setdefault(name.lower(), []).append(name)
    near = difflib.get_close_matches(given.lower(), alike, n=_MOST, cutoff=0.6)
    found = [name for lower in near for name in alike[lower]]
    return f"nearest: {', '.join(found[:_MOST])}" if found else ""
