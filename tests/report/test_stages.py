"""What stages cost, and two results where something comes before the task, from made-up trials."""

from __future__ import annotations

import math
from typing import Any

import pytest

from optbench.records import SNAPSHOT_COLUMNS, ReportModel, StageRecord, Trace
from optbench.report import stages_table, two_results_table, with_stages


def snapshots(flops: list[float], accuracy: list[float], f: list[float] | None = None) -> Trace:
    columns = {name: [0.0] * len(flops) for name in SNAPSHOT_COLUMNS}
    columns |= {"flops": flops, "examples": flops, "evaluations": flops}
    return Trace.from_columns({**columns, "x/test-accuracy": accuracy, "f": f or [1.0] * len(flops)})


def stage(name: str, spent: int, **fields: Any) -> StageRecord:
    counts = {"gradient": spent, "examples": 10 * spent}
    return StageRecord(name=name, counts=counts, flops=100.0 * spent, seconds=float(spent), **fields)


@pytest.fixture
def made(results: Any) -> ReportModel:
    for seed, value in ((0, 0.5), (1, 0.3), (2, 0.4)):
        stages = (stage("teacher", 4, prior=True, on_curve=False, value=value), stage("main", 6))
        trace = snapshots([400.0, 1000.0], [0.1, 0.9])
        metrics = {"x/test-accuracy": 0.9}
        results.add("x/sgd", "x/net", trace, meta=["x/hints"], seed=seed, batch_size=5, stages=stages, metrics=metrics)
        plain = snapshots([0.0, 590.0, 610.0, 990.0], [0.0, 0.6, 0.7, 0.8])
        results.add("x/sgd", "x/net", plain, seed=seed, batch_size=5, stages=(stage("main", 10),))
    metrics = ("x/f", "x/train-loss", "x/test-accuracy")
    return with_stages(results.report(), metrics, results.records, results.snapshots.get)


def test_stages_have_medians_and_what_was_spent_before_them(made: ReportModel) -> None:
    teacher, main = made.stages  # a recipe of one stage has no row
    assert (teacher.name, teacher.prior, teacher.on_curve, teacher.trials) == ("teacher", True, False, 3)
    assert (teacher.evaluations, teacher.examples, teacher.flops, teacher.seconds) == (4.0, 40.0, 400.0, 4.0)
    assert teacher.value == 0.4
    assert teacher.begins == {"evaluations": 0.0, "examples": 0.0, "flops": 0.0, "seconds": 0.0}
    assert main.begins == {"evaluations": 4.0, "examples": 40.0, "flops": 400.0, "seconds": 4.0}


def test_the_baseline_is_read_off_at_the_cost_of_the_task_and_at_the_whole_cost(made: ReportModel) -> None:
    (both,) = made.two_results
    assert (both.metric, both.axis, both.score) == ("test-accuracy", "flops", 0.9)
    assert (both.task, both.total, both.task_seconds, both.total_seconds) == (600.0, 1000.0, 6.0, 10.0)
    expressions = {item.id: item.expression for item in made.optimizers}
    assert expressions[both.baseline] == "x/sgd"
    assert (both.baseline_at_task, both.baseline_at_total) == (0.6, 0.8)


def test_without_the_same_recipe_less_one_there_is_no_baseline(results: Any) -> None:
    stages = (stage("teacher", 4, prior=True, on_curve=False), stage("main", 6))
    results.add("x/sgd", "x/net", snapshots([400.0], [0.5]), meta=["x/hints"], batch_size=5, stages=stages)
    results.add("x/adam", "x/net", snapshots([400.0], [0.5]), batch_size=5, stages=(stage("main", 4),))
    (both,) = with_stages(results.report(), (), results.records, results.snapshots.get).two_results

    assert (both.metric, both.baseline, both.baseline_at_task) == ("f", "", None)


def test_a_stage_that_some_trials_never_came_to_counts_those_that_did(results: Any) -> None:
    results.add("x/sgd", "x/net", meta=["x/path"], seed=0, stages=(stage("l2=1", 4), stage("main", 6)))
    results.add("x/sgd", "x/net", meta=["x/path"], seed=1, stages=(stage("l2=1", 4),))
    model = with_stages(results.report(), (), results.records, results.snapshots.get)

    assert [(cell.name, cell.trials) for cell in model.stages] == [("l2=1", 2), ("main", 1)]
    assert model.two_results == ()


def test_a_terminal_shows_the_first_stages_of_many_and_says_how_many_are_left_out(results: Any) -> None:
    stages = tuple(stage(f"l2={number}", 4, on_curve=False) for number in range(70))
    results.add("x/sgd", "x/net", meta=["x/path"], stages=stages)
    table = stages_table(with_stages(results.report(), (), results.records, results.snapshots.get))

    assert table.row_count == 60
    assert "10 more stages" in str(table.caption)


def test_they_round_trip_through_json_and_have_tables(made: ReportModel) -> None:
    back = ReportModel.from_json(made.to_json())
    assert (back.stages, back.two_results) == (made.stages, made.two_results)
    assert stages_table(made).row_count == 2
    table = two_results_table(made)
    cells = [list(column.cells) for column in table.columns]
    cells = [[str(cell) for cell in column] for column in cells]
    assert (cells[2], cells[5], cells[6]) == (["task alone", "whole"], ["0.6", "0.8"], ["600", "1000"])


def test_counts_of_a_stage_are_whole_with_their_thousands_and_times_have_units(results: Any) -> None:
    stages = (stage("teacher", 4321, on_curve=False), stage("main", 12345))
    results.add("x/sgd", "x/net", meta=["x/hints"], stages=stages)
    table = stages_table(with_stages(results.report(), (), results.records, results.snapshots.get))
    shown = {column.header: [str(cell) for cell in column.cells] for column in table.columns}
    assert (shown["evaluations"], shown["examples"]) == (["4,321", "12,345"], ["43,210", "123,450"])
    assert (shown["FLOPs"][0], shown["time"][0]) == ("4.321e+05", "4321 s")


def two_results(results: Any) -> Any:
    model = with_stages(results.report(), (), results.records, results.snapshots.get)
    names = {item.id: item.expression for item in model.optimizers}
    return [(names.get(both.baseline), both.baseline_at_task, both.baseline_at_total) for both in model.two_results]


PRIOR = (stage("teacher", 4, prior=True, on_curve=False), stage("main", 6))


def test_what_has_something_before_its_task_itself_is_no_baseline(results: Any) -> None:
    results.add("x/sgd", "x/net", snapshots([400.0], [0.5]), meta=["x/hints", "x/transfer"], stages=PRIOR)
    results.add("x/sgd", "x/net", snapshots([400.0], [0.5]), meta=["x/hints"], stages=PRIOR)
    assert two_results(results) == [(None, None, None)] * 2


def test_a_baseline_ran_on_the_same_problem(results: Any) -> None:
    results.add("x/sgd", "x/net", snapshots([400.0], [0.5]), meta=["x/hints"], stages=PRIOR)
    results.add("x/sgd", "x/other", snapshots([400.0], [0.5]), stages=(stage("main", 10),))
    assert two_results(results) == [(None, None, None)]


def test_a_baseline_is_read_off_where_its_metric_is_a_number(results: Any) -> None:
    trace = snapshots([300.0, 500.0, 900.0], [0.0, 0.0, 0.0], f=[3.0, math.nan, 1.0])
    results.add("x/sgd", "x/net", snapshots([400.0], [0.5]), meta=["x/hints"], stages=PRIOR)
    results.add("x/sgd", "x/net", trace, stages=(stage("main", 10),))
    assert two_results(results) == [("x/sgd", 3.0, 1.0)]
