"""The look that a report's tables have in a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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
    from rich.text import Text

    shown = [heading not in left_out for heading in styles]
    for heading in compress(styles, shown):
        table.add_column(heading, **styles[heading])
    for row in rows:
        table.add_row(*map(Text, compress(row, shown)))
    return table
