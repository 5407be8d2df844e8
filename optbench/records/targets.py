"""Targets as they are written: "relative:1e-08", "absolute:1e-10", "gradient:1e-06", "test-accuracy>=0.95"."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Self

from optbench.records.nearest import suggestion

TARGET_KINDS = ("relative", "absolute", "gradient")
_METRIC = re.compile(r"([^\s:<>=]+)\s*(<=|>=)\s*(\S+)")
_OTHER_SENSE = re.compile(r"([^\s:<>=]+)\s*(<|>|=|==)\s*([^\s<>=]+)")


@dataclass(frozen=True)
class Target:
    """What is to be reached: an accuracy of one of TARGET_KINDS, or a threshold of a metric."""

    name: str  # one of TARGET_KINDS, or the metric's
    level: float
    sense: str = ":"  # "<=" or ">=" for a metric

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the target that `text` says; raises ValueError with what is allowed."""
        metric = _METRIC.fullmatch(text.strip())
        name, sense, number = metric.groups() if metric else (*text.partition(":")[:2], text.partition(":")[2])
        try:
            level = float(number)
        except ValueError:
            level = math.nan
        if math.isfinite(level) and (metric or (name in TARGET_KINDS and level > 0)):
            return cls(name, level, sense)
        raise ValueError("; ".join(filter(None, (_refusal(text), _hint(text)))))

    @property
    def is_metric(self) -> bool:
        """Whether a metric decides, which is evaluated on snapshots after the run."""
        return self.sense != ":"

    def __str__(self) -> str:
        """Return the normal form: an accuracy in its shortest exponent form, a threshold in its shortest form."""
        if self.is_metric:
            return f"{self.name}{self.sense}{repr(self.level).removesuffix('.0')}"
        digits = next(count for count in range(18) if float(f"{self.level:.{count}e}") == self.level)
        return f"{self.name}:{self.level:.{digits}e}"


def _refusal(text: str) -> str:
    kinds = f'"KIND:VALUE" with KIND {", ".join(TARGET_KINDS)} and VALUE above 0'
    return f'given {text!r}; allowed: {kinds}, or a metric\'s threshold such as "train-loss<=0.1"'


def _hint(text: str) -> str:
    """Return what was probably meant; "" where nothing is near."""
    other = _OTHER_SENSE.fullmatch(text.strip())
    if other is None:
        return suggestion(text.partition(":")[0], TARGET_KINDS)
    name, given, number = other.groups()
    senses = {"<": ("<=",), ">": (">=",)}.get(given, ("<=", ">="))
    return f"a threshold is written with <= or >=: {' or '.join(f'{name}{sense}{number}' for sense in senses)}"
