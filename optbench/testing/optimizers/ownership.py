"""Checks that a method leaves alone what is not its own: the start, and what the oracle returned."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from optbench.api import Point, Streams
from optbench.testing.blame import where
from optbench.testing.framework import CheckFailed, Subject
from optbench.testing.trials import limited, place, run
from optbench.testing.tripwire import line_of_change
from optbench.testing.workloads import Wrapped, unsolved

_LONG = limited(evaluations=200, steps=40)  # what happens late, in a warm phase say, happens within it


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
        if isinstance(result, tuple):
            return tuple(self.returned(kind, part) for part in result)
        self._results.append((kind, result, _bytes(result)))
        return result

    def spoilt(self) -> str:
        """Return the kind of the first result that is no longer what it was."""
        return next((kind for kind, tensor, before in self._results if _bytes(tensor) != before), "")


def check_start(subject: Subject) -> None:
    """Compare the start with a copy of it after some steps."""
    here = place()

    def problem() -> _OneStart:
        return _OneStart(unsolved(subject, here), here.streams)

    first, again = problem(), problem()
    run(subject, first, here, _LONG)
    if not first.is_whole():
        stack = line_of_change(lambda: run(subject, again, here, _LONG), again.is_whole)
        raise CheckFailed(f"it writes into the start, of which it must make a copy{where(stack, subject)}")


def check_results(subject: Subject) -> None:
    """Compare what evaluations returned with copies after some steps."""
    here = place()
    first, again = _Kept(unsolved(subject, here)), _Kept(unsolved(subject, here))
    run(subject, first, here, _LONG)
    if kind := first.spoilt():
        stack = line_of_change(lambda: run(subject, again, here, _LONG), again.spoilt)
        raise CheckFailed(f"it writes into the {kind} that the oracle returned{where(stack, subject)}")


def _bytes(tensor: Tensor) -> bytes:
    content: bytes = tensor.detach().numpy().tobytes()
    return content
