"""Building a selectable part from an expression such as "strong-wolfe(c2=0.1)". Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from optbench.api import Part, UserError
from optbench.api.options import check_options
from optbench.records import ExpressionError, parse_one
from optbench.records.nearest import suggestion


def build_part(expression: str, parts: Mapping[str, Part], what: str) -> Any:
    """Return the part that `expression` names, built with its options; `what` names the kind in messages.

    Raises UserError where the name, an option or its value is not allowed.
    """
    try:
        call = parse_one(expression)
    except ExpressionError as error:
        raise UserError(f"{what}: {error}") from None
    if call.name not in parts:
        allowed = f"allowed: {', '.join(parts)}"
        raise UserError(f"unknown {what}: {call.name!r}", allowed, suggestion(call.name, parts))
    part = parts[call.name]
    options, mistakes = check_options(call.options, part.options, f"{what} {call.name}")
    if mistakes:
        raise mistakes[0]
    return part.factory(**options)
