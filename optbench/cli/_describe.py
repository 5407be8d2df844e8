"""Records as JSON and as table cells, for `list` and `show`."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from optbench.cli._common import plain

if TYPE_CHECKING:
    from optbench.api import Option
    from optbench.registry import Registered


def to_json(registered: Registered) -> dict[str, Any]:
    """Return every field of a record, its origin, and for each option its type too."""
    record = plain(registered.record)
    origin = dataclasses.asdict(registered)
    del origin["record"]
    options = getattr(registered.record, "options", {})
    if options:
        record["options"] = {name: {"type": option_type(o), **plain(o)} for name, o in options.items()}
    return {**record, **plain({**origin, "plugin_path": origin.pop("path")})}


def option_type(option: Option) -> str:
    """Return the type's name; "component", or a kind of plugins, where the value is an expression that names one."""
    if option.plugins:
        return option.plugins
    return "component" if option.components else type(option.default).__name__


def call_text(registered: Registered) -> str:
    """Return the options with their defaults, as they are written: `history=10, c2=0.9`."""
    from optbench.records import toml_value

    options: Mapping[str, Option] = getattr(registered.record, "options", {})
    return ", ".join(f"{name}={toml_value(option.default)}" for name, option in options.items())


def allowed_text(option: Option) -> str:
    """Return an option's choices or bounds."""
    if option.choices:
        return ", ".join(map(str, option.choices))
    if option.low is not None and option.high is not None and option.bounds == "[]":
        return f"{option.low:g} … {option.high:g}"
    signs = ("> " if option.bounds[0] == "(" else "≥ "), ("< " if option.bounds[1] == ")" else "≤ ")
    limits = zip(signs, (option.low, option.high), strict=True)
    return ", ".join(f"{sign}{bound:g}" for sign, bound in limits if bound is not None)
