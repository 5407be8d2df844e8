"""Options as resolved components carry them, and as people want to read them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from optbench.api import Option
from optbench.api.options import check_options, parts_table
from optbench.records import Call, parse_one
from optbench.registry.catalogue import Registered


def default_options(registered: Registered) -> dict[str, Any]:
    """Return the options of a component that was written without any: defaults, component expressions in full."""
    return check_options({}, getattr(registered.record, "options", {}), registered.qualified)[0]


def telling_options(registered: Registered, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the resolved options that differ from their defaults, component expressions without what is default.

    Written back as an expression, they resolve to `options` again.
    """
    declared: Mapping[str, Option] = getattr(registered.record, "options", {})
    usual = default_options(registered)
    differing = {name: value for name, value in options.items() if name not in usual or value != usual[name]}
    return {name: _brief(value, declared.get(name)) for name, value in differing.items()}


def _brief(value: Any, option: Option | None) -> Any:
    if option is None or not option.components:
        return value
    call = parse_one(value)
    usual = check_options({}, parts_table(option.components)[call.name].options, call.name)[0]
    return str(Call(call.name, {name: item for name, item in call.options.items() if item != usual[name]}))
