"""`optbench report --watch`: the report again whenever results have come in, until the run is complete."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Look = Callable[[], Any]  # what tells whether something came in: equal as long as nothing did
Render = Callable[[], int]  # writes the report; returns how many trials have no result yet


def watch(look: Look, render: Render, wait: Callable[[], object]) -> None:
    """Render at once and whenever `look` returns something else; return once nothing is missing and nothing came in."""
    seen, missing = None, 1
    while True:
        now = look()
        if now != seen:  # looked at before rendering: what comes in meanwhile is seen at the next look
            seen, missing = now, render()
        elif not missing:
            return
        wait()
