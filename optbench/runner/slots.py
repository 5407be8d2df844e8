"""Works side by side: each yields jobs, which children run, and is given their records."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Generator, Iterable
from pathlib import Path
from typing import Protocol

from optbench.records import Job, Limits, TrialRecord, TrialSpec
from optbench.runner.client import ForkServer
from optbench.runner.supervise import Watched, collect, hard_limit

_POLL_SECONDS = 0.05  # between two looks at the heartbeats; a child's end wakes the parent at once
Work = Generator[Job, TrialRecord, None]


class Employer(Protocol):
    """What is asked of a session."""

    server: ForkServer
    limits: Limits
    jobs: int
    ended: int

    @property
    def watching(self) -> Callable[[Path], None]:
        """Called at each look at a running child, with its folder."""
        ...

    def tell(self, done: int, total: int, current: str) -> None:
        """Report that so many of a round's trials are done, and which one runs."""
        ...


class Slots:
    """Runs works side by side, `session.jobs` at a time; polls heartbeats and kills what is overdue."""

    def __init__(self, session: Employer, total: int) -> None:
        """Begin with nothing running, of `total` works."""
        self._session, self._total = session, total
        self._running: dict[int, tuple[Watched, Work, TrialSpec]] = {}
        self._done = 0

    def run(self, works: Iterable[tuple[TrialSpec, Work]]) -> None:
        """Run all of them to their ends."""
        waiting = iter(works)
        while True:
            while len(self._running) < self._session.jobs:
                following = next(waiting, None)
                if following is None:
                    break
                self._advance(following[1], following[0], None)
            if not self._running:
                self._session.ended += self._done
                return
            self._wait()

    def _wait(self) -> None:
        ended = self._session.server.wait(_POLL_SECONDS)
        if ended is not None:
            watched, work, spec = self._running.pop(ended.handle)
            self._advance(work, spec, collect(watched, ended.code))
        for watched, _, _ in self._running.values():
            self._session.watching(watched.folder)
            if not watched.verdict and (why := watched.overdue()):
                watched.verdict = why
                self._session.server.kill(watched.handle)

    def _advance(self, work: Work, spec: TrialSpec, record: TrialRecord | None) -> None:
        """Give a work the record that it waits for; start its next job or note that it is done."""
        try:
            job = next(work) if record is None else work.send(record)
        except StopIteration:
            self._done += 1
            self._tell(spec)
            return
        self._start(job, work, spec)
        self._tell(spec)

    def _start(self, job: Job, work: Work, spec: TrialSpec) -> None:
        path = Path(job.folder) / f"{job.pass_}.json"
        for stale in ("result.json", "result.tmp"):
            (Path(job.folder) / stale).unlink(missing_ok=True)
        path.write_text(json.dumps(job.to_json()), encoding="utf-8")
        started = time.perf_counter()
        handle = self._session.server.start(path)
        limits = self._session.limits
        watched = Watched(job, handle, hard_limit(job, limits), started, limits.seconds)
        self._running[handle] = (watched, work, spec)

    def _tell(self, spec: TrialSpec) -> None:
        current = f"{spec.optimizer.short} on {spec.problem.short}"
        self._session.tell(self._done, self._total, current)
