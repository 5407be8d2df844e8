"""Finds the line at which something changes that must not, by looking again after every line that runs."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Hashable
from types import FrameType
from typing import Any

from optbench.testing.blame import Frame


def line_of_change(run: Callable[[], Any], fingerprint: Callable[[], Hashable]) -> list[Frame]:
    """Run `run` and return the stack, outermost first, of the line at which `fingerprint()` first changed.

    Empty where it never did. What `run` raises is left aside. Tracing is slow: keep the run short.
    """
    wire = _Wire(fingerprint)
    previous = sys.gettrace()
    sys.settrace(wire.trace)
    try:
        with contextlib.suppress(BaseException):
            run()
    finally:
        sys.settrace(previous)
    return wire.found


class _Wire:
    """Keeps the line that each live frame is at, since the change shows only at the next event."""

    def __init__(self, fingerprint: Callable[[], Hashable]) -> None:
        self.found: list[Frame] = []
        self._fingerprint = fingerprint
        self._before = fingerprint()
        self._at: dict[FrameType, int] = {}

    def trace(self, frame: FrameType, event: str, _: Any) -> Any:
        if self.found:
            return None
        if self._fingerprint() != self._before:
            self.found = self._stack(frame.f_back if event == "call" else frame)
            self._at.clear()
            sys.settrace(None)
            return None
        self._at[frame] = frame.f_lineno
        if event == "return":
            del self._at[frame]
        return self.trace

    def _stack(self, frame: FrameType | None) -> list[Frame]:
        stack = []
        while frame is not None:
            line = self._at.get(frame, frame.f_lineno)
            stack.append(Frame(frame.f_code.co_filename, line, frame.f_code.co_name))
            frame = frame.f_back
        return stack[::-1]
