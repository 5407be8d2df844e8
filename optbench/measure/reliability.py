"""When not to believe a time: reasons, each with what was seen and what to do.

A reason begins with its kind ("load", "drift", "overhead", "spread"), so that a report can count them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from optbench.analysis import relative_spread
from optbench.records import TrialRecord


@dataclass(frozen=True)
class Tolerances:
    """The largest shares that a believable time may show."""

    waiting: float = 0.10  # of the loop, in which a thread wanted a processor and had none
    drift: float = 0.10  # of the reference kernel above its baseline in the run
    overhead: float = 0.05  # of the step: what the harness leaves on the clock
    spread: float = 0.10  # of repetitions: interquartile range over median


TOLERANCES = Tolerances()


def doubts(record: TrialRecord, tolerances: Tolerances = TOLERANCES) -> tuple[str, ...]:
    """Return why the times of a trial are not to be believed, from its `conditions`; empty where nothing speaks so."""
    if record.seconds is None or not record.conditions:
        return ()
    return tuple(reason for rule in (_load, _waiting, _drift, _overhead) for reason in rule(record, tolerances))


def with_spread(records: Sequence[TrialRecord]) -> list[TrialRecord]:
    """Return the records with a reason added where the repetitions of a trial lie too far apart."""
    seconds: dict[str, list[float]] = defaultdict(list)
    for record in records:
        if record.seconds is not None:
            seconds[_trial(record)].append(record.seconds)
    spreads = {trial: relative_spread(values) for trial, values in seconds.items()}
    marked = []
    for record in records:
        spread = spreads.get(_trial(record), 0.0)
        if record.seconds is not None and spread > TOLERANCES.spread:
            count = len(seconds[_trial(record)])
            apart = f"the times of {count} repetitions lie {100 * spread:.0f} % apart"
            reason = f"spread: {apart}; compare counts, or measure again"
            record = replace(record, unreliable=(*record.unreliable, reason))
        marked.append(record)
    return marked


def kinds(reasons: Iterable[str]) -> set[str]:
    """Return the kinds of reasons."""
    return {reason.partition(":")[0] for reason in reasons}


def _trial(record: TrialRecord) -> str:
    return replace(record.spec, repetition=0).id


def _load(record: TrialRecord, _: Tolerances) -> Iterator[str]:
    """Tell where more processes than processors wanted to run, this trial included."""
    load, cores = record.conditions.get("load"), record.conditions.get("cores")
    if load is not None and cores and load > cores:
        yield f"load: {load:.1f} processes on {cores:.0f} processors; stop other work and measure again"


def _waiting(record: TrialRecord, tolerances: Tolerances) -> Iterator[str]:
    """Tell where the process was kept from running; one that waits of its own will is not."""
    share = record.conditions.get("waiting")
    if share is not None and share > tolerances.waiting:
        yield f"load: waited for a processor for {100 * share:.0f} % of the loop; stop other work and measure again"


def _drift(record: TrialRecord, tolerances: Tolerances) -> Iterator[str]:
    """Tell where the machine was slower beside this trial than usual in the run."""
    conditions = record.conditions
    baseline = conditions.get("reference_baseline")
    seen = [conditions.get(name) for name in ("reference_before", "reference_after")]
    slowest = max((value for value in seen if value is not None), default=None)
    if not baseline or slowest is None:
        return
    drift = slowest / baseline - 1
    if drift > tolerances.drift:
        yield (
            f"drift: the machine was {100 * drift:.0f} % slower than usual in this run (reference kernel); "
            "let it cool down, stop other work and measure again"
        )


def _overhead(record: TrialRecord, tolerances: Tolerances) -> Iterator[str]:
    """Tell where what the harness leaves on the clock, at each evaluation, is much of the time."""
    bias = record.conditions.get("bias")
    if not bias or not record.seconds:
        return
    share = bias * max(record.counts.get("steps", 0), record.evaluations or 0) / record.seconds
    if share > tolerances.overhead:
        yield (
            f"overhead: the harness's {1e6 * bias:.1f} µs an evaluation are {100 * share:.0f} % of the time; "
            "compare counts, or take a larger problem"
        )
