"""Options as resolved components carry them, and as people want to read them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from optbench.api import Option
from optbench.api.options import check_options, parts_table
from optbench.records import Call, parse_one
from optbench.registry.catalogue import Catalogue, Registered
from optbench.registry.resolving import fill_in


def default_options(catalogue: Catalogue, registered: Registered) -> dict[str, Any]:
    """Return the options of a component that was written without any: defaults, expressions in full."""
    return fill_in(catalogue, registered, {}, registered.qualified)[0]


def telling_options(catalogue: Catalogue, registered: Registered, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the resolved options that differ from their defaults, expressions without what is default.

    Written back as an expression, they resolve to `options` again.
    """
    declared: Mapping[str, Option] = getattr(registered.record, "options", {})
    usual = default_options(catalogue, registered)
    differing = {name: value for name, value in options.items() if name not in usual or value != usual[name]}
    return {name: _brief(catalogue, value, declared.get(name)) for name, value in differing.items()}


def brief_call(catalogue: Catalogue, kind: str, name: str, options: Mapping[str, Any]) -> Call:
    """Return a resolved component as one would write it: the shortest name, and no options that are default."""
    found = catalogue.get(kind, name)
    shortest = found.name if found.name in catalogue.names(kind) else found.qualified
    return Call(shortest, telling_options(catalogue, found, options))


def _brief(catalogue: Catalogue, value: Any, option: Option | None) -> Any:
    if option is None or not (option.components or option.plugins):
        return value
    call = parse_one(value)
    if option.plugins:
        return str(brief_call(catalogue, option.plugins, call.name, call.options))
    usual = check_options({}, parts_table(option.components)[call.name].options, call.name)[0]
    return str(Call(call.name, {name: item for name, item in call.options.items() if item != usual[name]}))
