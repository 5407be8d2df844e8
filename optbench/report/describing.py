"""What a report says of the plugins in it: options as they ran, versions, citations."""

from __future__ import annotations

import json
from typing import Any

from optbench.records import ReportOption, ReportPart
from optbench.report.naming import Info, Parts


def described(parts: Parts, info: Info) -> tuple[ReportPart, ...]:
    """Return the plugins of an optimizer or a problem; `info` is what is known of them by qualified name."""
    return tuple(_described(part.name, part.options, info.get(part.name, {})) for part in parts)


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
