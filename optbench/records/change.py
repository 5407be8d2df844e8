"""What became of optimizers between two sets of results: by how much, how certainly, and on which problems."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from optbench.records.canonical import without_nonfinite


class Outcome(StrEnum):
    """What a comparison of before and after says of after."""

    BETTER = "better"
    WORSE = "worse"
    SOLVES_MORE = "better: solves more"
    SOLVES_LESS = "worse: solves less"
    SAME = "same"  # each value is what it was
    UNDECIDED = "not told apart"
    NOT_COMPARED = "not compared"

    @property
    def regressed(self) -> bool:
        """Whether after is worse."""
        return self in {Outcome.WORSE, Outcome.SOLVES_LESS}


@dataclass(frozen=True, kw_only=True)
class Effect:
    """An optimizer by one measure, after against before."""

    optimizer: str  # label; "first → second" where two optimizers are compared
    measure: str  # "evaluations", "seconds", a field of bytes, or a metric
    target: str  # that costs are counted to, "relative:1e-05"; empty for bytes and metrics
    problems: int  # that both were run on
    pairs: int  # trials of the side with fewer
    solved_before: int | None  # trials that reached the target; None where there is none
    solved_after: int | None
    ratio: float | None  # after over before; of a metric None
    difference: float | None  # after less before, of a metric
    low: float | None  # 95 % interval of the ratio or the difference
    high: float | None
    p_value: float | None  # two-sided, adjusted (Holm) for all effects that are compared
    outcome: Outcome
    note: str = ""

    def to_row(self) -> dict[str, Any]:
        """Return the row of `--json`."""
        row: dict[str, Any] = without_nonfinite({**vars(self), "outcome": str(self.outcome)})
        return row


@dataclass(frozen=True, kw_only=True)
class ProblemEffect:
    """One problem of an effect: what it was before and after, medians over seeds; inf unsolved, None not run."""

    optimizer: str
    problem: str
    measure: str
    target: str
    before: float | None
    after: float | None

    def to_row(self) -> dict[str, Any]:
        """Return the row of `--json`; what was not solved is "inf", as is a metric without bounds."""
        return {**vars(self), "before": _text(self.before), "after": _text(self.after)}


@dataclass(frozen=True, kw_only=True)
class Side:
    """Where one side's results come from."""

    title: str
    suite: str
    started: str
    machine: str
    commit: str | None


@dataclass(frozen=True, kw_only=True)
class Changes:
    """Everything that `optbench compare` shows."""

    before: Side
    after: Side
    effects: tuple[Effect, ...]
    problems: tuple[ProblemEffect, ...]
    missing: tuple[str, ...] = ()  # what only one side has
    notes: tuple[str, ...] = ()

    @property
    def regressions(self) -> tuple[Effect, ...]:
        """What got worse."""
        return tuple(effect for effect in self.effects if effect.outcome.regressed)

    def to_json(self) -> Mapping[str, Any]:
        """Return what `--json` prints."""
        return {
            "before": vars(self.before),
            "after": vars(self.after),
            "effects": [effect.to_row() for effect in self.effects],
            "problems": [effect.to_row() for effect in self.problems],
            "missing": _list(self.missing),
            "notes": _list(self.notes),
        }


def _text(value: float | None) -> float | str | None:
    return value if value is None or math.isfinite(value) else str(value)


def _list(texts: Sequence[str]) -> list[str]:
    return list(texts)
