"""A convergence curve as text, for a terminal."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby

_LEVELS = "▁▂▃▄▅▆▇█"
_WIDTH = 60
BOUNDARY = "│"  # between stages


def sparkline(values: Sequence[float], width: int = _WIDTH) -> str:
    """Return best-so-far `values` as a row of at most `width` blocks, log scale; "" where none is finite."""
    best = _best_so_far(values)
    if not best:
        return ""
    floor = min(best)
    span = best[0] - floor
    picked = [best[round(index * (len(best) - 1) / max(width - 1, 1))] for index in range(min(width, len(best)))]
    if span <= 0:
        return _LEVELS[0] * len(picked)
    logs = [math.log10(max((value - floor) / span, 1e-12)) for value in picked]
    lowest = min(logs)
    scale = (len(_LEVELS) - 1) / -lowest if lowest < 0 else 0.0
    return "".join(_LEVELS[round((value - lowest) * scale)] for value in logs)


def staged_sparkline(values: Sequence[float], stages: Sequence[float], width: int = _WIDTH) -> str:
    """Return a sparkline for each stretch of equal `stages`, as wide as its part of the values, with marks between.

    Each has a scale of its own: the stages' objectives need not be the same.
    """
    lines, begins = [], 0
    for _, stretch in groupby(stages):
        ends = begins + len(list(stretch))
        share = max(1, round(width * (ends - begins) / len(values)))
        lines.append(sparkline(values[begins:ends], share))
        begins = ends
    return BOUNDARY.join(filter(None, lines))


def _best_so_far(values: Sequence[float]) -> list[float]:
    best: list[float] = []
    for value in values:
        if math.isfinite(value):
            best.append(min(value, best[-1]) if best else value)
    return best
