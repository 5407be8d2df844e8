"""Tables of a terminal that leave columns out rather than cut their headings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Column, Table

_LEGIBLE = 16  # columns of the terminal to which a cell that may be wrapped is wrapped at most
_GAP = 2  # between two columns of SIMPLE_HEAD with collapsed padding, and for both edges together

Build = Callable[[frozenset[str]], "Table"]


def fitted(build: Build, spare: Sequence[Sequence[str]], width: int) -> Table:
    """Return a table that fits.

    Args:
        build: makes it without the columns of these headings.
        spare: groups of headings; the first of them are left out, as few as it takes.
        width: of the terminal; where even the last group does not help, the table is as wide as it must be.
    """
    left_out: frozenset[str] = frozenset()
    table = build(left_out)
    for group in spare:
        if least_width(table) <= width:
            break
        left_out = left_out.union(group)
        table = build(left_out)
    return table


def least_width(table: Table) -> int:
    """Return how narrow a table can be without cutting a heading or a number."""
    columns = table.columns
    return sum(map(_least, columns)) + _GAP * len(columns)


def _least(column: Column) -> int:
    from rich.cells import cell_len

    heading = max(map(cell_len, str(column.header).split("\n")))
    widest = max((cell_len(str(cell)) for cell in column.cells), default=0)
    return max(heading, widest if column.no_wrap else min(widest, _LEGIBLE))


def omitted(left_out: frozenset[str], order: Sequence[str]) -> str:
    """Return the sentence that names what was left out; nothing where nothing was."""
    names = ", ".join(name for name in order if name in left_out)
    return f" Left out for want of room: {names}." if names else ""
