"""Checks in a child process, so that a hang or a crash of a plugin is a failed check that says where it happened."""

from __future__ import annotations

import contextlib
import faulthandler
import functools
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
from typing import IO, NoReturn

from optbench.runner.server import die_with_parent, kill_group, warm_up
from optbench.testing.blame import Frame, where
from optbench.testing.framework import Check, Finding, Subject, attempt

_TOLD = re.compile(r'^  File "(.+)", line (\d+) in (.+)$', re.MULTILINE)  # how faulthandler writes a frame
_SECONDS_TO_TELL = 5.0  # that a child which hangs has for writing its stack


def attempt_isolated(subject: Subject, checks: Sequence[Check], timeout: float) -> Iterator[Finding]:
    """Yield a finding a check; one child runs them all, unless it is lost: then the next goes on."""
    isolation = Isolation()
    try:
        for check in checks:
            yield isolation.attempt(subject, check, checks, timeout)
    finally:
        isolation.close()


class Isolation:
    """Keeps the child of the last subject: what it has imported serves the next check."""

    def __init__(self) -> None:
        """Start nothing yet."""
        self._child: _Child | None = None

    def attempt(self, subject: Subject, check: Check, checks: Sequence[Check], timeout: float) -> Finding:
        """Run one of the `checks` that the subject will be asked; a child that hangs or crashes is a failure."""
        if self._child is None or self._child.subject is not subject:
            self.close()
            self._child = _Child(subject, checks)
        finding = self._child.attempt(check, timeout)
        if finding is None:
            finding = self._child.lost(check, timeout)
            self.close()
        return finding

    def close(self) -> None:
        """End the child."""
        if self._child is not None:
            self._child.close()
            self._child = None


class _Child:
    """A forked process that reads names of checks, a line each, and writes a line of JSON for each."""

    def __init__(self, subject: Subject, checks: Sequence[Check]) -> None:
        _warm_up()
        self.subject = subject
        self._stack = tempfile.TemporaryFile()  # noqa: SIM115 -- closed by `close`
        names, self._names = os.pipe()
        self._lines, lines = os.pipe()
        self._hangs = False
        self._pid = _fork()
        if self._pid == 0:
            os.close(self._names)  # so that the end of the parent ends `names`
            _work(subject, checks, names, lines, self._stack)
        os.close(names)
        os.close(lines)

    def attempt(self, check: Check, timeout: float) -> Finding | None:
        """Return the finding; None where the child is lost: gone, or silent for `timeout` seconds."""
        os.write(self._names, f"{check.name}\n".encode())
        received, deadline = b"", time.monotonic() + timeout
        while not received.endswith(b"\n"):
            ready, _, _ = select.select([self._lines], [], [], max(0.0, deadline - time.monotonic()))
            self._hangs = not ready
            part = os.read(self._lines, 65536) if ready else b""
            if not part:
                return None
            received += part
        return Finding(**json.loads(received))

    def lost(self, check: Check, timeout: float) -> Finding:
        """Return the failure of the check in which the child was lost, with the line that it was at."""
        if self._hangs:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGUSR1)  # it writes its stack, even inside a C function, and dies
            select.select([self._lines], [], [], _SECONDS_TO_TELL)
        code = self._end()
        seen = f"was still running after {timeout:g} s" if self._hangs else f"ended the process, {_word(code)}"
        return Finding(check.name, check.summary, "failed", f"{seen}{where(self._frames(), self.subject)}")

    def close(self) -> None:
        """Kill the child, if there is one, and let go of everything."""
        self._end()
        os.close(self._names)
        os.close(self._lines)
        self._stack.close()

    def _end(self) -> int:
        """Kill what is left of the child; returns its exit code, negative for a signal. Does nothing twice."""
        if not self._pid:
            return 0
        kill_group(self._pid)
        os.kill(self._pid, signal.SIGKILL)  # it may not have a group of its own yet
        _, status = os.waitpid(self._pid, 0)
        self._pid = 0
        return os.waitstatus_to_exitcode(status)

    def _frames(self) -> list[Frame]:
        self._stack.seek(0)
        told = _TOLD.findall(self._stack.read().decode(errors="replace"))
        return [Frame(file, int(line), function) for file, line, function in reversed(told)]


@functools.cache
def _warm_up() -> None:
    """Import once, here, what children need: torch with what it imports lazily, scipy, and the engine's loop."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's own, which would be errors in some test suites
        import scipy.optimize  # by the descent to f*, and by solvers of scipy's
        import scipy.stats  # noqa: F401 -- by fits
        import torch._dynamo  # noqa: F401 -- dispatch modes ask for it

        from optbench.testing.process_state import settings_kept

        with settings_kept():  # of a test suite that goes on after the checks
            warm_up()


def _fork() -> int:
    with warnings.catch_warnings():
        # Python 3.12 warns where other threads exist; a check uses one thread of torch, and no lock of the others.
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


def _work(subject: Subject, checks: Sequence[Check], names: int, lines: int, stack: IO[bytes]) -> NoReturn:
    """Run in the child the checks that the parent names; never returns."""
    try:
        _settle(stack)
        known = {check.name: check for check in checks}
        with os.fdopen(names) as asked:
            for name in asked:
                finding = attempt(known[name.strip()], subject)
                os.write(lines, json.dumps(asdict(finding)).encode() + b"\n")
    finally:
        os._exit(0)  # nothing of the parent's may run here, not even its exit handlers


def _settle(stack: IO[bytes]) -> None:
    """Make the child independent of the process that it was forked from."""
    import torch

    from optbench.runner.child import pin_modes

    os.setsid()
    die_with_parent()
    silent = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):
        os.dup2(silent, stream)
    faulthandler.enable(stack, all_threads=False)
    faulthandler.register(signal.SIGUSR1, stack, all_threads=False, chain=True)
    warnings.resetwarnings()  # what the caller makes of warnings is no business of a check
    torch.set_num_threads(1)  # the pools of other threads did not survive the fork
    pin_modes()  # as trials do


def _word(code: int) -> str:
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
