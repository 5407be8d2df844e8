"""Orders of growth as plugins declare them, "O(1)", "O(n)", "O(m n)", "O(n^2)", and how closely figures must follow."""

from __future__ import annotations

import re

SLACK = 0.05  # by which a fitted exponent may exceed a declared one: every method has terms of lower order
SLACK_OF_FEW = 0.1  # the same of an exponent from one octave, or from a few small sizes, where those terms weigh more

SLACK_OF_TIMES = 0.25  # of exponents of seconds: each cache that is left behind bends a line

_FACTOR = re.compile(r"n(?:\^(?P<power>\d+(?:\.\d+)?))?|log\(?[a-z]\)?|[a-z]|\d+")


def degree(order: str) -> float | None:
    """Return the power of n in an order; None where it is none of sums of products of powers.

    Logarithms and other letters are constants beside n.

    >>> degree("O(m n)"), degree("O(n^2 + k)"), degree("O(1)"), degree("O(whatever)")
    (1.0, 2.0, 0.0, None)
    """
    inside = re.fullmatch(r"O\((.+)\)", order.strip())
    if inside is None:
        return None
    degrees = [_of_product(term) for term in inside[1].split("+")]
    known = [value for value in degrees if value is not None]
    return max(known) if len(known) == len(degrees) else None


def unreadable(order: str) -> str:
    """Return what to say of an order that `degree` can't read."""
    return f'{order!r}; expected sums of products of powers, such as "O(1)", "O(n)", "O(m n)", "O(n log n)", "O(n^2)"'


def _of_product(term: str) -> float | None:
    total = 0.0
    for factor in re.split(r"[\s*·]+", term.strip().replace("log ", "log")):
        match = _FACTOR.fullmatch(factor)
        if match is None:
            return None
        if factor.startswith("n"):
            total += float(match["power"] or 1)
    return total
