"""A pairing: two optimizers of a suite that are compared at each target, and what came out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from optbench.records.canonical import without_nonfinite
from optbench.records.text import interval_text, number_text
from optbench.records.trial import Component

PAIRING_HEADINGS = ("first", "second", "test", "solved", "of", "ratio", "95 %", "verdict")

Recipe = tuple[Component, ...]  # an optimizer with its meta-algorithms


@dataclass(frozen=True, kw_only=True)
class Pairing:
    """Who is compared with whom, on the problems that both are run on."""

    first: Recipe
    second: Recipe
    targets: tuple[str, ...]
    min_size: int = 1  # problems with fewer parameters are left out

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Return the pairing that `asdict` described."""
        first, second = (tuple(Component(**item) for item in data[key]) for key in ("first", "second"))
        return cls(first=first, second=second, targets=tuple(data["targets"]), min_size=data["min_size"])


@dataclass(frozen=True, kw_only=True)
class PairingResult:
    """How the two of a pairing did at one target."""

    first: str  # expressions
    second: str
    min_size: int
    test: str  # the target
    problems: int  # that both were run on, once for each seed, device and precision
    solved_first: int
    solved_second: int
    both: int  # solved by both
    ratio: float | None  # geometric mean of the evaluations of the first over those of the second, where both solve
    low: float | None  # its 95 % interval
    high: float | None
    verdict: str  # of the first: "faster", "within noise", "solves more often", …; "not run"

    @property
    def cells(self) -> tuple[str, ...]:
        """The row of a table, under PAIRING_HEADINGS."""
        return (
            self.first,
            self.second + (f" (n ≥ {self.min_size})" if self.min_size > 1 else ""),
            self.test,
            f"{self.solved_first} : {self.solved_second}",
            str(self.problems),
            number_text(self.ratio),
            interval_text(self.low, self.high),
            self.verdict,
        )

    def to_row(self) -> dict[str, Any]:
        """Return the row of `--json`."""
        row: dict[str, Any] = without_nonfinite(vars(self))
        return row


@dataclass(frozen=True, kw_only=True)
class SolvedCount:
    """How many problems an optimizer solves by one test."""

    optimizer: str  # expression
    test: str
    problems: int  # that it was run on, once for each seed, device and precision
    solved: int
    missed: tuple[str, ...] = ()  # labels of problems that it was run on and only others solve

    @property
    def cell(self) -> str:
        """Return the count as a table shows it: (−2) where only others solve two more."""
        return f"{self.solved} (−{len(self.missed)})" if self.missed else str(self.solved)

    def to_row(self) -> dict[str, Any]:
        """Return the row of `--json`."""
        return {**vars(self), "missed": list(self.missed)}
