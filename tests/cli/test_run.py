"""`run` says what is known of a trial, and which of it not to believe."""

from __future__ import annotations

from dataclasses import replace

from optbench.cli.run import facts
from optbench.records import Component, Status, TrialRecord, TrialSpec

RECORD = TrialRecord(
    spec=TrialSpec(problem=Component(name="x/p"), optimizer=Component(name="x/a")),
    status=Status.OK,
    seconds=0.25,
    f_best=1.5,
)


def test_a_time_in_doubt_is_marked_and_each_reason_has_a_line() -> None:
    reasons = ("load: 3 processes on 2 processors", "drift: the machine was slower")
    *_, first, second = lines = list(facts(replace(RECORD, unreliable=reasons)))
    (seconds,) = [line.split() for line in lines if line.startswith("seconds")]
    assert seconds == ["seconds", "0.25†"]
    assert (first, second) == tuple(f"† {reason}" for reason in reasons)


def test_metrics_that_failed_cast_no_doubt_on_times() -> None:
    lines = list(facts(replace(RECORD, unreliable=("metrics: error: no room",))))
    assert "† " not in " ".join(lines)
    assert any(line.split() == ["seconds", "0.25"] for line in lines)
    assert lines[-1] == "• metrics: error: no room"


def test_what_is_not_known_is_left_out() -> None:
    assert [line.split()[0] for line in facts(RECORD)] == ["status", "f_best", "seconds"]
