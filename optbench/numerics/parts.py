"""Building a selectable part from an expression such as "strong-wolfe(c2=0.1)". Imports no torch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from optbench.api import Option, Part, UserError
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
    part = parts.get(call.name)
    if part is None:
        raise _unknown(what, call.name, parts)
    for key, value in call.options.items():
        if key not in part.options:
            raise _unknown(f"option of {what} {call.name}", key, part.options)
        _check(f"{call.name}({key})", value, part.options[key])
    defaults = {key: option.default for key, option in part.options.items()}
    return part.factory(**{**defaults, **call.options})


def _unknown(what: str, given: str, allowed: Iterable[str]) -> UserError:
    names = sorted(allowed)
    choice = f"allowed: {', '.join(names) or 'none'}"
    return UserError(f"unknown {what}: {given!r}", choice, suggestion(given, names))


def _check(name: str, value: Any, option: Option) -> None:
    kind = type(option.default)
    fits = isinstance(value, int | float) if kind is float else isinstance(value, kind)
    if not fits or (isinstance(value, bool) and kind is not bool):
        raise UserError(f"{name}: {value!r}", f"expected {kind.__name__}")
    numbers = value if isinstance(value, list) else [value]
    too_low = option.low is not None and not all(number >= option.low for number in numbers)
    too_high = option.high is not None and not all(number <= option.high for number in numbers)
    if too_low or too_high:
        raise UserError(f"{name}: {value!r}", f"expected {_range(option)}")
    if option.choices and value not in option.choices:
        raise UserError(f"{name}: {value!r}", f"expected one of {', '.join(map(repr, option.choices))}")


def _range(option: Option) -> str:
    bounds = ((">=", option.low), ("<=", option.high))
    return " and ".join(f"{sign} {bound:g}" for sign, bound in bounds if bound is not None)
