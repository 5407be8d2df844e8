"""The table of what is checked of optimizers on devices. Imports no torch."""

from __future__ import annotations

from optbench.testing.deferred import deferred
from optbench.testing.framework import Check, Subject


def needs_more_than_minibatches(subject: Subject) -> str:
    """Return what an optimizer needs and the audited problems lack, as a reason."""
    needs = sorted(subject.record.needs - {"minibatches"})
    return f"it needs {' and '.join(needs)}, which the audited problems do not give" if needs else ""


def _declares_syncs(subject: Subject) -> str:
    if subject.record.host_syncs_of(subject.options) is None:
        return "it declares no bound (host_syncs=None)"
    return needs_more_than_minibatches(subject)


DEVICE_CHECKS: tuple[Check, ...] = (
    Check(
        "stays-on-the-device",
        "It runs on any device: no tensor of its own lies elsewhere.",
        deferred("devices_behaviour", "check_device"),
        needs_more_than_minibatches,
    ),
    Check(
        "host-syncs-as-declared",
        "A step makes the host wait for the device no more often than `host_syncs` says, evaluations left out.",
        deferred("devices_behaviour", "check_host_syncs"),
        _declares_syncs,
    ),
)
