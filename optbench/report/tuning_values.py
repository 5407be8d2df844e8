"""Records read by a yardstick, so that lower is better."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from optbench.analysis import lower_quantile
from optbench.records import Range, TrialRecord, Yardstick
from optbench.report.cells import SHARES, rounded
from optbench.tuning.quality import measured


class Signed:
    """Reads records by a yardstick, such that lower is better and failure is infinite."""

    def __init__(self, yardstick: Yardstick) -> None:
        """Keep which way is better."""
        self.yardstick = yardstick
        self.sign = -1.0 if yardstick.higher_is_better else 1.0

    def value(self, record: TrialRecord) -> float:
        """Return one record's value."""
        value = measured(record, self.yardstick)
        return math.inf if value is None else self.sign * value

    def shown(self, value: float) -> float | None:
        """Return a value as it is shown; None for failure."""
        return rounded(None if math.isinf(value) else self.sign * value)

    def range(self, records: Iterable[TrialRecord]) -> Range:
        """Return the 10 %, 50 % and 90 % quantiles in the order of their size; failures lie at the worse end."""
        values = [self.value(record) for record in records]
        return self.ordered([lower_quantile(values, share) if values else math.nan for share in SHARES])

    def ordered(self, quantiles: Sequence[float]) -> Range:
        """Return quantiles of signed values, in which higher is worse, as they are shown."""
        low, median, high = map(self.shown, quantiles)
        return (low, median, high) if self.sign > 0 else (high, median, low)
