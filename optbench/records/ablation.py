"""An ablation: what a meta-algorithm changes, all else being equal, and what came out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from optbench.records.canonical import without_nonfinite
from optbench.records.pairing import Recipe
from optbench.records.text import NONE, interval_text, number_text
from optbench.records.trial import Component

ABLATION_HEADINGS = ("what", "beside", "measure", "without", "with", "ratio", "95 %", "n", "verdict", "time", "FLOPs")


@dataclass(frozen=True, kw_only=True)
class Ablation:
    """Two arms of a suite that differ in one factor: a meta-algorithm, or several that are switched together."""

    factor: Recipe
    base: Recipe  # the optimizer with what is always on
    present: Recipe  # the optimizer with its meta-algorithms, the factor among them
    absent: Recipe

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Return the ablation that `asdict` described."""
        return cls(**{key: tuple(Component(**item) for item in parts) for key, parts in data.items()})


@dataclass(frozen=True, kw_only=True)
class AblationEffect:
    """What a factor changes on a problem, by one measure; each pair is one seed with it and without it.

    A measure is read as a cost: where higher is better, as its reciprocal. A run that failed, or missed its target, has
    an infinite cost, and the ratio is then a median.
    """

    factor: str  # "batch-norm", with the options that tell it from others
    beside: str  # label of the arm without it; the optimizer alone where several such pairs are averaged
    present: str  # id of the optimizer with it in the report; empty where several pairs are averaged
    absent: str
    problem: str  # id; empty: over all problems, each of which counts the same
    measure: str  # in words: "test-loss", "evaluations to relative:1e-03"
    higher_is_better: bool
    value_present: float | None  # medians over seeds; None over several problems, and where most runs failed
    value_absent: float | None
    pairs: int  # seeds; of several problems, those of the one with the fewest
    ratio: float | None  # cost with it over cost without it, typically: below 1 it is better with it
    low: float | None  # 95 % interval
    high: float | None
    log_ratios: tuple[float | None, ...]  # of each seed, in the order of seeds; None: not finite
    p_value: float | None  # two-sided, that it changes nothing
    adjusted: float | None  # by Holm over all effects of the report
    verdict: str  # "better", "worse", "succeeds more often", "within noise", "too few seeds", …
    seconds: float | None  # seconds of a trial with it over those without, the geometric mean over pairs
    flops: float | None  # the same of model FLOPs

    @property
    def averaged(self) -> bool:
        """Whether it sums up several other effects."""
        return not self.problem or not self.present

    @property
    def cells(self) -> tuple[str, ...]:
        """The row of a table, under ABLATION_HEADINGS."""
        return (
            self.factor,
            self.beside,
            self.measure,
            _value_text(self.value_absent),
            _value_text(self.value_present),
            number_text(self.ratio),
            interval_text(self.low, self.high),
            str(self.pairs),
            self.verdict,
            number_text(self.seconds),
            number_text(self.flops),
        )

    def to_row(self) -> dict[str, Any]:
        """Return the row of `--json`."""
        row: dict[str, Any] = without_nonfinite(asdict(self))
        return row


def _value_text(value: float | None) -> str:
    return NONE if value is None else f"{value:.4g}"
