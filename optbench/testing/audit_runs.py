"""Runs an optimizer under an audit, as if it were on an accelerator."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

from torch import Tensor

from optbench.api import StopTrial, Work
from optbench.api.streams import SeededStreams
from optbench.measure.holding import reachable
from optbench.testing.audit import Audit, DeviceMismatchError, SparseTensorError, Sync, unusable
from optbench.testing.audit_oracle import AuditOracle, Bowl, rosenbrock
from optbench.testing.audit_panels import Factors, SparseRegression
from optbench.testing.blame import Frame, culprit, described
from optbench.testing.framework import CheckFailed, DoesNotApply, Subject, require

STEPS = 30  # on each problem: what happens every ten steps, or late, happens within them


@dataclass(frozen=True)
class AuditedStep:
    """One step of an optimizer, the waits in it, evaluations left out, and the work that it did."""

    problem: str
    number: int  # from 1
    syncs: Sequence[Sync]
    work: Mapping[Work, int]


class StrayStateError(Exception):
    """State on the CPU beside a point elsewhere; `made` is the stack that made it."""

    def __init__(self, message: str, made: Sequence[Frame]) -> None:
        """Keep both."""
        super().__init__(message)
        self.made = made


def require_audits() -> None:
    """Raise DoesNotApply where audits can't be trusted."""
    if reason := unusable():
        raise DoesNotApply(f"not checked: audits do not work with {reason}")


@lru_cache(maxsize=1)  # two checks ask for it, one after the other
def audit_optimizer(subject: Subject, steps: int = STEPS) -> list[AuditedStep]:
    """Run an optimizer on a quadratic and on banana valleys, on a device that this machine need not have.

    Where it looks at panels, it is run on problems that have some, too. Raises CheckFailed where an accelerator would
    refuse, or where the point is published elsewhere.
    """
    require_audits()
    with Audit() as audit:
        quadratic, looks = _audited(subject, "a quadratic", Bowl(), audit, steps)
        valleys, _ = _audited(subject, "Rosenbrock's function", rosenbrock(), audit, steps)
        if not looks:
            return quadratic + valleys
        lasso, _ = _audited(subject, "a Lasso", SparseRegression(), audit, steps)
        factors, _ = _audited(subject, "a product of factors", Factors(), audit, steps)
        return quadratic + valleys + lasso + factors


def _audited(subject: Subject, name: str, problem: Any, audit: Audit, steps: int) -> tuple[list[AuditedStep], bool]:
    """Return the steps on one problem, and whether the optimizer looks at panels."""
    point = problem.start(SeededStreams(0))
    oracle = AuditOracle(problem, audit, subject.declared, point.layout)
    try:
        taken = _run(subject, oracle, point.parameters, audit, steps)
    except Exception as error:
        raise refusal(error, subject) from error
    return [AuditedStep(name, number, *seen) for number, seen in enumerate(taken, start=1)], oracle.panels_matter


class _Tally:
    """Takes what has been seen since it was last asked."""

    def __init__(self, audit: Audit, oracle: AuditOracle) -> None:
        self._audit, self._oracle = audit, oracle
        self._before = self._so_far()

    def take(self) -> tuple[list[Sync], Mapping[Work, int]]:
        before, self._before = self._before, self._so_far()
        return self._audit.take(), {kind: count - before[kind] for kind, count in self._before.items()}

    def _so_far(self) -> Mapping[Work, int]:
        return {"evaluation": self._oracle.asked, "factorisation": self._audit.factorisations}


def _run(
    subject: Subject, oracle: AuditOracle, start: Tensor, audit: Audit, steps: int
) -> list[tuple[list[Sync], Mapping[Work, int]]]:
    """Return what is seen of each step; of the first alone where it takes all the evaluations that there are."""
    optimizer, tally = subject.optimizer(), _Tally(audit, oracle)
    taken: list[tuple[list[Sync], Mapping[Work, int]]] = []

    def observe(point: Any) -> None:
        _require_published(point, start)
        taken.append(tally.take())
        if "minibatches" in subject.record.needs:
            oracle.batch += 1
        if len(taken) >= steps:
            raise StopTrial

    audit.take()
    with contextlib.suppress(StopTrial):
        run = optimizer.minimize if hasattr(optimizer, "minimize") else partial(_iterate, optimizer, audit, tally)
        run(oracle, start, observe)
    return taken or [tally.take()]


def _iterate(
    optimizer: Any, audit: Audit, tally: _Tally, oracle: Any, start: Tensor, observe: Callable[[Tensor], None]
) -> None:
    state = optimizer.init(oracle, start)
    tally.take()
    while state.finished is None:
        state = optimizer.step(oracle, state)
        observe(state.point)
        _require_state_here(state, oracle, audit)


def _require_state_here(state: Any, oracle: AuditOracle, audit: Audit) -> None:
    """Require that what is as large as a point lies on the device; small tables may well be kept on the host."""
    for held in reachable({"state": state}, besides=(oracle, audit)):
        tensor = held.thing
        if isinstance(tensor, Tensor) and tensor.numel() >= oracle.size and tensor.device.type == "cpu":
            told = f"it keeps {held.path}, of shape {tuple(tensor.shape)}, on the CPU"
            raise StrayStateError(told, audit.made(tensor))


def _require_published(point: Tensor, start: Tensor) -> None:
    published, expected = (point.device, point.dtype), (start.device, start.dtype)
    require(published == expected, f"it publishes a point of {_place(*published)}; the start is of {_place(*expected)}")


def _place(device: Any, dtype: Any) -> str:
    return f"{'another device' if device.type == 'meta' else device} and {dtype}"


def refusal(error: Exception, subject: Subject) -> CheckFailed | DoesNotApply:
    """Return how a check ends that met an error under an audit: what went wrong, and where.

    Of a CPU tensor among others also where it was made. With sparse tensors it does not apply: accelerators take them,
    audits don't.
    """
    if isinstance(error, SparseTensorError):
        return DoesNotApply(f"not checked: audits can't follow {described(error, subject)}")
    text = described(error, subject) if not isinstance(error, CheckFailed | StrayStateError) else str(error)
    made = culprit(error.made, subject) if isinstance(error, DeviceMismatchError | StrayStateError) else None
    where = f"; the CPU tensor was made at {made}" if made else ""
    return CheckFailed(f"on another device than the CPU: {text}{where}")
