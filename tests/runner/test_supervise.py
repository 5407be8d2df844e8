"""What is left of a trial whose child is gone."""

from __future__ import annotations

from pathlib import Path

from optbench.measure.event_log import EventLog
from optbench.records import EVENT_COLUMNS, Component, Facts, Job, StageFacts, Status, TrialSpec
from optbench.runner.child import write_json
from optbench.runner.supervise import Watched, collect

FACTS = Facts(
    size=1,
    batch_size=None,
    stochastic=False,
    readout=False,
    stages=(StageFacts(name="teacher", on_curve=False, prior=True), StageFacts(name="hint"), StageFacts()),
    f0=1.0,
    f_star=None,
    f_star_source="",
    f_star_from_start=None,
)


def test_a_killed_trial_keeps_its_stages_with_their_names_and_tells_in_which_it_was(tmp_path: Path) -> None:
    write_json(tmp_path / "facts.json", FACTS.to_json())
    log = EventLog(tmp_path / "events", capacity=10)
    for stage, count in ((0, 1), (0, 2), (2, 3), (2, 4), (2, 5)):
        row = {"stage": stage, "step": count, "gradient_count": count, "flops": 7.0 * count, "seconds": 2.0 * count}
        log.append(tuple(float(row.get(name, 0.0)) for name in EVENT_COLUMNS))
    log.beat(10.0, 0.0)
    spec = TrialSpec(problem=Component(name="x/p"), optimizer=Component(name="x/o"))
    job = Job(spec=spec, pass_="time", problem_factory="", optimizer_factory="", folder=str(tmp_path))

    record = collect(Watched(job, 0, 1.0, 0.0, now=lambda: 1.0, verdict="hard limit of 1 s"), -9)

    assert (record.status, record.reason) == (Status.TIMEOUT, "hard limit of 1 s, in stage 'main'")
    assert [(stage.name, stage.first_event, stage.flops, stage.seconds) for stage in record.stages] == [
        ("teacher", 0, 14.0, 4.0),
        ("hint", 2, None, 0.0),  # nothing was logged of it
        ("main", 2, 21.0, 6.0),
    ]
    assert [counts["gradient"] for counts in record.stage_counts] == [2, 0, 3]
    assert record.curve_stages == (1, 2)
    task = record.target_task
    assert task is not None
    assert (task.evaluations, task.seconds) == (3, 6.0)


def test_what_is_left_without_facts_is_told_all_the_same(tmp_path: Path) -> None:
    spec = TrialSpec(problem=Component(name="x/p"), optimizer=Component(name="x/o"))
    job = Job(spec=spec, pass_="time", problem_factory="", optimizer_factory="", folder=str(tmp_path))
    record = collect(Watched(job, 0, 1.0, 0.0, now=lambda: 1.0, verdict="set-up took longer than 1 s"), -9)

    assert (record.reason, record.stages, record.evaluations) == ("set-up took longer than 1 s", (), 0)
