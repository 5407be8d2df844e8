"""Trials and their records: identity, round trips through JSON, the row that users see."""

from __future__ import annotations

import dataclasses
import json
import math

import pytest

from optbench.records import (
    Budget,
    Component,
    StageRecord,
    Status,
    Trace,
    TrialRecord,
    TrialSpec,
    account,
    canonical_json,
    content_hash,
)
from optbench.records.canonical import plain

SPEC = TrialSpec(
    problem=Component(name="p/bowl", options={"n": 10, "scale": 0.5}),
    optimizer=Component(name="o/descent", options={"lr": 0.1, "betas": [0.9, 0.999]}),
    meta_algorithms=(Component(name="m/mean", options={}),),
    seed=3,
    budget=Budget(evaluations=100, targets=("relative:1e-08",)),
)


def record(**fields) -> TrialRecord:
    return TrialRecord(spec=SPEC, status=Status.BUDGET, **fields)


def test_a_trial_round_trips_through_json_with_its_identity():
    again = TrialSpec.from_json(json.loads(json.dumps(SPEC.to_json())))

    assert again == dataclasses.replace(again)
    assert again.id == SPEC.id


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 4},
        {"device": "cuda"},
        {"dtype": "float32"},
        {"threads": 2},
        {"repetition": 1},
        {"budget": Budget(evaluations=101)},
    ],
)
def test_whatever_changes_what_is_measured_changes_the_identity(change):
    assert dataclasses.replace(SPEC, **change).id != SPEC.id


def test_numbers_have_one_spelling():
    spelt = dataclasses.replace(SPEC, problem=Component(name="p/bowl", options={"scale": 0.5, "n": 10.0}))

    assert spelt.id == SPEC.id
    assert canonical_json({"b": 1.0, "a": (1, 2)}) == '{"a":[1,2],"b":1}'
    assert content_hash({"x": 1e3}) == content_hash({"x": 1000})


def test_plain_data_of_a_record_are_what_the_standard_library_makes_of_it():
    record = TrialRecord(
        spec=SPEC, status=Status.OK, counts={"value": 3}, stages=(StageRecord(counts={"value": 3}),), unreliable=("a",)
    )

    assert plain(record) == dataclasses.asdict(record)
    assert plain(record)["counts"] is not record.counts


def test_the_memory_pass_is_shared_by_seeds_and_budgets_but_not_by_dtypes():
    other = dataclasses.replace(SPEC, seed=9, repetition=2, budget=Budget(evaluations=7))

    assert other.memory_id == SPEC.memory_id
    assert dataclasses.replace(SPEC, dtype="float32").memory_id != SPEC.memory_id


def test_a_record_round_trips_through_json():
    full = record(
        f0=2.0,
        counts={"value": 3},
        stages=(StageRecord(name="teacher", counts={"value": 3}, flops=6.0),),
        unreliable=("noisy",),
        metrics={"f": None},
    )

    assert TrialRecord.from_json(json.loads(json.dumps(full.to_json()))).to_json() == full.to_json()


def test_relative_accuracy_is_measured_from_where_descent_ends():
    assert record(f0=10.0, f_best=1.0, f_star=0.0).relative_accuracy == 0.1
    assert record(f0=10.0, f_best=6.0, f_star=0.0, f_star_from_start=5.0).relative_accuracy == 0.2
    assert record(f0=10.0, f_best=6.0).relative_accuracy is None
    assert record(f0=0.0, f_best=0.0, f_star=0.0).relative_accuracy is None


def test_the_row_has_every_field_that_the_design_names():
    row = record().to_row()

    named = """id problem optimizer problem_options options meta_algorithms size batch_size seed repetition device dtype
    status reason message f0 f_best f_star f_star_source relative_accuracy counts stage_counts evaluations
    evaluations_to_target cost seconds cpu_seconds state_bytes peak_live_bytes peak_process_bytes unreliable metrics"""
    assert set(named.split()) <= set(row)
    assert (row["problem"], row["optimizer"]) == ("p/bowl", "o/descent")
    assert row["meta_algorithms"] == [{"name": "m/mean", "options": {}}]


def test_a_trace_round_trips_through_bytes_bit_by_bit():
    trace = Trace.from_columns({"step": [0.0, 1.0, 2.0], "value": [math.pi, math.nan, -0.0]})

    again = Trace.decode(trace.columns, trace.encode())

    assert [column.tobytes() for column in again.data] == [column.tobytes() for column in trace.data]
    assert again.to_json() == {"columns": ["step", "value"], "rows": [[0.0, math.pi], [1.0, None], [2.0, -0.0]]}


def test_a_budget_without_flops_leaves_a_trial_s_hash_as_it_was():
    assert "flops" not in SPEC.to_json()["budget"]
    limited = dataclasses.replace(SPEC, budget=Budget(flops=1e9))
    assert limited.id != SPEC.id
    assert TrialSpec.from_json(json.loads(json.dumps(limited.to_json()))) == limited
    assert limited.budget.in_words == "1e+09 model FLOPs"


def test_the_task_s_own_costs_are_told_without_what_came_before_it():
    teacher = StageRecord(name="teacher", prior=True, counts={"gradient": 5, "examples": 50}, flops=500.0, seconds=2.0)
    student = StageRecord(counts={"value": 9, "gradient": 7, "examples": 70}, flops=70.0, seconds=1.0)

    row = record(stages=(teacher, student)).to_row()
    assert row["target_task"] == {"evaluations": 9, "examples": 70, "flops": 70.0, "seconds": 1.0}
    assert [stage["name"] for stage in row["stages"]] == ["teacher", "main"]
    assert row["stage_counts"] == [teacher.counts, student.counts]
    assert record(stages=(student,)).to_row()["target_task"] is None


def test_a_record_stored_before_stages_had_names_can_be_read():
    old = record(counts={"value": 3}).to_json()
    del old["stages"]
    read = TrialRecord.from_json({**old, "stage_counts": [{"value": 1}, {"value": 2}], "curve_stages": [1]})

    assert (read.stage_counts, read.curve_stages) == (({"value": 1}, {"value": 2}), (1,))


def test_what_one_stage_does_not_know_its_sum_does_not_know_either():
    known, unknown = StageRecord(flops=3.0, seconds=2.0), StageRecord(flops=None, seconds=1.0)
    assert (account((known, known), ()).flops, account((known, unknown), ()).flops) == (6.0, None)
    assert account((known, unknown), ()).seconds == 3.0
