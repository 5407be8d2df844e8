"""From what the user wrote to components: qualified names with every option present."""

from __future__ import annotations

from optbench.api import UserError
from optbench.api.options import check_options
from optbench.records import Call, Component, ExpressionError, parse
from optbench.registry.catalogue import Catalogue
from optbench.registry.kinds import KINDS


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
    options, mistakes = check_options(call.options, registered.record.options, owner)
    return Component(name=registered.qualified, options=options), mistakes


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
