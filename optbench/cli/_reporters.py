"""The reporters that a command uses: those that are named, with their options, or those that write by default."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from optbench.registry import Catalogue, Registered


@dataclass(frozen=True)
class Chosen:
    """A reporter with its options."""

    registered: Registered
    options: Mapping[str, Any]

    def with_options(self, options: Mapping[str, Any]) -> Chosen:
        """Return it with those of `options` that it has."""
        return replace(self, options={name: options.get(name, value) for name, value in self.options.items()})

    def made(self) -> Any:
        """Return the reporter itself."""
        from optbench.registry import resolve_factory

        return resolve_factory(self.registered.record.factory)(**self.options)


def chosen_reporters(catalogue: Catalogue, names: Sequence[str]) -> list[Chosen]:
    """Return the reporters that `names` say, else those that write by default; raises UserError for a mistake."""
    from optbench.registry import parse_text, resolve

    components = [resolve(catalogue, "reporters", call) for name in names for call in parse_text(name)]
    if names:
        return [Chosen(catalogue.get("reporters", item.name), item.options) for item in components]
    every = [catalogue.get("reporters", name) for name in catalogue.names("reporters")]
    return [Chosen(item, _defaults(item)) for item in every if item.record.by_default]


def _defaults(registered: Registered) -> dict[str, Any]:
    from optbench.runner.jobs import defaults

    return defaults(registered)
