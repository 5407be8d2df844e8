"""Checks in a child process, so that a hang or a crash of a plugin is a failed check that says where it happened."""

from __future__ import annotations

import contextlib
import faulthandler
import json
import os
import re
import select
import signal
import tempfile
import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import IO, NoReturn, Self

from optbench.runner.server import die_with_parent, kill_group
from optbench.testing.blame import Frame, where
from optbench.testing.framework import Check, Outcome, Subject, attempt

_TOLD = re.compile(r'^  File "(.+)", line (\d+) in (.+)$', re.MULTILINE)  # how faulthandler writes a frame
_SECONDS_TO_TELL = 5.0  # that a child which hangs has for writing its stack


def attempt_isolated(subject: Subject, checks: Sequence[Check], timeout: float) -> Iterator[Outcome]:
    """Yield an outcome a check; a child runs them one after the other, and another goes on where it was lost."""
    import torch._dynamo  # noqa: F401 -- with torch, once here, so that no child has to: dispatch modes ask for it

    waiting = list(checks)
    while waiting:
        with _Child(subject, waiting) as child:
            while waiting and (outcome := child.outcome(timeout)):
                waiting.pop(0)
                yield outcome
            if waiting:
                yield child.lost(waiting.pop(0), timeout)


class _Child:
    """A forked process that runs checks and writes a line of JSON for each."""

    def __init__(self, subject: Subject, checks: Sequence[Check]) -> None:
        self._subject = subject
        self._stack = tempfile.TemporaryFile()  # noqa: SIM115 -- closed by __exit__
        self._lines, ours = os.pipe()
        self._pending = b""
        self._hangs = False
        self._pid = _fork()
        if self._pid == 0:
            _work(subject, checks, ours, self._stack)
        os.close(ours)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()
        os.close(self._lines)
        self._stack.close()

    def outcome(self, timeout: float) -> Outcome | None:
        """Return the next outcome; None where the child is lost: gone, or silent for `timeout` seconds."""
        deadline = time.monotonic() + timeout
        while b"\n" not in self._pending:
            ready, _, _ = select.select([self._lines], [], [], max(0.0, deadline - time.monotonic()))
            self._hangs = not ready
            received = os.read(self._lines, 65536) if ready else b""
            if not received:
                return None
            self._pending += received
        line, _, self._pending = self._pending.partition(b"\n")
        return Outcome(**json.loads(line))

    def lost(self, check: Check, timeout: float) -> Outcome:
        """Return the failure of the check in which the child was lost, with the line that it was at."""
        if self._hangs:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGUSR1)  # it writes its stack, even inside a C function, and dies
            select.select([self._lines], [], [], _SECONDS_TO_TELL)
        code = self._end()
        seen = f"was still running after {timeout:g} s" if self._hangs else f"ended the process, {_word(code)}"
        return Outcome(check.name, check.summary, "failed", f"{seen}{where(self._frames(), self._subject)}")

    def _end(self) -> int:
        """Kill what is left of the child; returns its exit code, negative for a signal. Does nothing twice."""
        if self._pid:
            kill_group(self._pid)
            os.kill(self._pid, signal.SIGKILL)  # it may not have a group of its own yet
            _, status = os.waitpid(self._pid, 0)
            self._pid = 0
            return os.waitstatus_to_exitcode(status)
        return 0

    def _frames(self) -> list[Frame]:
        self._stack.seek(0)
        told = _TOLD.findall(self._stack.read().decode(errors="replace"))
        return [Frame(file, int(line), function) for file, line, function in reversed(told)]


def _fork() -> int:
    with warnings.catch_warnings():
        # Python 3.12 warns where other threads exist; a check uses one thread of torch, and no lock of the others.
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


def _work(subject: Subject, checks: Sequence[Check], lines: int, stack: IO[bytes]) -> NoReturn:
    """Run the checks in the child; never returns."""
    try:
        _settle(stack)
        for check in checks:
            os.write(lines, json.dumps(asdict(attempt(check, subject))).encode() + b"\n")
    finally:
        os._exit(0)  # nothing of the parent's may run here, not even its exit handlers


def _settle(stack: IO[bytes]) -> None:
    """Make the child independent of the process that it was forked from."""
    import torch

    os.setsid()
    die_with_parent()
    silent = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):
        os.dup2(silent, stream)
    faulthandler.enable(stack, all_threads=False)
    faulthandler.register(signal.SIGUSR1, stack, all_threads=False, chain=True)
    warnings.resetwarnings()  # what the caller makes of warnings is no business of a check
    torch.set_num_threads(1)  # the pools of other threads did not survive the fork


def _word(code: int) -> str:
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
