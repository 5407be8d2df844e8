"""Checks that an optimizer runs wherever its trial does, and waits for the device no more often than it declares."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

import optbench
from optbench.api import Work
from optbench.testing.audit import Sync
from optbench.testing.audit_runs import AuditedStep, audit_optimizer
from optbench.testing.blame import Frame, culprit
from optbench.testing.framework import CheckFailed, Subject, require

_READERS = str(Path(optbench.__file__).resolve().parent / "numerics" / "scalars.py")  # whoever calls it waits


def check_device(subject: Subject) -> None:
    """Run it; whatever an accelerator refuses raises."""
    audit_optimizer(subject)


def check_host_syncs(subject: Subject) -> None:
    """Compare the step that went furthest beyond what is declared with that."""
    try:
        audited = audit_optimizer(subject)
    except CheckFailed as failure:
        message = "its waits can't be counted, for it does not run on another device: see stays-on-the-device"
        raise CheckFailed(message) from failure
    worst = max(audited, key=lambda step: len(step.syncs) - allowed(step, subject))
    require(
        len(worst.syncs) <= allowed(worst, subject),
        f"declares {_declared(subject)}; on {worst.problem}, step {worst.number}{_work(worst, subject)} waited "
        f"{_times(len(worst.syncs))}: {told(worst.syncs, subject)}",
    )


def allowed(step: AuditedStep, subject: Subject) -> int:
    """Return how often a step may wait: by itself, and for the evaluations and factorisations in it."""
    per: Mapping[Work, int] = subject.record.host_syncs_per
    return int(subject.record.host_syncs_of(subject.options)) + sum(per[kind] * step.work[kind] for kind in per)


def _declared(subject: Subject) -> str:
    further = (f", {count} for each {kind}" for kind, count in subject.record.host_syncs_per.items())
    return "".join((f"host_syncs={subject.record.host_syncs_of(subject.options)}", *further))


def _work(step: AuditedStep, subject: Subject) -> str:
    counted = [f"{step.work[kind]} {kind}{'s' * (step.work[kind] != 1)}" for kind in subject.record.host_syncs_per]
    return f", with {' and '.join(counted)}," if counted else ""


def told(syncs: Iterable[Sync], subject: Subject) -> str:
    """Return where the waits happened, in the order of their number."""
    counted = Counter((sync.operation, _place_of(sync, subject)) for sync in syncs)
    return ", ".join(_counted(operation, place, count) for (operation, place), count in counted.most_common())


def _counted(operation: str, place: Frame | str, count: int) -> str:
    return f"{operation}{f' ({_times(count)})' if count > 1 else ''} at {place}"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _place_of(sync: Sync, subject: Subject) -> Frame | str:
    frames = [frame for frame in sync.frames if frame.file != _READERS]
    return culprit(frames, subject) or frames[-1]
