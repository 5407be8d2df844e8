"""Checks that a method uses the oracle as agreed: within the budget, as declared, and nothing behind its back."""

from __future__ import annotations

import contextlib
from typing import Any, NamedTuple
from unittest import mock

from torch import Tensor

from optbench import api
from optbench.api import Point, Streams
from optbench.measure import loop
from optbench.measure import oracle as door
from optbench.measure.ledger import Ledger
from optbench.records import Budget
from optbench.testing.blame import Frame, is_measuring, is_passed_over, stack_here, where
from optbench.testing.framework import CheckFailed, Subject, require
from optbench.testing.optimizers.contract import watched
from optbench.testing.trials import limited, place, run
from optbench.testing.tripwire import line_of_change
from optbench.testing.workloads import Wrapped, workload

_SHORT = limited(evaluations=12, steps=5)


# ---- what belongs to others


class _OneStart(Wrapped):
    """A problem that hands out one and the same start."""

    def __init__(self, problem: Any, streams: Streams) -> None:
        super().__init__(problem)
        self.point: Point = problem.start(streams)
        self._before = _bytes(self.point.parameters)

    def start(self, streams: Streams) -> Point:
        return self.point

    def is_whole(self) -> bool:
        return _bytes(self.point.parameters) == self._before


class _Kept(Wrapped):
    """A problem that keeps what its evaluations returned, and a copy."""

    def __init__(self, problem: Any) -> None:
        super().__init__(problem)
        self._results: list[tuple[str, Tensor, bytes]] = []

    def returned(self, kind: str, result: Any) -> Any:
        for part in result if isinstance(result, tuple) else (result,):
            self._results.append((kind, part, _bytes(part)))
        return result

    def spoilt(self) -> str:
        """Return the kind of the first result that is no longer what it was."""
        return next((kind for kind, tensor, before in self._results if _bytes(tensor) != before), "")


def check_start(subject: Subject) -> None:
    """Compare the start with a copy of it after a few steps."""
    here = place()

    def problem() -> _OneStart:
        return _OneStart(workload(subject, here), here.streams)

    first, again = problem(), problem()
    run(subject, first, here, _SHORT)
    if not first.is_whole():
        stack = line_of_change(lambda: run(subject, again, here, _SHORT), again.is_whole)
        raise CheckFailed(f"it writes into the start, of which it must make a copy{where(stack, subject)}")


def check_results(subject: Subject) -> None:
    """Compare what evaluations returned with copies after a few steps."""
    here = place()
    first, again = _Kept(workload(subject, here)), _Kept(workload(subject, here))
    run(subject, first, here, _SHORT)
    if kind := first.spoilt():
        stack = line_of_change(lambda: run(subject, again, here, _SHORT), again.spoilt)
        raise CheckFailed(f"it writes into the {kind} that the oracle returned{where(stack, subject)}")


def _bytes(tensor: Tensor) -> bytes:
    content: bytes = tensor.detach().numpy().tobytes()
    return content


# ---- the budget


def _telling(kind: type[BaseException], raised: list[Telling]) -> type[BaseException]:
    """Return the exception as a class that notes each raise in `raised`, for a plugin may catch it."""

    class Told(kind):  # type: ignore[misc, valid-type]  # made for the one exception that is given
        def __init__(self, *arguments: object) -> None:
            super().__init__(*arguments)
            raised.append(Telling(str(self), stack_here()))

    return Told


class Telling(NamedTuple):
    """An exception's message and where it was raised."""

    message: str
    stack: list[Frame]


def check_budget(subject: Subject) -> None:
    """End trials by each kind of budget; StopTrial must come out of whatever was called."""
    _require_stop(subject, "1 evaluation", limited(evaluations=1))
    _require_stop(subject, "10 evaluations", limited(evaluations=10))
    _require_stop(subject, "2 steps", limited(steps=2))


def _require_stop(subject: Subject, told: str, budget: Budget) -> None:
    raised: list[Telling] = []

    def seen(ledger: Ledger, method: str, _: Any) -> None:
        if ledger.stopped:
            at = where(raised[0].stack, subject) if raised else ""
            raise CheckFailed(f"with a budget of {told} {method} catches the StopTrial that ends the trial{at}")

    here, stop = place(), _telling(api.StopTrial, raised)
    with mock.patch.object(door, "StopTrial", stop), mock.patch.object(loop, "StopTrial", stop):
        run(subject, workload(subject, here), here, budget, wrap=watched(seen))


# ---- what it may ask, and whom


def check_declared(subject: Subject) -> None:
    """Run under its declaration; asking for anything else counts, even where the refusal is caught."""
    raised: list[Telling] = []
    here = place()
    with (
        mock.patch.object(door, "UndeclaredEvaluation", _telling(api.UndeclaredEvaluation, raised)),
        contextlib.suppress(api.UndeclaredEvaluation),
    ):
        run(subject, workload(subject, here), here, limited(evaluations=60, steps=30))
    if raised:
        raise CheckFailed(f"{raised[0].message}{where(raised[0].stack, subject)}")


class _Guarded(Wrapped):
    """A problem that keeps the stack of the first evaluation that came by another way than through the oracle."""

    def __init__(self, problem: Any) -> None:
        super().__init__(problem)
        self.kind, self.stack = "", list[Frame]()

    def asked(self, kind: str) -> None:
        stack = stack_here()
        if not self.kind and not through_oracle(stack):
            self.kind, self.stack = kind, stack


def through_oracle(stack: list[Frame]) -> bool:
    """Tell whether an evaluation goes back to a public method of the oracle, or to the engine itself.

    Going outwards, the last frame of the engine before somebody else's is what that somebody called.
    """
    called: Frame | None = None
    for frame in reversed(stack):
        if frame.file == run.__code__.co_filename:
            return True
        if is_measuring(frame):
            called = frame
        elif not is_passed_over(frame):
            break
    return called is not None and called.file == door.__file__ and not called.function.startswith("_")


def check_only_through_oracle(subject: Subject) -> None:
    """Look at who calls the objective."""
    here = place()
    problem = _Guarded(workload(subject, here))
    run(subject, problem, here, limited(evaluations=60, steps=30))
    told = f"it evaluates the objective's {problem.kind} behind the oracle's back"
    require(not problem.kind, f"{told}, uncounted and off the clock{where(problem.stack, subject)}")
