"""What a report shows of a suite's tuning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from optbench.records.canonical import without_nonfinite
from optbench.records.text import NONE, range_text

EDGE = "!"  # of a choice at the edge of what was tried

Range = tuple[float | None, float | None, float | None]  # 10 %, median, 90 %; None: failed, or missed its target


@dataclass(frozen=True, kw_only=True)
class TuningChoice:
    """What one tuning of an optimizer on a problem chose, and what it took."""

    repeat: int
    options: Mapping[str, Any] | None  # None: its trials could not be run
    value: float | None  # by what it was selected, the mean over the tuning's seeds; None: every trial failed
    score: float | None  # median over the scoring seeds
    edge: tuple[str, ...] = ()  # "lr above": the best is the outermost that was tried, and the budget is spent
    settings: int = 0
    trials: int = 0
    failures: int = 0  # of the trials
    evaluations: int = 0
    examples: int = 0
    seconds: float = 0.0
    skipped: str = ""  # why they could not
    tried: tuple[Mapping[str, Any], ...] = ()  # each setting: `options`, `value` as above, `failures`

    @property
    def text(self) -> str:
        """The chosen values, marked where they lie at an edge: "lr=0.01 momentum=0.9"."""
        if self.options is None:
            return NONE
        words = (f"{value:g}" if type(value) is float else f"{value}" for value in self.options.values())
        values = (f"{name}={word}" for name, word in zip(self.options, words, strict=True))
        return " ".join(values) + (EDGE if self.edge else "")


@dataclass(frozen=True, kw_only=True)
class TunedCell:
    """An optimizer that was tuned on a problem: its score beside the untuned one, by tuning and by budget."""

    optimizer: str  # id of the tuned one in the report
    untuned: str | None  # id of the one that runs as it is written
    problem: str
    method: str  # "grid", "random", "optuna"; "stored" where the settings were found before
    searched: tuple[str, ...]  # "lr 1e-05 … 0.1 (log)"
    select: str  # in words; of stored settings, who found them
    measure: str  # what `score` is, in words
    higher_is_better: bool
    choices: tuple[TuningChoice, ...]
    score: Range  # over scoring seeds and tunings
    untuned_score: Range
    budgets: tuple[int, ...] = ()  # trials
    curve: tuple[Range, ...] = ()  # the score of the best of so many trials' settings

    @property
    def texts(self) -> tuple[str, str, str, str]:
        """The score, its range, the untuned score, and the choices of all tunings."""
        low, median, high = map(_text, self.score)
        spread = "" if low == high == NONE else range_text(low, high)
        chosen = ", ".join(dict.fromkeys(choice.text for choice in self.choices))
        return median, spread, _text(self.untuned_score[1]) if self.untuned else "", chosen

    @property
    def trials(self) -> int:
        """What all tunings took."""
        return sum(choice.trials for choice in self.choices)

    @property
    def seconds(self) -> float:
        """What all tunings took on the trials' clocks."""
        return sum(choice.seconds for choice in self.choices)

    @property
    def edges(self) -> int:
        """How many tunings end with the best at an edge."""
        return sum(bool(choice.edge) for choice in self.choices)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Return the record that `asdict` described; lists inside are tuples already."""
        choices = tuple(TuningChoice(**choice) for choice in data["choices"])
        return cls(**{**data, "choices": choices})

    def to_row(self) -> dict[str, Any]:
        """Return the row of `--json`."""
        row: dict[str, Any] = without_nonfinite(asdict(self))
        return row


@dataclass(frozen=True, kw_only=True)
class TuningAgreement:
    """Whether independent tunings rank the leading optimizers on a problem alike.

    A tuning puts one before another where the 95 % interval of the difference of their scores, seed by seed, leaves 0
    out; else it ties them.
    """

    problem: str
    leaders: tuple[tuple[str, ...], ...]  # of each tuning, the best optimizers, the first first
    tau: float | None  # Kendall's τ-b of the orders of all leaders, the mean over pairs of tunings
    alike: bool | None  # whether none are opposed; None where no tuning tells any two of the leaders apart
    opposed: tuple[tuple[str, str], ...] = ()  # leaders that one tuning orders one way and another the other way
    decided: int = 0  # pairs of leaders that a tuning, at least, puts in an order
    pairs: int = 0  # of leaders


def _text(value: float | None) -> str:
    return NONE if value is None else f"{value:.4g}"
