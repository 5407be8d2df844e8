"""How good a setting is: one number of each of its trials, and an order in which what failed comes last."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from optbench.records import FAILED, OBJECTIVE, TrialRecord, Yardstick, finite


@dataclass(frozen=True, order=True)
class Quality:
    """A setting's quality, the best one least: fewer failures first, then the mean, then how near the others came."""

    failures: int  # trials that diverged, crashed, ran out of time or memory, or never reached the target
    mean: float  # over the others, negative where higher is better; infinite where there are none
    nearest: float  # the mean objective, which orders settings that never reach a target


def quality(records: Sequence[TrialRecord], yardstick: Yardstick) -> Quality:
    """Return the quality of a setting by the records of its trials."""
    found = [value for record in records if (value := measured(record, yardstick)) is not None]
    sign = -1.0 if yardstick.higher_is_better else 1.0
    mean = sign * fmean(found) if found else math.inf
    ends = [math.inf if _failed(record) else record.f_best for record in records]
    nearest = fmean(math.inf if (end is None or math.isnan(end)) else end for end in ends) if ends else math.inf
    return Quality(len(records) - len(found), mean, nearest if yardstick.is_target else 0.0)


def measured(record: TrialRecord, yardstick: Yardstick) -> float | None:
    """Return what the yardstick says of a trial; None where it failed, or never reached the target."""
    if _failed(record):
        return None
    if yardstick.name == OBJECTIVE:
        return finite(record.f_best)
    if yardstick.is_target:
        return record.evaluations_to_target.get(yardstick.name)
    named = (value for name, value in record.metrics.items() if name in (yardstick.name, yardstick.short))
    return finite(next(named, None))


def _failed(record: TrialRecord) -> bool:
    return record.status in FAILED
