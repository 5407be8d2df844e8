"""What a report says of the plugins in it: options as they ran, versions, citations."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from optbench.records import Component, ReportOption, ReportPart
from optbench.report.naming import WITH, Info, Parts, call_of


def described(parts: Parts, info: Info) -> tuple[ReportPart, ...]:
    """Return the plugins of an optimizer or a problem; `info` is what is known of them by qualified name."""
    return tuple(_described(name, options, info.get(name, {})) for part in parts for name, options in _named(part))


def _named(part: Component) -> Iterator[tuple[str, Any]]:
    """Yield names with their options; of an arm told apart by options of the problem those that its values name."""
    calls = {name: call_of(value) for name, value in part.options.items()} if part.name == WITH else {}
    named = {name: call for name, call in calls.items() if call is not None and "/" in call.name}
    yield from ((call.name, call.options) for call in named.values())
    if len(named) < len(calls) or not calls:
        yield part.name, {name: value for name, value in part.options.items() if name not in named}


def _described(name: str, options: Any, about: Any) -> ReportPart:
    defaults, docs = about.get("defaults") or {}, about.get("docs") or {}
    return ReportPart(
        name=name,
        summary=str(about.get("summary", "")),
        cite=str(about.get("cite", "")),
        version=str(about.get("version", "")),
        options=tuple(
            ReportOption(
                name=key,
                value=_text(value),
                default=_text(defaults[key]) if key in defaults else "",
                doc=str(docs.get(key, "")),
            )
            for key, value in options.items()
        ),
    )


def _text(value: Any) -> str:
    """Return an option's value as a suite file has it."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
