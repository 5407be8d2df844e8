"""Short, unique names for what a report compares."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from optbench.records import Call, Component, canonical_json

Parts = tuple[Component, ...]
Info = Mapping[str, Mapping[str, Any]]


def key_of(parts: Parts) -> str:
    """Return the identity of an optimizer with its meta-algorithms, or of a problem."""
    return canonical_json([[part.name, part.options] for part in parts])


def expression(parts: Parts) -> str:
    """Return the text that parses to `parts` again, every option written."""
    return " + ".join(str(Call(part.name, part.options)) for part in parts)


def labels(groups: Sequence[Parts], info: Info) -> list[str]:
    """Return a short label for each group: names, and the options that differ from the default.

    Defaults are `info[name]["defaults"]`; where they aren't known, options are shown that differ between the groups.
    """
    components = {key_of((part,)): part for parts in groups for part in parts}
    varying = _varying(tuple(components.values()))
    short = _short_names({part.name for part in components.values()})

    def label(part: Component) -> str:
        shown = ", ".join(f"{key}={_brief(part.options[key])}" for key in _telling(part, varying[part.name], info))
        return f"{short[part.name]}({shown})" if shown else short[part.name]

    return [" + ".join(map(label, parts)) for parts in groups]


def slugs(names: Iterable[str]) -> list[str]:
    """Return for each name a unique word of lower-case letters, digits and hyphens, safe in file names."""
    taken: dict[str, int] = {}
    result = []
    for name in names:
        base = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:60].strip("-") or "unnamed"
        slug, count = base, 1
        while slug in taken:
            count += 1
            slug = f"{base}-{count}"
        taken[slug] = count
        result.append(slug)
    return result


def _varying(components: Sequence[Component]) -> Mapping[str, set[str]]:
    """Return for each name the options that have several values."""
    values: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for part in components:
        for key, value in part.options.items():
            values[part.name][key].add(canonical_json(value))
    return {part.name: {key for key, seen in values[part.name].items() if len(seen) > 1} for part in components}


def _telling(part: Component, varying: set[str], info: Info) -> list[str]:
    defaults = info.get(part.name, {}).get("defaults")
    if defaults is None:
        return [key for key in part.options if key in varying]
    return [key for key, value in part.options.items() if canonical_json(value) != canonical_json(defaults.get(key))]


def _short_names(names: set[str]) -> dict[str, str]:
    """Leave the plugin out of a name unless two plugins have the name."""
    short = {name: name.rpartition("/")[2] for name in names}
    seen = list(short.values())
    return {name: brief if seen.count(brief) == 1 else name for name, brief in short.items()}


def _brief(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
