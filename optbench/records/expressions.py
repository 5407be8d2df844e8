"""The grammar of expressions: `name(option=value, …) + name(option=value, …)`; values are TOML values.

One grammar serves suite files, the command line and component options such as `line_search="strong-wolfe(c2=0.1)"`.
Only text is read here; names and options are resolved by the registry (or by the component's own table).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_NAME = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*|[A-Za-z0-9][\w.-]*(?:/[A-Za-z0-9][\w.-]*)?")
_KEY = re.compile(r"[A-Za-z_]\w*")


class ExpressionError(ValueError):
    """The text is not an expression; the message says where and what was expected."""


@dataclass(frozen=True)
class Call:
    """One term of an expression: a name with the options that were written."""

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        """Return the term as text that parses to this call again."""
        if not self.options:
            return self.name
        return f"{self.name}({', '.join(f'{key}={toml_value(value)}' for key, value in self.options.items())})"


def parse(text: str) -> tuple[Call, ...]:
    """Return the terms of `text`, left to right; raises ExpressionError."""
    return tuple(_term(part, text) for part in _split(text, "+"))


def parse_one(text: str) -> Call:
    """Return the single term of `text`; raises ExpressionError where there are more."""
    calls = parse(text)
    if len(calls) != 1:
        message = f"expected one name in {text!r}, found {len(calls)} joined by '+'"
        raise ExpressionError(message)
    return calls[0]


def toml_value(value: Any) -> str:
    """Return `value` as TOML text (the inverse of how option values are read)."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    if isinstance(value, list | tuple):
        return f"[{', '.join(toml_value(item) for item in value)}]"
    return repr(value)


def _split(text: str, separator: str) -> list[str]:
    """Split at `separator` outside quotes and brackets."""
    parts, depth, quote, start = [], 0, "", 0
    previous = ""
    for index, character in enumerate(text):
        if quote:
            if character == quote and previous != "\\":
                quote = ""
        elif character in "\"'":
            quote = character
        elif character in "([{":
            depth += 1
        elif character in ")]}":
            depth -= 1
        elif character == separator and depth == 0 and not _is_exponent(text, index, start):
            parts.append(text[start:index])
            start = index + 1
        previous = "" if previous == "\\" else character
    if quote or depth:
        what = f"a closing {quote}" if quote else "balanced brackets"
        message = f"expected {what} in {text!r}"
        raise ExpressionError(message)
    return [*parts, text[start:]]


def _is_exponent(text: str, index: int, start: int) -> bool:
    """Tell whether the sign at `index` belongs to a number such as 1e+5."""
    return bool(re.search(r"(?:^|[=,\s])[\d.]+[eE]$", text[start:index]))


def _term(part: str, text: str) -> Call:
    part = part.strip()
    match = _NAME.match(part)
    if match is None:
        message = f"expected a name in {text!r}, found {part!r}"
        raise ExpressionError(message)
    rest = part[match.end() :].strip()
    if not rest:
        return Call(match.group())
    if not (rest.startswith("(") and rest.endswith(")")):
        message = f"expected 'name(option=value, …)' in {text!r}, found {part!r}"
        raise ExpressionError(message)
    return Call(match.group(), _options(rest[1:-1], text))


def _options(inside: str, text: str) -> dict[str, Any]:
    options: dict[str, Any] = {}
    for item in _split(inside, ",") if inside.strip() else ():
        if not item.strip():
            continue
        key, equals, value = (piece.strip() for piece in item.partition("="))
        if not equals or not _KEY.fullmatch(key):
            message = f"expected 'option=value' in {text!r}, found {item.strip()!r}"
            raise ExpressionError(message)
        if key in options:
            message = f"option {key!r} stands twice in {text!r}"
            raise ExpressionError(message)
        try:
            options[key] = tomllib.loads(f"value = {value}")["value"]
        except tomllib.TOMLDecodeError:
            message = f'expected a TOML value for {key!r} in {text!r} (1, 0.5, true, "text", [1, 2]), found {value!r}'
            raise ExpressionError(message) from None
    return options
