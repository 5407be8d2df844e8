"""`optbench data`: what data sets there are, which are cached, and where."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from optbench.cli._common import json_option, open_catalogue, plugin_options, print_json, print_table, warn_broken
from optbench.cli._describe import call_text, to_json

if TYPE_CHECKING:
    from optbench.api.datasets import NamedDataSet
    from optbench.registry import Catalogue, Registered


@click.group("data", invoke_without_command=True)
@click.pass_context
def command(context: click.Context) -> None:
    """List data sets, fetch them into the cache, or tell where they lie.

    A NAME may have options, as in "copy(digits=4)".
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


@command.command("list", short_help="List the data sets: sizes, sources, and which are cached.")
@json_option
@plugin_options
def list_(*, as_json: bool, plugin: tuple[Path, ...], block: tuple[str, ...]) -> None:
    """List the data sets: how large they are, where they come from, and whether they are cached."""
    catalogue = open_catalogue(plugin, block)
    found = sorted(catalogue.records("data-sets"), key=lambda item: (item.name, item.plugin))
    if as_json:
        print_json([{**to_json(item), **_state(item, catalogue)} for item in found])
    else:
        columns = ("data set", "examples", "shape", "classes", "cached", "options", "source", "plugin")
        rows = [_row(item, catalogue) for item in found]
        if left_out := print_table(columns, rows, spare=("plugin", "options", "classes")):
            click.echo(f"{', '.join(left_out)}: on a wider terminal, with --json, or `optbench show NAME`", err=True)
    warn_broken(catalogue)


@command.command("fetch", short_help="Make the arrays of NAME now, from files or the net if it takes them.")
@click.argument("name")
@click.option("--from", "place", default="", metavar="FOLDER|URL", help="Where its files lie; URLs may be file://.")
@json_option
@plugin_options
def fetch(name: str, *, place: str, as_json: bool, plugin: tuple[Path, ...], block: tuple[str, ...]) -> None:
    """Make the arrays of NAME and keep them in the cache, from files that are compared with their hashes.

    The files come from --from, else from a package of the system, else from the net, if NAME states an address.
    Those of --from are compared even if NAME is cached.
    """
    chosen = _chosen(name, plugin, block)
    known = chosen.cached
    arrays = chosen.fetch(place)
    if known:
        click.echo(f"was cached already{f', from the same files as in {place}' if place else ''}", err=True)
    _print(chosen, arrays, as_json=as_json)


@command.command("path", short_help="Print the folder of NAME's arrays in the cache.")
@click.argument("name")
@json_option
@plugin_options
def path(name: str, *, as_json: bool, plugin: tuple[Path, ...], block: tuple[str, ...]) -> None:
    """Print the folder of NAME's arrays in the cache; they are made first where that needs no net."""
    chosen = _chosen(name, plugin, block)
    _print(chosen, chosen.load(), as_json=as_json)


def _chosen(name: str, plugin: Sequence[Path], block: Sequence[str]) -> NamedDataSet:
    from optbench.api.datasets import announce_datasets, named_dataset

    catalogue = open_catalogue(plugin, block)
    announce_datasets({source.name: source.module for source in catalogue.implementers("optbench_datasets")})
    return named_dataset(name)


def _print(chosen: NamedDataSet, arrays: Any, *, as_json: bool) -> None:
    if not as_json:
        click.echo(chosen.folder)
        return
    shapes = {name: {"shape": list(array.shape), "dtype": str(array.dtype)} for name, array in arrays.items()}
    told = {"name": chosen.expression, "path": str(chosen.folder), "digest": arrays.digest, "arrays": shapes}
    print_json(told)


def _state(item: Registered, catalogue: Catalogue) -> dict[str, Any]:
    """Return whether a set with its default options is cached; why it can't be made here, if so; and its folder.

    A set of the user's own files has no folder before these are named.
    """
    from optbench.api.datasets import NamedDataSet
    from optbench.registry import default_options

    found = NamedDataSet(plugin=item.plugin, record=item.record, options=default_options(catalogue, item))
    return {"cached": found.cached, "missing": found.missing, "path": None if item.record.inputs else str(found.folder)}


def _row(item: Registered, catalogue: Catalogue) -> tuple[str, ...]:
    record, state = item.record, _state(item, catalogue)
    return (
        item.name if item.name in catalogue.names("data-sets") else item.qualified,
        " + ".join(map(str, record.examples.values())),
        " × ".join(map(str, record.shape)),
        str(record.classes or ""),
        "yes" if state["cached"] else "not here" if state["missing"] else "",
        call_text(item),
        record.source,
        item.plugin,
    )
