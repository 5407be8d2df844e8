"""From what the user wrote to components: qualified names with every option present."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from optbench.api import DataSetPlugin, Option, UserError
from optbench.api.options import check_options
from optbench.records import Call, Component, ExpressionError, parse, parse_one
from optbench.registry.catalogue import Catalogue, Registered
from optbench.registry.kinds import KINDS

LOADER = "optbench.api.datasets:load_dataset"


def resolve(catalogue: Catalogue, kind: str, call: Call) -> Component:
    """Return the component that `call` names; raises UserError with the first mistake."""
    component, mistakes = examine(catalogue, kind, call)
    if mistakes:
        raise mistakes[0]
    return component


def examine(catalogue: Catalogue, kind: str, call: Call) -> tuple[Component, list[UserError]]:
    """Return the component and every mistake in its options; raises UserError for an unknown name."""
    registered = catalogue.get(kind, call.name)
    if not registered.plugin:  # module:Class, whose options only the class knows
        return Component(name=registered.qualified, options=dict(call.options)), []
    owner = f"{KINDS[kind].singular} {registered.qualified}"
    options, mistakes = fill_in(catalogue, registered, call.options, owner)
    return Component(name=registered.qualified, options=options), mistakes


def fill_in(
    catalogue: Catalogue, registered: Registered, given: Mapping[str, Any], owner: str
) -> tuple[dict[str, Any], list[UserError]]:
    """Return every option with its value, and every mistake; those that name plugins with qualified names, in full."""
    declared: Mapping[str, Option] = getattr(registered.record, "options", {})
    options, mistakes = check_options(given, declared, owner)
    for name, kind in _naming_plugins(declared).items():
        try:
            named = resolve(catalogue, kind, _one_call(options[name]))
            options[name] = str(Call(named.name, named.options))
        except UserError as error:
            mistakes.append(UserError(f"{owner}: option {name}: {error.given}", error.allowed, error.remedy))
    return options, mistakes


def named_plugins(catalogue: Catalogue, registered: Registered, options: Mapping[str, Any]) -> dict[str, NamedPlugin]:
    """Return the plugin that each option names, with its options; `options` are as `fill_in` returns them."""
    calls = {
        name: (kind, parse_one(options[name])) for name, kind in _naming_plugins(registered.record.options).items()
    }
    return {name: (catalogue.get(kind, call.name), call.options) for name, (kind, call) in calls.items()}


def named_factories(named: Mapping[str, NamedPlugin]) -> dict[str, tuple[str, Mapping[str, Any]]]:
    """Return what makes the object that each option names, and with which options it is called."""
    return {option: _maker(registered, given) for option, (registered, given) in named.items()}


def _maker(registered: Registered, given: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    if isinstance(registered.record, DataSetPlugin):
        return LOADER, {"text": str(Call(registered.qualified, given))}
    return registered.record.factory, given


NamedPlugin = tuple[Registered, Mapping[str, Any]]


def _naming_plugins(declared: Mapping[str, Option]) -> dict[str, str]:
    """Return the kind of plugin that each option names; options that name none are left out."""
    return {name: option.plugins for name, option in declared.items() if option.plugins}


def _one_call(text: str) -> Call:
    calls = parse_text(text)
    if len(calls) != 1:
        raise UserError(f"expected one name in {text!r}, found {len(calls)} joined by '+'")
    return calls[0]


def resolve_recipe(catalogue: Catalogue, text: str) -> tuple[Component, tuple[Component, ...]]:
    """Return the optimizer and the meta-algorithms of "optimizer(…) + meta(…) + …"; raises UserError."""
    optimizer, *metas = parse_text(text)
    return (
        resolve(catalogue, "optimizers", optimizer),
        tuple(resolve(catalogue, "meta-algorithms", call) for call in metas),
    )


def parse_text(text: str) -> tuple[Call, ...]:
    """Return the terms of an expression; raises UserError where it is none."""
    try:
        return parse(text)
    except ExpressionError as error:
        raise UserError(str(error)) from None
