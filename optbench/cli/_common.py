"""What the commands share: options, the catalogue that they ask for, tables and JSON."""

from __future__ import annotations

import dataclasses
import json
import os
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from optbench.registry import Catalogue

_F = TypeVar("_F", bound=Callable[..., Any])
_WIDE = 200  # columns where the output is no terminal: rows stay whole for grep
_LEGIBLE = 30  # columns to which a cell may be wrapped
_GAP = 2  # columns between two columns of a table


def plugin_options(command: _F) -> _F:
    """Add `--plugin FILE` and `--block NAME`, both repeatable, as arguments `plugin` and `block`."""
    plugin = click.option(
        "--plugin",
        multiple=True,
        metavar="FILE",
        type=click.Path(path_type=Path),
        help="Load a Python file as a plugin; repeatable.",
    )
    block = click.option(
        "--block", multiple=True, metavar="NAME", help="Leave out a plugin or a distribution; repeatable."
    )
    return plugin(block(command))


def json_option(command: _F) -> _F:
    """Add `--json` as the argument `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(command)


def open_catalogue(plugin: Sequence[Path], block: Sequence[str]) -> Catalogue:
    """Return the catalogue with what `plugin_options` gave; tells on stderr what of `block` blocks nothing."""
    from optbench.records.nearest import suggestion
    from optbench.registry import installed_names, load_catalogue

    known = installed_names() if block else frozenset()
    for name in sorted(set(block) - known):
        hint = suggestion(name, known) or "`optbench plugins` lists them"
        click.echo(f"optbench: --block {name}: no installed plugin or distribution is called so; {hint}", err=True)
    return load_catalogue(plugin_files=plugin, block=block)


def warn_broken(catalogue: Catalogue) -> None:
    """Tell on stderr how many plugins were found broken so far, in one line."""
    if broken := sorted({item.plugin for item in catalogue.broken}):
        click.echo(f"optbench: broken: {', '.join(broken)}; `optbench plugins` says why", err=True)


def print_json(data: Any) -> None:
    """Print as JSON; sets come sorted, paths as text, numbers that JSON lacks as text ("inf")."""
    click.echo(json.dumps(plain(data), indent=2, ensure_ascii=False, allow_nan=False))


def plain(value: Any) -> Any:
    """Return a record in JSON's types."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, set | frozenset):
        return sorted(plain(item) for item in value)
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float) and (value != value or value in {float("inf"), float("-inf")}):  # noqa: PLR0124 -- NaN
        return str(value)
    return value if isinstance(value, bool | int | float | str | None) else str(value)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]], spare: Sequence[str] = ()) -> tuple[str, ...]:
    """Print a table on stdout.

    Args:
        columns: their names.
        rows: a cell for each column.
        spare: columns that are left out, in this order, until what is left has room.

    Returns:
        The columns that were left out.
    """
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    out, cells = console(), [tuple(row) for row in rows]
    left_out = _left_out(columns, cells, spare, out.width)
    kept = [index for index, column in enumerate(columns) if column not in left_out]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    for index in kept:
        table.add_column(columns[index], overflow="fold", no_wrap=index == 0)
    for row in cells:
        table.add_row(*(escape(row[index]) for index in kept))
    out.print(table)
    return left_out


def _left_out(
    columns: Sequence[str], rows: Sequence[Sequence[str]], spare: Sequence[str], width: int
) -> tuple[str, ...]:
    """Return the first of the spare columns, as many as it takes until the others fit or none is left."""
    widest = [max(map(len, (column, *(row[index] for row in rows)))) for index, column in enumerate(columns)]
    least = [widest[0], *(min(width, _LEGIBLE) for width in widest[1:])]  # the first column is not wrapped
    needs = {column: width + _GAP for column, width in zip(columns, least, strict=True)}
    dropped: list[str] = []
    for column in spare:
        if sum(needs.values()) <= width:
            break
        del needs[column]
        dropped.append(column)
    return tuple(dropped)


def check_writable(folder: Path) -> None:
    """Raise the OSError that writing into a folder would; one that is not there yet stays so."""
    place = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    with tempfile.TemporaryFile(dir=place):
        pass


def console() -> Any:
    """Return rich's console for stdout, wide where it is no terminal and COLUMNS is not set."""
    from rich.console import Console

    ours = Console(highlight=False)
    return ours if ours.is_terminal or "COLUMNS" in os.environ else Console(highlight=False, width=_WIDE)
