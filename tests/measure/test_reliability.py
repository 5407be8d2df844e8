"""Times are marked unreliable under load, drift, overhead and spread, with the figure; and not otherwise."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from optbench.measure.reliability import TOLERANCES, Tolerances, doubts, kinds, with_spread
from optbench.records import CONDITIONS, Component, Status, TrialRecord, TrialSpec

CALM = {
    "load": 1.2,
    "cores": 2.0,
    "preemptions": 0.0,
    "waiting": 0.02,
    "reference_before": 1.00e-3,
    "reference_after": 1.05e-3,
    "reference_baseline": 0.99e-3,
    "harness": 10e-6,
    "bias": 1e-6,
    "warm": 1.0,
}


def record(*, seconds: float = 1.0, cpu: float = 0.99, steps: int = 1000, **conditions: float | None) -> TrialRecord:
    spec = TrialSpec(problem=Component(name="x/bowl"), optimizer=Component(name="x/descent"))
    counts = {"steps": steps}
    seen = {**CALM, **conditions}
    return TrialRecord(spec=spec, status=Status.OK, seconds=seconds, cpu_seconds=cpu, counts=counts, conditions=seen)


def test_the_conditions_of_a_calm_machine_are_those_that_records_document():
    assert tuple(CALM) == CONDITIONS


def test_a_calm_machine_raises_no_doubt():
    assert doubts(record()) == ()


@pytest.mark.parametrize(
    ("case", "kind", "figure"),
    [
        (record(load=5.0), "load", "5.0 processes on 2 processors"),
        (record(waiting=0.3), "load", "waited for a processor for 30 %"),
        (record(reference_after=1.3e-3), "drift", "31 % slower"),
        (record(reference_before=1.3e-3), "drift", "31 % slower"),
        (record(seconds=0.01, cpu=0.01), "overhead", "1.0 µs an evaluation are 10 %"),
    ],
)
def test_each_disturbance_is_told_with_its_figure_and_what_to_do(case: TrialRecord, kind: str, figure: str):
    (reason,) = doubts(case)

    assert reason.startswith(f"{kind}: ")
    assert figure in reason
    assert "; " in reason


@pytest.mark.parametrize(
    "case",
    [
        record(load=2.0),  # this trial and another process: each has a processor
        record(load=None),
        record(cpu=0.5, preemptions=9.0),  # it waited of its own will
        record(waiting=0.09, preemptions=9.0),
        record(waiting=None),
        record(reference_after=1.08e-3),
        record(reference_before=0.8e-3),  # faster than anything before: not a slow machine
        record(seconds=0.021, cpu=0.021),
        record(reference_before=None, reference_after=None),
    ],
)
def test_what_stays_within_the_tolerances_raises_none(case: TrialRecord):
    assert doubts(case) == ()


def test_a_record_without_conditions_or_time_is_not_judged():
    assert doubts(dataclasses.replace(record(load=9.0), conditions={})) == ()
    assert doubts(dataclasses.replace(record(load=9.0), seconds=None)) == ()


def test_tolerances_can_be_given():
    assert kinds(doubts(record(), Tolerances(drift=0.01))) == {"drift"}


def repeated(*seconds: float | None) -> list[TrialRecord]:
    base = record()
    return [
        dataclasses.replace(base, seconds=value, spec=dataclasses.replace(base.spec, repetition=index))
        for index, value in enumerate(seconds)
    ]


def test_repetitions_that_lie_apart_are_all_marked_with_their_spread():
    marked = with_spread(repeated(1.0, 1.0, 1.5, 1.6))

    assert all("spread: the times of 4 repetitions lie" in item.unreliable[-1] for item in marked)


@pytest.mark.parametrize("seconds", [(1.0,), (1.0, 1.05), (1.0, 1.01, 1.02, 1.03, 9.0), (None, None)])
def test_repetitions_that_agree_are_not_marked(seconds: Any):
    assert all(item.unreliable == () for item in with_spread(repeated(*seconds)))


def test_other_trials_do_not_count_as_repetitions():
    first, second = repeated(1.0, 3.0)
    other = dataclasses.replace(second, spec=dataclasses.replace(first.spec, seed=1))

    assert with_spread([first, other]) == [first, other]
    assert TOLERANCES.spread < 2.0


def test_the_harness_costs_its_bias_at_each_evaluation_also_where_a_solver_reports_no_steps():
    own_loop = dataclasses.replace(record(steps=0), evaluations=100_000)

    assert kinds(doubts(own_loop)) == {"overhead"}
