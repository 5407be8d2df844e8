"""Which subjects a text or a record stands for. Imports no torch."""

from __future__ import annotations

import importlib
from pathlib import Path

from optbench.api import Plugin, UserError
from optbench.records import Call
from optbench.records.nearest import suggestion
from optbench.registry import (
    KINDS,
    Catalogue,
    Registered,
    build_catalogue,
    import_file,
    load_catalogue,
)
from optbench.registry.factories import locate_module
from optbench.registry.files import module_name
from optbench.registry.resolving import parse_text
from optbench.testing.collection import CHECKED
from optbench.testing.subject import Subject

Given = str | Plugin | Registered | Subject


def subject_of(given: Given, kind: str, catalogue: Catalogue | None = None) -> Subject:
    """Return the subject that a record, or an expression of the catalogue, stands for; raises UserError."""
    if isinstance(given, Subject):
        return given
    if isinstance(given, Registered):
        return Subject.with_options(given, {}, catalogue)
    if isinstance(given, Plugin):
        return Subject.of_record(given)
    return _one_of(given, kind, catalogue or load_catalogue())


def _one_of(text: str, kind: str, catalogue: Catalogue) -> Subject:
    """Return what a text names of a kind; a file, a plugin or a module where it provides one of it."""
    name = "" if text.endswith(".py") else _call(text).name
    if ":" in name or any(name in (item.name, item.qualified) for item in catalogue.records(kind)):
        return _named(catalogue, kind, _call(text))
    found = _of_plugin(catalogue, name) or _of_module(name) if name else _of_file(Path(text))
    of_kind = [subject for subject in found if subject.kind == kind]
    if len(of_kind) == 1 or not found:
        return of_kind[0] if found else _named(catalogue, kind, _call(text))
    names = ", ".join(subject.name for subject in of_kind) or "none"
    given = f"{text} provides {len(of_kind)} {kind}: {names}"
    raise UserError(given, "expected one", "give a name, with catalogue=…, or take parametrize_with_checks")


def find_subjects(text: str, catalogue: Catalogue) -> tuple[Subject, ...]:
    """Return what `text` stands for; raises UserError, with what is nearest.

    In this order: a Python file (all its records), an expression that names a record of a checked kind (`problems/NAME`
    looks among the problems only), a plugin or an importable module (all its records).
    """
    if text.endswith(".py"):
        return _of_file(Path(text))
    call = _call(text)
    kinds = [kind for kind in CHECKED if any(call.name in (x.name, x.qualified) for x in catalogue.records(kind))]
    if len(kinds) > 1:
        raise UserError(f"{call.name!r} is a name of {' and of '.join(kinds)}", f"write {kinds[0]}/{call.name}")
    if kinds:
        return (_named(catalogue, kinds[0], call),)
    prefix, _, rest = call.name.partition("/")
    if rest and (wanted := [kind for kind in CHECKED if prefix in (kind, KINDS[kind].singular)]):
        return (_named(catalogue, wanted[0], Call(rest, call.options)),)
    if ":" in call.name:
        return (_named(catalogue, "optimizers", call),)
    return _of_plugin(catalogue, call.name) or _of_module(call.name) or _unknown(catalogue, call.name)


def _call(text: str) -> Call:
    calls = parse_text(text)
    if len(calls) != 1:
        raise UserError(f"{text!r} names {len(calls)} things", "allowed: one name, with options if wished")
    return calls[0]


def _named(catalogue: Catalogue, kind: str, call: Call) -> Subject:
    registered = catalogue.get(kind, call.name)
    if not registered.plugin:  # module:Class, whose options only the class knows
        return Subject(registered, dict(call.options))
    return Subject.with_options(registered, call.options, catalogue)


def _of_plugin(catalogue: Catalogue, name: str) -> tuple[Subject, ...]:
    """Return every checked record of the plugin of that name or module."""
    return tuple(
        Subject.with_options(item, {}, catalogue)
        for kind in CHECKED
        for item in catalogue.records(kind)
        if name in (item.plugin, item.module)
    )


def _of_file(path: Path) -> tuple[Subject, ...]:
    import_file(path)  # raises where it can't be
    return _all_of(load_catalogue(plugin_files=[path], only=[]), module_name(path), str(path))


def _of_module(name: str) -> tuple[Subject, ...]:
    """Return the records of a module that is no installed plugin; nothing where there is no such module."""
    if not all(part.isidentifier() for part in name.split(".")) or locate_module(name) is None:
        return ()
    try:
        module = importlib.import_module(name)
    except Exception as error:
        raise UserError(f"module {name!r} can't be imported", f"{type(error).__name__}: {error}") from error
    return _all_of(build_catalogue({name: module}), name, f"module {name!r}")


def _all_of(catalogue: Catalogue, module: str, told: str) -> tuple[Subject, ...]:
    """Return every record of a module; raises UserError where one is broken, or where there is none."""
    found = _of_plugin(catalogue, module)
    if catalogue.broken:
        raise UserError(f"{told}: {catalogue.broken[0].where}: {catalogue.broken[0].reason}")
    if not found:
        raise UserError(f"{told} yields nothing that can be checked", f"checked kinds: {', '.join(CHECKED)}")
    return found


def _unknown(catalogue: Catalogue, name: str) -> tuple[Subject, ...]:
    names = [known for kind in CHECKED for known in catalogue.names(kind)]
    plugins = sorted({item.plugin for kind in CHECKED for item in catalogue.records(kind)})
    remedy = f"`optbench list {'|'.join(CHECKED)}` and `optbench plugins` show the names"
    raise UserError(f"nothing to check is called {name!r}", suggestion(name, [*names, *plugins]), remedy)
