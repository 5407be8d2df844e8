"""A gate: a number that must come out of a suite's trials, and what came out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from optbench.records.canonical import without_nonfinite
from optbench.records.trial import Component, TrialSpec

# quantity -> what it measures; the trials' own words have no part in any of them.
QUANTITIES: Mapping[str, str] = {
    "steps": "steps taken, or with a target begun until the target was reached",
    "evaluations": "evaluations counted, or with a target until it was reached",
    "gradients": "gradient evaluations counted",
    "rate": "factor by which each step multiplies f − f*",
    "gradient-ratio": "largest component of the last gradient evaluated over that of the first",
    "excess": "f − f* at the scored point, the mean over seeds",
}
_MOST_DECIMALS = 12  # what has more is written with an exponent
TARGETED = ("steps", "evaluations")  # quantities that a target changes


@dataclass(frozen=True, kw_only=True)
class Gate:
    """What must come out: `expected` within `tolerance`, or a number within `at_least` and `at_most`."""

    name: str
    statement: str  # in words, with the formula that the number comes from
    problems: tuple[Component, ...]  # of the suite
    optimizers: tuple[tuple[Component, ...], ...]  # each with its meta-algorithms
    quantity: str  # key of QUANTITIES
    target: str = ""
    scale: float = 1.0  # what the quantity is multiplied by before it is compared
    expected: float | None = None
    tolerance: float | None = None  # absolute; given exactly where `expected` is
    at_most: float | None = None
    at_least: float | None = None

    def selects(self, spec: TrialSpec) -> bool:
        """Tell whether the gate judges that trial."""
        return spec.problem in self.problems and spec.recipe in self.optimizers

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Return the gate that `asdict` described."""
        problems = tuple(Component(**item) for item in data["problems"])
        optimizers = tuple(tuple(Component(**item) for item in recipe) for recipe in data["optimizers"])
        return cls(**{**data, "problems": problems, "optimizers": optimizers})


@dataclass(frozen=True, kw_only=True)
class GateResult:
    """What came out."""

    name: str
    statement: str
    quantity: str
    target: str = ""
    expected: float | None = None
    tolerance: float | None = None
    at_most: float | None = None
    at_least: float | None = None
    measured: float | None = None  # of all that was measured what misses by most; None: nothing could be measured
    low: float | None = None  # 95 % interval of a mean over seeds
    high: float | None = None
    passed: bool
    trials: tuple[str, ...]  # ids
    message: str = ""  # why it did not pass

    @property
    def expected_text(self) -> str:
        """What must come out: "0.6694214876", "≤ 1e-08"."""
        if self.expected is not None:
            return self._number(self.expected)
        bounds = (("≥", self.at_least), ("≤", self.at_most))
        return ", ".join(f"{sign} {bound:g}" for sign, bound in bounds if bound is not None)

    @property
    def measured_text(self) -> str:
        """What came out, with the half width of its interval where it has one; "–": nothing."""
        if self.measured is None:
            return "–"
        interval = "" if self.high is None else f" ± {self.high - self.measured:.2g}"
        return self._number(self.measured) + interval

    @property
    def tolerance_text(self) -> str:
        """The tolerance; "–" where bounds are given instead."""
        return "–" if self.tolerance is None else f"{self.tolerance:.2g}"

    def _number(self, value: float) -> str:
        """Return what is expected and what is measured alike: to two decimals beyond the tolerance, or whole."""
        shown = [number for number in (self.expected, self.measured) if number is not None and math.isfinite(number)]
        if all(number.is_integer() for number in shown) or not math.isfinite(value):
            return f"{value:.15g}"
        if not self.tolerance:
            return f"{value:.4g}" if self.tolerance is None else f"{value:.15g}"
        decimals = max(0, 2 - math.floor(math.log10(self.tolerance)))
        largest = max(map(abs, shown))
        if decimals <= _MOST_DECIMALS and largest < 10**_MOST_DECIMALS:
            return f"{value:.{decimals}f}"
        return f"{value:.{max(3, min(15, math.ceil(math.log10(largest / self.tolerance)) + 2))}g}"

    def to_row(self) -> dict[str, Any]:
        """Return the row of `--json`: None for what is not finite."""
        row: dict[str, Any] = without_nonfinite(vars(self))
        return row
