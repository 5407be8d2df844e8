"""What tuning searches: a dimension an option. A position is a share of its span, or the number of a choice."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

Position = tuple[float, ...]  # a coordinate for each dimension of a space

DIGITS = 4  # of a value: what is told and stored is what is run, and no library's rounding shows in it
FIRST_SHARE = 0.6  # of the settings that a grid begins with, so that it can widen
FEWEST = 3  # values that a grid of one option begins with, however small the budget: both ends and the middle
_INSIDE = 0.25, 0.75  # where two values stand: at the ends of a wide range both are poor


@dataclass(frozen=True, kw_only=True)
class Dimension:
    """How one option is searched: between numbers that may be left as far as the bounds go, or among choices."""

    option: str
    scale: Literal["linear", "log", "choice"]
    low: float = 0.0  # where looking begins
    high: float = 0.0
    floor: float | None = None  # natural bounds: no value lies beyond
    ceiling: float | None = None
    whole: bool = False  # integers only
    points: int | None = None  # of a grid; None: as many as there is room for
    values: tuple[Any, ...] = ()  # the choices

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Return the dimension that `asdict` described."""
        return cls(**{**data, "values": tuple(data["values"])})

    @property
    def ordered(self) -> bool:
        """Whether values can be compared, so that there is an edge to look beyond."""
        return self.scale != "choice"

    def value(self, coordinate: float) -> Any:
        """Return the option's value: at 0 `low`, at 1 `high`, beyond them as far as the bounds."""
        if not self.ordered:
            return self.values[int(coordinate)]
        value = self._rounded(self._at(coordinate))
        value = value if self.floor is None else max(value, self.floor)
        value = value if self.ceiling is None else min(value, self.ceiling)
        return int(value) if self.whole else value

    def _at(self, share: float) -> float:
        if self.scale == "linear":
            return self.low + share * (self.high - self.low)
        exponent = min(math.log(self.low) + share * math.log(self.high / self.low), math.log(1e300))
        return math.exp(exponent)

    def _rounded(self, value: float) -> float:
        return float(round(value)) if self.whole else float(f"{value:.{DIGITS}g}")

    @property
    def in_words(self) -> str:
        """What is searched: "lr 1e-05 … 0.1 (log)"."""
        if not self.ordered:
            return f"{self.option} {', '.join(map(str, self.values))}"
        return f"{self.option} {self.low:g} … {self.high:g} ({self.scale})"


Space = tuple[Dimension, ...]


def setting(space: Space, position: Position) -> dict[str, Any]:
    """Return the options at a position."""
    return {part.option: part.value(at) for part, at in zip(space, position, strict=True)}


def grid_sizes(space: Space, settings: int) -> tuple[int, ...]:
    """Return how many values of each dimension a grid begins with: given ones, else as many as leave room to widen."""
    sizes = [len(part.values) or part.points or 2 for part in space]
    free = [index for index, part in enumerate(space) if part.ordered and part.points is None]
    room = max(FIRST_SHARE * settings, min(settings, FEWEST))
    grown = True
    while grown:
        grown = False
        for index in free:
            if math.prod(sizes) // sizes[index] * (sizes[index] + 1) <= room:
                sizes[index] += 1
                grown = True
    return tuple(sizes)


def first_grid(space: Space, settings: int) -> Iterator[Position]:
    """Yield the positions of the grid, the first dimension slowest."""
    yield from itertools.product(*map(_coordinates, space, grid_sizes(space, settings)))


def grid_spacings(space: Space, settings: int) -> list[float]:
    """Return how far neighbours of the grid lie apart in each dimension."""
    values = map(_coordinates, space, grid_sizes(space, settings))
    return [of[1] - of[0] if len(of) > 1 else 1.0 for of in values]


def _coordinates(part: Dimension, size: int) -> Sequence[float]:
    if not part.ordered:
        return [float(index) for index in range(size)]
    if size == 1:
        return [0.5]
    return _INSIDE if size == len(_INSIDE) and part.points is None else [index / (size - 1) for index in range(size)]
