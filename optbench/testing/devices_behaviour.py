"""Checks that an optimizer runs wherever its trial does, and waits for the device no more often than it declares."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import optbench
from optbench.testing.audit import Sync
from optbench.testing.audit_runs import audit_optimizer
from optbench.testing.blame import Frame, culprit
from optbench.testing.framework import CheckFailed, Subject, require

_READERS = str(Path(optbench.__file__).resolve().parent / "numerics" / "scalars.py")  # whoever calls it waits


def check_device(subject: Subject) -> None:
    """Run it; whatever an accelerator refuses raises."""
    audit_optimizer(subject)


def check_host_syncs(subject: Subject) -> None:
    """Compare the step that waited most with what is declared."""
    declared = subject.record.host_syncs
    try:
        audited = audit_optimizer(subject)
    except CheckFailed as failure:
        message = "its waits can't be counted, for it does not run on another device: see stays-on-the-device"
        raise CheckFailed(message) from failure
    worst = max(audited, key=lambda step: len(step.syncs))
    require(
        len(worst.syncs) <= declared,
        f"declares host_syncs={declared}; on {worst.problem}, step {worst.number} waited {_times(len(worst.syncs))}: "
        f"{told(worst.syncs, subject)}",
    )


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
