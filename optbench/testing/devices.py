"""Checks that an optimizer runs wherever its trial does, and waits for the device no more often than it declares."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import optbench
from optbench.api import StopTrial
from optbench.testing.blame import Frame, culprit, described
from optbench.testing.framework import Check, CheckFailed, DoesNotApply, Subject, require

if TYPE_CHECKING:
    from torch import Tensor

    from optbench.testing.audit import Audit, Sync

STEPS = 30  # on each problem: what happens every ten steps, or late, happens within them
_READERS = str(Path(optbench.__file__).resolve().parent / "numerics" / "scalars.py")  # whoever calls it waits


@dataclass(frozen=True)
class AuditedStep:
    """One step of an optimizer, and the waits in it, evaluations left out."""

    problem: str
    number: int  # from 1
    syncs: Sequence[Sync]


class StrayStateError(Exception):
    """State on the CPU beside a point elsewhere; `made` is the stack that made it."""

    def __init__(self, message: str, made: Sequence[Frame]) -> None:
        """Keep both."""
        super().__init__(message)
        self.made = made


def require_audits() -> None:
    """Raise DoesNotApply where audits can't be trusted."""
    from optbench.testing.audit import unusable

    if reason := unusable():
        raise DoesNotApply(f"not checked: audits do not work with {reason}")


def audit_optimizer(subject: Subject, steps: int = STEPS) -> list[AuditedStep]:
    """Run an optimizer on a quadratic and on two banana valleys, on a device that this machine need not have.

    Raises CheckFailed where an accelerator would refuse, or where the point is published elsewhere.
    """
    from optbench.testing.audit import Audit
    from optbench.testing.audit_oracle import Bowl, rosenbrock

    require_audits()
    audited = []
    with Audit() as audit:
        for name, problem in (("a quadratic", Bowl()), ("Rosenbrock's function", rosenbrock())):
            try:
                taken = _run(subject, problem, audit, steps)
            except Exception as error:
                raise CheckFailed(refusal(error, subject)) from error
            audited += [AuditedStep(name, number, syncs) for number, syncs in enumerate(taken, start=1)]
    return audited


def _run(subject: Subject, problem: Any, audit: Audit, steps: int) -> list[list[Sync]]:
    """Return the waits of each step; of the first alone where it takes all the evaluations that there are."""
    from optbench.testing.audit_oracle import AuditOracle

    oracle = AuditOracle(problem, audit, subject.declared)
    start = problem.start(oracle.streams).parameters
    optimizer = subject.optimizer()
    taken: list[list[Sync]] = []

    def observe(point: Any) -> None:
        _require_published(point, start)
        taken.append(audit.take())
        if "minibatches" in subject.record.needs:
            oracle.batch += 1
        if len(taken) >= steps:
            raise StopTrial

    audit.take()
    with contextlib.suppress(StopTrial):
        run = optimizer.minimize if hasattr(optimizer, "minimize") else partial(_iterate, optimizer, audit)
        run(oracle, start, observe)
    return taken or [audit.take()]


def _iterate(optimizer: Any, audit: Audit, oracle: Any, start: Tensor, observe: Callable[[Tensor], None]) -> None:
    state = optimizer.init(oracle, start)
    audit.take()
    while state.finished is None:
        state = optimizer.step(oracle, state)
        observe(state.point)
        _require_state_here(state, oracle.size, audit)


def _require_state_here(state: Any, size: int, audit: Audit) -> None:
    """Require that what is as large as a point lies on the device; small tables may well be kept on the host."""
    for path, tensor in tensors_in("state", state):
        if tensor.numel() >= size and tensor.device.type == "cpu":
            raise StrayStateError(f"it keeps {path}, of shape {tuple(tensor.shape)}, on the CPU", audit.made(tensor))


def tensors_in(path: str, item: Any, visited: set[int] | None = None) -> Iterator[tuple[str, Tensor]]:
    """Yield the tensors that are reachable from `item` through records, sequences and mappings, with their paths."""
    from torch import Tensor

    visited = set() if visited is None else visited
    if id(item) in visited or isinstance(item, str | bytes | type) or callable(item):
        return
    visited.add(id(item))
    if isinstance(item, Tensor):
        yield path, item
    elif isinstance(item, Mapping):
        for key, part in item.items():
            yield from tensors_in(f"{path}[{key!r}]" if isinstance(key, str | int) else path, part, visited)
    elif isinstance(item, Sequence):
        for index, part in enumerate(item):
            yield from tensors_in(f"{path}[{index}]", part, visited)
    else:
        names = [*getattr(type(item), "__slots__", ()), *getattr(item, "__dict__", {})]
        for name in names:
            yield from tensors_in(f"{path}.{name}", getattr(item, name, None), visited)


def _require_published(point: Tensor, start: Tensor) -> None:
    published, expected = (point.device, point.dtype), (start.device, start.dtype)
    require(published == expected, f"it publishes a point of {_place(*published)}; the start is of {_place(*expected)}")


def _place(device: Any, dtype: Any) -> str:
    return f"{'another device' if device.type == 'meta' else device} and {dtype}"


def refusal(error: Exception, subject: Subject) -> str:
    """Return what went wrong under an audit, and where; of a CPU tensor among others also where it was made."""
    from optbench.testing.audit import DeviceMismatchError

    text = described(error, subject) if not isinstance(error, CheckFailed | StrayStateError) else str(error)
    made = culprit(error.made, subject) if isinstance(error, DeviceMismatchError | StrayStateError) else None
    return f"on another device than the CPU: {text}{f'; the CPU tensor was made at {made}' if made else ''}"


# ---- the checks


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
    counted = Counter(f"{sync.operation} at {_place_of(sync, subject)}" for sync in syncs)
    return ", ".join(f"{place}{f' ({_times(count)})' if count > 1 else ''}" for place, count in counted.most_common())


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _place_of(sync: Sync, subject: Subject) -> Frame | str:
    frames = [frame for frame in sync.frames if frame.file != _READERS]
    return culprit(frames, subject) or frames[-1]


def needs_more_than_minibatches(subject: Subject) -> str:
    """Return what an optimizer needs and the audited problems lack, as a reason."""
    needs = sorted(subject.record.needs - {"minibatches"})
    return f"it needs {' and '.join(needs)}, which the audited problems do not give" if needs else ""


def _declares_syncs(subject: Subject) -> str:
    if subject.record.host_syncs is None:
        return "it declares no bound (host_syncs=None)"
    return needs_more_than_minibatches(subject)


DEVICE_CHECKS: tuple[Check, ...] = (
    Check(
        "stays-on-the-device",
        "It runs on any device: no tensor of its own lies elsewhere.",
        check_device,
        needs_more_than_minibatches,
    ),
    Check(
        "host-syncs-as-declared",
        "A step makes the host wait for the device no more often than `host_syncs` says, evaluations left out.",
        check_host_syncs,
        _declares_syncs,
    ),
)
