"""Checking option values against their declarations: type, bounds, choices, component expressions."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from optbench.api.errors import UserError
from optbench.api.factories import resolve_factory
from optbench.api.plugins import Option, Part
from optbench.records import Call, ExpressionError, parse_one
from optbench.records.nearest import suggestion

_WORDS = {bool: "true or false", int: "an integer", float: "a number", str: "a text", list: "a list"}


def check_options(
    given: Mapping[str, Any], declared: Mapping[str, Option], owner: str
) -> tuple[dict[str, Any], list[UserError]]:
    """Return every declared option with its value (defaults filled in), and every mistake in what was given.

    Values come back with the declared type, component expressions in canonical form. An option with a mistake keeps
    its default. `owner` says in messages whose options they are ("optimizer quasinewton/lbfgs").
    """
    values: dict[str, Any] = {}
    mistakes = [_unknown(name, declared, owner) for name in given if name not in declared]
    for name, option in declared.items():
        try:
            values[name] = convert(given.get(name, option.default), option)
        except UserError as error:
            mistakes.append(UserError(f"{owner}: option {name}: {error.given}", error.allowed, error.remedy))
            values[name] = option.default
    return values, mistakes


def convert(value: Any, option: Option) -> Any:
    """Return `value` as the option's type; raises UserError (whose `given` doesn't name the option)."""
    if option.components:
        return _component(value, option.components)
    if isinstance(option.default, list | tuple):
        return _list(value, option)
    value = _scalar(value, option.default)
    _check_range(value, option)
    return value


def parts_table(components: str) -> Mapping[str, Part]:
    """Return the table of Parts that an option names; raises UserError where there is none."""
    table = resolve_factory(components)
    if not isinstance(table, Mapping) or not all(isinstance(part, Part) for part in table.values()):
        raise UserError(f"{components} is no table of Parts")
    return table


def _component(value: Any, components: str) -> str:
    """Return the expression in canonical form: the part's name with each of its options."""
    if not isinstance(value, str):
        raise UserError(f"expected an expression as a text, got {value!r}", 'as in "name(option=value)"')
    try:
        call = parse_one(value)
    except ExpressionError as error:
        raise UserError(str(error)) from None
    table = parts_table(components)
    if call.name not in table:
        raise UserError(f"unknown {call.name!r}", f"allowed: {', '.join(table)}", suggestion(call.name, table))
    options, mistakes = check_options(call.options, table[call.name].options, call.name)
    if mistakes:
        raise mistakes[0]
    return str(Call(call.name, options))


def _list(value: Any, option: Option) -> list[Any]:
    if not isinstance(value, list | tuple):
        raise UserError(f"expected a list, got {value!r}")
    sample = option.default[0] if option.default else option.low
    if sample is None:
        return list(value)
    items = [_scalar(item, sample) for item in value]
    for item in items:
        _check_range(item, option)
    return items


def _scalar(value: Any, default: Any) -> Any:
    """Return `value` as the type of `default`.

    An integer will do for a number, a whole number for an integer, and for a text a number or a truth value that it may
    be (`newton(damping=0, trust_region=true)`, whose defaults are "auto"; the plugin reads them).
    """
    kind = type(default)
    if kind is str and type(value) in {int, float}:
        return repr(value)
    if kind is str and type(value) is bool:
        return str(value).lower()
    if kind is int and type(value) is float and value.is_integer():
        return int(value)
    if type(value) is not kind and not (kind is float and type(value) is int):
        raise UserError(f"expected {_WORDS.get(kind, kind.__name__)}, got {value!r}")
    if kind is not float:
        return value
    if not abs(value) <= sys.float_info.max:  # compared as it is: an integer may be too large for a float
        raise UserError(f"expected a finite number, got {value!r}"[:80])
    return float(value)


def _check_range(value: Any, option: Option) -> None:
    if option.choices and value not in option.choices:
        near = suggestion(value, option.choices) if isinstance(value, str) else ""
        raise UserError(f"got {value!r}", f"allowed: {', '.join(map(str, option.choices))}", near)
    if isinstance(value, bool | str):
        return
    least, most = option.ends
    if least is not None and value < least:
        allowed = f"lowest allowed: {least}" if least == option.low else f"allowed: above {option.low}"
        raise UserError(f"got {value!r}", f"{allowed} ({option.doc})")
    if most is not None and value > most:
        allowed = f"highest allowed: {most}" if most == option.high else f"allowed: below {option.high}"
        raise UserError(f"got {value!r}", f"{allowed} ({option.doc})")


def _unknown(name: str, declared: Mapping[str, Option], owner: str) -> UserError:
    allowed = f"options: {', '.join(declared)}" if declared else "it has no options"
    return UserError(f"{owner}: unknown option {name!r}", allowed, suggestion(name, declared))
