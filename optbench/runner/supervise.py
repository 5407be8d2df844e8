"""Watches one running child: hard limits while it runs, its result or what is left of it afterwards."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from optbench.measure.event_log import DONE, LOOP, read_heartbeat, read_log
from optbench.records import Facts, Job, Limits, Status, Trace, TrialRecord

SETUP_SECONDS = 120.0  # building a problem or writing a result may take so long
METRICS_SECONDS = 300.0
MEMORY_SECONDS = 60.0  # the pass itself stops after 10 s; one step may be long
UNLIMITED_SECONDS = 3600.0  # where neither the budget nor the limits speak of seconds
_GRACE = 1.0  # between the clocked budget, which the oracle checks, and the hard limit
_WALL_FACTOR = 5.0  # pauses of the clock may take so many times the limit


@dataclass
class Watched:
    """A child that runs."""

    job: Job
    handle: int
    limit: float  # seconds of the loop, on its clock
    started: float
    now: Callable[[], float] = time.perf_counter
    verdict: str = ""  # why it was killed
    loop_seen: float | None = field(default=None)

    @property
    def folder(self) -> Path:
        """Where the child writes."""
        return Path(self.job.folder)

    def overdue(self) -> str:
        """Return why the child must be killed now; empty while it may go on."""
        now = self.now()
        if self.job.pass_ != "time":
            cap = METRICS_SECONDS if self.job.pass_ == "metrics" else max(MEMORY_SECONDS, self.limit)
            return f"the {self.job.pass_} pass took longer than {cap:g} s" if now - self.started > cap else ""
        beat = read_heartbeat(self.folder / "events")
        if beat is None or beat.phase != LOOP:
            began = self.loop_seen if beat is not None and beat.phase == DONE and self.loop_seen else self.started
            waited = now - began - (self.limit if beat is not None and beat.phase == DONE else 0.0)
            return f"set-up took longer than {SETUP_SECONDS:g} s" if waited > SETUP_SECONDS else ""
        self.loop_seen = self.loop_seen or now
        on_clock = beat.seconds + (now - beat.resumed_at if beat.resumed_at else 0.0)
        wall = now - self.loop_seen
        if on_clock > self.limit or wall > max(_WALL_FACTOR * self.limit, self.limit + 30.0):
            return f"hard limit of {self.limit:g} s"
        return ""


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
        return _with(record, wall={**record.wall, **wall})
    if watched.verdict:
        ending = {"status": Status.TIMEOUT, "reason": watched.verdict}
    elif result is not None:
        ending = result
    else:
        ending = _death(code)
    return _remains(watched, ending, wall)


def events(folder: Path) -> Trace:
    """Return the event log that a child left."""
    return read_log(folder / "events")


def facts(folder: Path) -> Facts | None:
    """Return what the child knew of its problem; None where it did not come so far."""
    data = _read_json(folder / "facts.json")
    return None if data is None else Facts(**data)


def _death(code: int) -> dict[str, Any]:
    if code == -signal.SIGKILL:
        return {"status": Status.KILLED, "reason": "SIGKILL, not from optbench: the system may be out of memory"}
    if code < 0:
        return {"status": Status.CRASHED, "reason": signal.Signals(-code).name}
    return {"status": Status.CRASHED, "reason": f"exit code {code} without a result"}


def _remains(watched: Watched, ending: dict[str, Any], wall: dict[str, float]) -> TrialRecord:
    """Return a record of what the log and the facts say."""
    known = facts(watched.folder)
    trace = events(watched.folder)
    counts = {}
    if len(trace):
        kinds = ("value", "gradient", "hessian_vector", "hessian")
        counts = {kind: int(trace[f"{kind}_count"][-1]) for kind in kinds}
        counts |= {
            "residuals": 0,
            "jacobian": 0,
            "examples": int(trace["examples"][-1]),
            "steps": int(trace["step"][-1]),
        }
    kept = {} if known is None else known.to_json()
    for name in ("stochastic", "readout"):
        kept.pop(name, None)
    return TrialRecord(
        spec=watched.job.spec,
        status=Status(ending["status"]),
        reason=ending.get("reason", ""),
        message=ending.get("message", ""),
        traceback=ending.get("traceback", ""),
        counts=counts,
        stage_counts=(counts,) if counts else (),
        evaluations=max((counts[kind] for kind in ("value", "gradient", "hessian_vector", "hessian")), default=0)
        if counts
        else 0,
        seconds=trace["seconds"][-1] if len(trace) else None,
        cpu_seconds=trace["cpu_seconds"][-1] if len(trace) else None,
        wall=wall,
        **kept,
    )


def _read_json(path: Path) -> dict[str, Any] | None:
    try:
        data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return None
    return data


def _with(record: TrialRecord, **changes: Any) -> TrialRecord:
    from dataclasses import replace

    return replace(record, **changes)
