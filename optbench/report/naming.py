"""Short, unique names for what a report compares."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from optbench.records import TUNED, Call, Component, ExpressionError, TrialSpec, canonical_json, parse, parse_one

Parts = tuple[Component, ...]
Info = Mapping[str, Mapping[str, Any]]

WITH = "with"  # of a recipe whose arm is told apart by options of the problem, which this part has


def key_of(parts: Parts) -> str:
    """Return the identity of an optimizer with its meta-algorithms, or of a problem."""
    spelled = repr(parts)  # tells apart whatever canonical JSON does, at a fifth of its time
    if spelled not in _KEYS:
        _KEYS[spelled] = canonical_json([[part.name, part.options] for part in parts])
    return _KEYS[spelled]


_KEYS: dict[str, str] = {}  # of the few arms and problems that a hundred thousand trials share


def key_of_text(text: str) -> str:
    """Return the identity of what an expression of a report says; the order of its options doesn't matter.

    A name that no plugin can have, as someone else's shard may hold, is nobody's.
    """
    try:
        return key_of(tuple(Component(name=call.name, options=call.options) for call in parse(text)))
    except ExpressionError:
        return text


def place_of(trial: TrialSpec) -> tuple[str, str, str]:
    """Return what trials on one problem have in common: the problem, the device and the type."""
    return key_of((trial.problem,)), trial.device, trial.dtype


def expression(parts: Parts) -> str:
    """Return the text that parses to `parts` again, every option written."""
    return " + ".join(str(Call(part.name, part.options)) for part in parts)


def labels(groups: Sequence[Parts], info: Info) -> list[str]:
    """Return a short label for each group: names, and the options that differ from the default.

    What all groups with a component share is left out where there are several, since it tells none of them apart; but
    not that an option was tuned.

    Defaults are `info[name]["defaults"]`; where they aren't known, options are shown that differ between the groups.
    An option that is an expression shows the options inside it only where these differ between the groups, or from
    their defaults where these are known.

    Where options of the problem tell arms apart, their values are the label, with the optimizer if one of them meets
    several.
    """
    components = tuple({key_of((part,)): part for parts in groups for part in parts}.values())
    values = _values(components)
    arms = _arm_labels([part for part in components if part.name == WITH], values.get(WITH, {}), info)
    alone = bool(arms) and all(len(found) == 1 for found in _recipes_by_arm(groups).values())
    short = _short_names({part.name for part in components})
    groups_with = Counter(name for parts in groups for name in {part.name for part in parts})

    def label(part: Component) -> str:
        if part.name == WITH:
            return arms[key_of((part,))]
        telling = _telling(part, values[part.name], info.get(part.name, {}).get("defaults"))
        if groups_with[part.name] > 1:  # what all arms of an optimizer share tells none of them apart
            telling = [key for key in telling if len(values[part.name][key]) > 1 or part.options[key] == TUNED]
        shown = ", ".join(f"{key}={_brief(part.options[key], values[part.name][key], info)}" for key in telling)
        return f"{short[part.name]}({shown})" if shown else short[part.name]

    def whole(parts: Parts) -> Parts:
        return parts[-1:] if alone and parts[-1].name == WITH else parts

    return [" + ".join(map(label, whole(parts))) for parts in groups]


def base_labels(groups: Sequence[Parts], info: Info) -> dict[str, str]:
    """Return by `key_of` the labels of recipes without the options of problems that tell their arms apart."""
    bases = list({key_of(base): base for base in map(without_arm, groups)}.values())
    return dict(zip(map(key_of, bases), labels(bases, info), strict=True))


def without_arm(parts: Parts) -> Parts:
    """Return the recipe without the options of the problem that tell its arm apart."""
    return tuple(part for part in parts if part.name != WITH)


def _recipes_by_arm(groups: Sequence[Parts]) -> dict[str, set[str]]:
    """Return by the options of the problem which optimizers meet them."""
    found: dict[str, set[str]] = {}
    for parts in groups:
        if parts[-1].name == WITH:
            found.setdefault(key_of(parts[-1:]), set()).add(key_of(without_arm(parts)))
    return found


def _arm_labels(arms: Sequence[Component], values: Mapping[str, list[Any]], info: Info) -> dict[str, str]:
    """Return by `key_of` what tells each arm apart: plugins by their names alone, other values as `option=value`."""
    told = [{key: _brief(value, values[key], info) for key, value in arm.options.items()} for arm in arms]
    bare = [
        ", ".join(text if call_of(arm.options[key]) else f"{key}={text}" for key, text in words.items())
        for arm, words in zip(arms, told, strict=True)
    ]
    if len({*bare}) < len(bare):
        bare = [", ".join(f"{key}={text}" for key, text in words.items()) for words in told]
    return {key_of((arm,)): text for arm, text in zip(arms, bare, strict=True)}


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


def _values(components: Sequence[Component]) -> dict[str, dict[str, list[Any]]]:
    """Return the distinct values of each option, by component."""
    values: dict[str, dict[str, list[Any]]] = {part.name: {} for part in components}
    for part in components:
        for key, value in part.options.items():
            seen = values[part.name].setdefault(key, [])
            if not any(_same(value, other) for other in seen):
                seen.append(value)
    return values


def _telling(part: Component, values: Mapping[str, list[Any]], defaults: Mapping[str, Any] | None) -> list[str]:
    """Return the options to show: those that aren't the default, or those with several values."""
    if defaults is None:
        return [key for key in part.options if len(values[key]) > 1]
    return [key for key, value in part.options.items() if not _is_default(value, defaults.get(key), values[key])]


def _is_default(value: Any, default: Any, values: Sequence[Any]) -> bool:
    """Tell whether `value` is the default; an expression may have more options written out than the default's text.

    What was written out can't be told from what was chosen, so that of several such values none counts as the default.
    """
    if _same(value, default):
        return True
    alike = [other for other in values if _extends(other, default)]
    return _extends(value, default) and len(alike) == 1


def _extends(value: Any, default: Any) -> bool:
    given, written = call_of(value), call_of(default)
    if given is None or written is None or given.name != written.name:
        return False
    return all(key in given.options and _same(given.options[key], item) for key, item in written.options.items())


def call_of(value: Any) -> Call | None:
    """Return the expression that `value` is, if it is one."""
    try:
        return parse_one(value) if isinstance(value, str) else None
    except ExpressionError:
        return None


def _same(one: Any, other: Any) -> bool:
    return canonical_json(one) == canonical_json(other)


def _short_names(names: set[str]) -> dict[str, str]:
    """Leave the plugin out of a name unless two plugins have the name."""
    short = {name: name.rpartition("/")[2] for name in names}
    seen = list(short.values())
    return {name: brief if seen.count(brief) == 1 else name for name, brief in short.items()}


def _brief(value: Any, values: Sequence[Any], info: Info) -> str:
    call = call_of(value)
    if call is None and isinstance(value, bool):
        return str(value).lower()  # as users write it
    if call is None:
        return f"{value:g}" if isinstance(value, float) else str(value)
    named = [other for other in map(call_of, values) if other is not None]
    alike = [other for other in named if other.name == call.name]
    varying = {
        key: item for key, item in call.options.items() if not all(_same(o.options.get(key), item) for o in alike)
    }
    defaults = info.get(call.name, {}).get("defaults") or call.options
    chosen = {key: item for key, item in call.options.items() if not _same(item, defaults.get(key))}
    short = _short_names({other.name for other in named})[call.name]
    return str(Call(short, {key: item for key, item in call.options.items() if key in varying or key in chosen}))
