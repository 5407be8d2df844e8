"""Checks that a method asks the oracle as agreed: within the budget, as declared, and nothing behind its back."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple
from unittest import mock

from optbench import api
from optbench.measure import loop
from optbench.measure import oracle as door
from optbench.measure.ledger import Ledger
from optbench.records import Budget
from optbench.testing.blame import Frame, is_measuring, is_passed_over, stack_here, where
from optbench.testing.framework import CheckFailed, Subject, require
from optbench.testing.optimizers.contract import watched
from optbench.testing.trials import limited, place, run
from optbench.testing.workloads import Wrapped, unsolved, workload

_LONG = limited(evaluations=200, steps=40)  # what happens late, in a warm phase say, happens within it


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
    _require_stop(subject, "50 evaluations", limited(evaluations=50))
    _require_stop(subject, "2 steps", limited(steps=2))
    _require_stop(subject, "40 steps", limited(steps=40))


def _require_stop(subject: Subject, told: str, budget: Budget) -> None:
    raised: list[Telling] = []

    def seen(ledger: Ledger, method: str, _: Any) -> None:
        if ledger.stopped:
            at = where(raised[0].stack, subject) if raised else ""
            raise CheckFailed(f"with a budget of {told} {method} catches the StopTrial that ends the trial{at}")

    here, stop = place(), _telling(api.StopTrial, raised)
    with mock.patch.object(door, "StopTrial", stop), mock.patch.object(loop, "StopTrial", stop):
        run(subject, unsolved(subject, here), here, budget, wrap=watched(seen))


def check_declared(subject: Subject) -> None:
    """Run under its declaration; asking for anything else counts, even where the refusal is caught."""
    raised: list[Telling] = []
    here = place()
    for make in (workload, unsolved):
        with (
            mock.patch.object(door, "UndeclaredEvaluation", _telling(api.UndeclaredEvaluation, raised)),
            contextlib.suppress(api.UndeclaredEvaluation),
        ):
            run(subject, make(subject, here), here, _LONG)
        if raised:
            raise CheckFailed(f"{raised[0].message}{where(raised[0].stack, subject)}")


class _Guard:
    """Keeps the stack of the first evaluation that came by another way than through the oracle."""

    def __init__(self) -> None:
        self.kind, self.stack = "", list[Frame]()

    @contextlib.contextmanager
    def watching(self, problem: Any) -> Iterator[None]:
        """Watch the methods of the problem's classes: so there is no other object to go around it."""
        with contextlib.ExitStack() as patches:
            for owner in type(problem).__mro__:
                for kind in Wrapped.KINDS & vars(owner).keys():
                    patches.enter_context(mock.patch.object(owner, kind, self._told(kind, vars(owner)[kind])))
            yield

    def _told(self, kind: str, method: Callable[..., Any]) -> Callable[..., Any]:
        def evaluation(*arguments: Any, **keywords: Any) -> Any:
            stack = stack_here()
            if not self.kind and not through_oracle(stack):
                self.kind, self.stack = kind, stack
            return method(*arguments, **keywords)

        return evaluation


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
    here, guard = place(), _Guard()
    for make in (workload, unsolved):
        problem = make(subject, here)
        with guard.watching(problem):
            run(subject, problem, here, _LONG)
    told = f"it evaluates the objective's {guard.kind} behind the oracle's back"
    require(not guard.kind, f"{told}, uncounted and off the clock{where(guard.stack, subject)}")
