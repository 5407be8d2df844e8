"""Options that are a word or a number. Imports no torch."""

from __future__ import annotations

import math
from collections.abc import Sequence

from optbench.api import UserError


def amount(text: str, option: str, words: Sequence[str], *, below: float = math.inf) -> float:
    """Return the number from 0 that an option gives; raises UserError, which lists the words it could be, too."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 <= number < below:
        limit = "" if math.isinf(below) else f", below {below:g}"
        allowed = ", ".join(f'"{word}"' for word in words)
        raise UserError(f"{option} {text!r}", f"allowed: {allowed} or a number from 0{limit}")
    return number
