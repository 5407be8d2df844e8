"""Watches one running child: hard limits while it runs, its result or what is left of it afterwards."""

from __future__ import annotations

import json
import signal
import time
from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from optbench.measure.event_log import DONE, SETUP, WARM, read_heartbeat, read_log
from optbench.records import EVALUATED, Facts, Job, Limits, StageFacts, StageRecord, Status, Trace, TrialRecord

SETUP_SECONDS = 120.0  # building a problem, or writing a result, unless the user gave a limit
LEAST_SECONDS = 20.0  # what those parts get in any case: data that is not cached yet is built in a child
PASS_SECONDS = 300.0  # the metrics pass, and the memory pass, unless the user gave a limit
WARM_UP_SECONDS = 10.0  # the warm-up, or the limit of the loop where that is less: then the trial runs cold
UNLIMITED_SECONDS = 3600.0  # where neither the budget nor the limits speak of seconds
_GRACE = 1.0  # between the clocked budget, which the oracle checks, and the hard limit
_WALL_FACTOR = 5.0  # pauses of the clock may take so many times the limit
Row = Mapping[str, float]  # of the event log, by column
_COLUMNS = {**{kind: f"{kind}_count" for kind in EVALUATED}, "examples": "examples", "steps": "step"}


@dataclass
class Watched:
    """A child that runs."""

    job: Job
    handle: int
    limit: float  # seconds of the loop, on its clock
    started: float
    given: float | None = None  # the limit that the user gave
    now: Callable[[], float] = time.perf_counter
    verdict: str = ""  # why it was killed
    warm_seen: float | None = field(default=None)
    loop_seen: float | None = field(default=None)
    done_seen: float | None = field(default=None)
    on_clock: float | None = field(default=None)  # when it was last looked at

    @property
    def folder(self) -> Path:
        """Where the child writes."""
        return Path(self.job.folder)

    def overdue(self) -> str:
        """Return why the child must be killed now; empty while it may go on."""
        now = self.now()
        if self.job.pass_ != "time":
            return self._beyond(f"the {self.job.pass_} pass", now - self.started, PASS_SECONDS)
        beat = read_heartbeat(self.folder / "events")
        if beat is None or beat.phase == SETUP:
            return self._beyond("set-up", now - self.started, SETUP_SECONDS)
        if beat.phase == WARM:
            self.warm_seen = self.warm_seen or now
            cap = min(WARM_UP_SECONDS, self.limit)
            return f"the warm-up took longer than {cap:g} s" if now - self.warm_seen > cap else ""
        self.loop_seen = self.loop_seen or now
        if beat.phase == DONE:
            self.done_seen = self.done_seen or now
            return self._beyond("writing the result", now - self.done_seen, SETUP_SECONDS)
        self.on_clock = beat.seconds + (now - beat.resumed_at if beat.resumed_at else 0.0)
        wall = now - self.loop_seen
        if self.on_clock > self.limit or wall > max(_WALL_FACTOR * self.limit, self.limit + 30.0):
            return f"hard limit of {self.limit:g} s"
        return ""

    def _beyond(self, what: str, seconds: float, cap: float) -> str:
        """Compare with `cap`, or with the limit that the user gave, but leave time for imports and data."""
        if self.given is not None:
            cap = min(cap, max(self.given, LEAST_SECONDS))
        return f"{what} took longer than {cap:g} s" if seconds > cap else ""


def hard_limit(job: Job, limits: Limits) -> float:
    """Return the seconds after which a trial is killed: the suite's limit, else the clocked budget and a second."""
    if limits.seconds is not None:
        return limits.seconds
    budget = job.spec.budget.seconds
    return UNLIMITED_SECONDS if budget is None else budget + _GRACE


def collect(watched: Watched, code: int) -> TrialRecord:
    """Return the record of a child that is gone: its own, or one made of what it left behind."""
    result = _read_json(watched.folder / "result.json")
    wall = {"child": watched.now() - watched.started}
    if result is not None and "record" in result and not watched.verdict:
        record = TrialRecord.from_json(result["record"])
        # The job's own trial: JSON has no infinity, an option may be one.
        return replace(record, spec=watched.job.spec, wall={**record.wall, **wall})
    if watched.verdict:
        ending = {"status": Status.TIMEOUT, "reason": watched.verdict}
    elif result is not None:
        ending = result
    else:
        ending = {**_death(code), "traceback": _said(watched.folder)}
    return _remains(watched, ending, wall)


def died_warming_up(folder: Path) -> bool:
    """Tell whether a child ended before its trial began: in the warm-up."""
    beat = read_heartbeat(folder / "events")
    return beat is not None and beat.phase == WARM


def events(folder: Path) -> Trace:
    """Return the event log that a child left."""
    return read_log(folder / "events")


def facts(folder: Path) -> Facts | None:
    """Return what the child knew of its problem; None where it did not come so far."""
    data = _read_json(folder / "facts.json")
    return None if data is None else Facts.from_json(data)


def _death(code: int) -> dict[str, Any]:
    if code == -signal.SIGKILL:
        return {"status": Status.KILLED, "reason": "SIGKILL, not from optbench: the system may be out of memory"}
    if code < 0:
        return {"status": Status.CRASHED, "reason": signal.Signals(-code).name}
    return {"status": Status.CRASHED, "reason": f"exit code {code} without a result"}


def _said(folder: Path) -> str:
    """Return the end of what the child printed, where faulthandler leaves the stack of a crash."""
    try:
        return (folder / "output").read_text(encoding="utf-8", errors="replace")[-4000:]
    except FileNotFoundError:
        return ""


def _remains(watched: Watched, ending: dict[str, Any], wall: dict[str, float]) -> TrialRecord:
    """Return a record of what the log and the facts say."""
    known = facts(watched.folder)
    trace = events(watched.folder)
    counts, stages = _counts(trace, () if known is None else known.stages)
    kept = {} if known is None else known.to_json()
    for name in ("stochastic", "readout", "judged_otherwise", "stages"):
        kept.pop(name, None)
    return TrialRecord(
        spec=watched.job.spec,
        status=Status(ending["status"]),
        reason=ending.get("reason", "") + _where(known, stages),
        message=ending.get("message", ""),
        traceback=ending.get("traceback", ""),
        counts=counts,
        stages=stages,
        cost=(trace["flops"][-1] or None) if len(trace) else None,
        evaluations=max((counts[kind] for kind in EVALUATED), default=0) if counts else 0,
        seconds=_seconds(watched, trace),
        cpu_seconds=trace["cpu_seconds"][-1] if len(trace) else None,
        wall=wall,
        **kept,
    )


def _where(known: Facts | None, stages: tuple[StageRecord, ...]) -> str:
    """Name the stage in which a trial of several ended, as far as the log tells."""
    return f", in stage {stages[-1].name!r}" if stages and known is not None and len(known.stages) > 1 else ""


def _counts(trace: Trace, facts: tuple[StageFacts, ...]) -> tuple[dict[str, int], tuple[StageRecord, ...]]:
    """Return the counts at the end, and the stages up to the last one that was logged."""
    if not len(trace):
        return {}, ()
    stages = trace["stage"]
    records, before, begins = [], dict.fromkeys(trace.columns, 0.0), 0
    for index in range(int(stages[-1]) + 1):
        ends = bisect_right(stages, index)
        after = {name: trace[name][ends - 1] for name in trace.columns} if ends > begins else before
        records.append(_stage(facts[index] if index < len(facts) else StageFacts(), begins, before, after))
        before, begins = after, ends
    return {name: int(before[column]) for name, column in _COLUMNS.items()}, tuple(records)


def _stage(facts: StageFacts, begins: int, before: Row, after: Row) -> StageRecord:
    """Return a stage by the last rows that were logged before its beginning and before its end."""
    return StageRecord(
        **asdict(facts),
        first_event=begins,
        counts={name: int(after[column] - before[column]) for name, column in _COLUMNS.items()},
        flops=(after["flops"] - before["flops"]) or None,
        seconds=after["seconds"] - before["seconds"],
        cpu_seconds=after["cpu_seconds"] - before["cpu_seconds"],
    )


def _seconds(watched: Watched, trace: Trace) -> float | None:
    """Return the clock at the end: of a hanging trial when it was last seen, else at its last event."""
    if watched.verdict and watched.on_clock is not None:
        return watched.on_clock
    return trace["seconds"][-1] if len(trace) else None


def _read_json(path: Path) -> dict[str, Any] | None:
    try:
        data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return None
    return data
