"""Names of optimizers and problems in narrow columns: broken after a bracket or a comma, not within a word."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from rich.measure import Measurement
from rich.text import Text

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions
    from rich.containers import Lines

_PLACES = re.compile(r"(?<=[\s(,:/])|(?<=[a-z]-)(?=[a-z])")  # a line may end here
_LAST = re.compile(r"(?<=[=_.])")  # and, within what is still too long, here


class Label(Text):
    """A text that says itself where it may be broken."""

    def wrap(self, console: Console, width: int, **how: Any) -> Lines:
        """Return its lines of at most `width` columns; what can't be broken is folded as any text."""
        return Text(broken(self.plain, width)).wrap(console, width, **how)

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        """Return the width of its longest piece, and of the whole."""
        return Measurement(max(map(len, _pieces(self.plain, 1)), default=0), len(self.plain))


def broken(text: str, width: int) -> str:
    """Return a text with a line break wherever the next piece has no room in `width` columns."""
    lines = [""]
    for piece in _pieces(text, width):
        if lines[-1] and len(lines[-1]) + len(piece.rstrip()) > width:
            lines[-1] = lines[-1].rstrip()
            lines.append("")
        lines[-1] += piece
    return "\n".join(lines)


def _pieces(text: str, width: int) -> list[str]:
    """Return what a text may be broken into: its words, and parts of those that are longer than `width`."""
    pieces = [piece for piece in _PLACES.split(text) if piece]
    return [
        part for piece in pieces for part in (_LAST.split(piece) if len(piece.rstrip()) > width else [piece]) if part
    ]
