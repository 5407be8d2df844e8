"""Positive numbers as a short text: 16-bit logarithms in base 64, for curves on logarithmic axes."""

from __future__ import annotations

import base64
import math
import sys
from array import array
from collections.abc import Iterable

STEPS = 1000  # of a power of ten: 0.12 % of rounding
LOWEST = -20  # the exponent that 0 stands for; the highest is 45
MISSING = 2**16 - 1


def pack(values: Iterable[float | None]) -> str:
    """Return the text of positive numbers; what has no logarithm, or None, is missing."""
    codes = array("H", map(_code, values))
    if sys.byteorder == "big":
        codes.byteswap()
    return base64.b64encode(codes.tobytes()).decode()


def unpack(text: str) -> tuple[float | None, ...]:
    """Return the numbers that `pack` wrote, to 0.12 %."""
    codes = array("H")
    codes.frombytes(base64.b64decode(text))
    if sys.byteorder == "big":
        codes.byteswap()
    return tuple(None if code == MISSING else 10.0 ** (code / STEPS + LOWEST) for code in codes)


def _code(value: float | None) -> int:
    if value is None or not (math.isfinite(value) and value > 0):
        return MISSING
    return min(max(round(STEPS * (math.log10(value) - LOWEST)), 0), MISSING - 1)
