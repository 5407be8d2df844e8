"""Everything that is wrong with a suite file, told at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from optbench.api import UserError


@dataclass(frozen=True)
class Mistake:
    """One mistake: the key that it stands at, and what is wrong there."""

    key: str  # "optimizer[1].grid.history"
    message: str  # what was given, what is allowed, the nearest name
    name: str = ""  # that the author gave to what stands there: of a gate

    def __str__(self) -> str:
        """Return the mistake in one line."""
        place = f"{self.key} of {self.name!r}" if self.name else self.key
        return f"{place}: {self.message}" if place else self.message


class SuiteError(UserError):
    """A suite file with mistakes: one line for one, a heading and a line each for more."""

    def __init__(self, source: str, mistakes: Sequence[Mistake]) -> None:
        """Keep the file's name and the mistakes in the order of the file's checks."""
        self.source, self.mistakes = source, tuple(mistakes)
        super().__init__(self._text())

    def _text(self) -> str:
        if len(self.mistakes) == 1:
            return f"{self.source}: {self.mistakes[0]}"
        lines = (f"  {mistake}" for mistake in self.mistakes)
        return "\n".join((f"{self.source}: {len(self.mistakes)} mistakes", *lines))


def key_path(location: Sequence[str | int]) -> str:
    """Return a location as TOML users write it: ("problem", 0, "use") is "problem[0].use"."""
    parts = [f"[{part}]" if isinstance(part, int) else f".{part}" for part in location]
    return "".join(parts).removeprefix(".")
