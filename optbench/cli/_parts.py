"""`optbench show` of what an option chooses from: line searches, schedules and other parts of plugins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from optbench.cli._common import console, plain, print_json, print_table
from optbench.cli._describe import allowed_text, option_type

if TYPE_CHECKING:
    from optbench.api import Part
    from optbench.registry import Catalogue


@dataclass(frozen=True)
class Choice:
    """A part, and the plugins' options that may be it: {option: names}."""

    part: Part
    options: dict[str, list[str]]


def choices(catalogue: Catalogue) -> dict[str, list[Choice]]:
    """Return every part by its name; several where parts of different tables are called alike."""
    from optbench.api.options import parts_table
    from optbench.registry import KINDS

    takers: dict[str, dict[str, list[str]]] = {}
    for registered in (found for kind in KINDS for found in catalogue.records(kind)):
        for option, declared in getattr(registered.record, "options", {}).items():
            if declared.components:
                takers.setdefault(declared.components, {}).setdefault(option, []).append(registered.name)
    named: dict[str, list[Choice]] = {}
    for table, options in takers.items():
        for name, part in parts_table(table).items():
            _add(named.setdefault(name, []), part, options)
    return named


def _add(known: list[Choice], part: Part, options: dict[str, list[str]]) -> None:
    """Add a part; what other tables describe in the same words, with the same options, is one."""
    for choice in known:
        if (choice.part.summary, choice.part.options) == (part.summary, part.options):
            for option, takers in options.items():
                choice.options.setdefault(option, []).extend(takers)
            return
    known.append(Choice(part, {option: [*takers] for option, takers in options.items()}))


def show_choices(name: str, found: list[Choice], *, as_json: bool) -> None:
    """Tell what a part is, its options, and which options of which plugins take it."""
    if as_json:
        print_json({"type": "part", "name": name, "choices": [_to_json(choice) for choice in found]})
        return
    for choice in found:
        _print(name, choice)


def _to_json(choice: Choice) -> dict[str, Any]:
    described = {name: {"type": option_type(o), **plain(o)} for name, o in choice.part.options.items()}
    return {"summary": choice.part.summary, "options": described, "taken_by": choice.options}


def _print(name: str, choice: Choice) -> None:
    from rich.markup import escape

    out = console()
    out.print(f"[bold]{escape(name)}[/bold]  part  {escape(choice.part.summary)}\n")
    for option, takers in choice.options.items():
        out.print(f"{escape(option)} of {escape(', '.join(takers))}", soft_wrap=True)
    if options := choice.part.options:
        rows = [(key, str(o.default), option_type(o), allowed_text(o), o.doc) for key, o in options.items()]
        print_table(("option", "default", "type", "allowed", "meaning"), rows)
