"""The look that a report's tables have in a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import compress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.table import Table

Style = Mapping[str, Any]  # of a column, as `Table.add_column` takes it

NAME: Style = {"overflow": "fold", "min_width": 10}  # of what a row is about
TEXT: Style = {"overflow": "fold"}
NUMBER: Style = {"justify": "right", "no_wrap": True, "overflow": "fold"}


def new_table(title: str, caption: str = "") -> Table:
    """Return an empty table with its title above and its caption below."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    return Table(
        title=Text(title),
        title_justify="left",
        caption=Text(caption) if caption else None,
        caption_justify="left",
        box=box.SIMPLE_HEAD,
        padding=(0, 1),
        collapse_padding=True,
        pad_edge=False,
    )


def fill(
    table: Table, styles: Mapping[str, Style], rows: Iterable[Sequence[str]], left_out: frozenset[str] = frozenset()
) -> Table:
    """Add a column for each heading that is not left out, and its cell of each row; rows have a cell a heading."""
    from optbench.report.breaking import Label

    shown = [heading not in left_out for heading in styles]
    for heading in compress(styles, shown):
        table.add_column(heading, **styles[heading])
    for row in rows:
        table.add_row(*map(Label, compress(row, shown)))
    return table


def without_repeats(rows: Iterable[Sequence[str]], names: int) -> Iterator[tuple[str, ...]]:
    """Yield rows whose first `names` cells are empty where they are those of the row above."""
    above: tuple[str, ...] = ()
    for row in rows:
        given = tuple(row[:names])
        yield ("",) * names + tuple(row[names:]) if given == above else tuple(row)
        above = given
