"""Learning curves from made-up snapshots."""

from __future__ import annotations

import math
from typing import Any

import pytest

from optbench.records import SNAPSHOT_COLUMNS, ReportModel, Status, Trace
from optbench.report import learning_table
from optbench.report.learning import with_learning


def snapshots(examples: list[float], accuracy: list[float], seconds: float = 1.0) -> Trace:
    columns = {name: [0.0] * len(examples) for name in SNAPSHOT_COLUMNS}
    columns |= {"examples": examples, "evaluations": [count / 10 for count in examples]}
    columns |= {"seconds": [seconds * count for count in examples]}
    ones = [1.0] * len(examples)
    return Trace.from_columns({**columns, "test-accuracy": accuracy, "f": ones, "layer-norms.first": ones})


@pytest.fixture
def made(results: Any) -> ReportModel:
    ends = {0: [0.1, 0.5, 0.9], 1: [0.1, 0.6, 0.8], 2: [0.1, 0.7, math.nan]}
    for seed, accuracy in ends.items():
        trace = snapshots([0.0, 10.0, 100.0], accuracy, seconds=seed + 1)
        results.add("x/adam", "x/net", trace, seed=seed, batch_size=10)
    results.add("x/newton", "x/net", snapshots([0.0, 0.0], [0.1, 0.2]), batch_size=10)
    metrics = ("x/test-accuracy", "x/f", "x/layer-norms")
    return with_learning(results.report(), metrics, results.records, results.snapshots.get)


def test_metrics_are_aggregated_at_equal_numbers_of_examples(made: ReportModel) -> None:
    (curve,) = made.learning  # not of the objective, nor by layer, nor of who saw no example
    assert (curve.optimizer, curve.metric) == ("adam", "test-accuracy")
    assert (curve.examples[0], curve.examples[-1]) == (10.0, 100.0)
    assert (curve.median[0], curve.low[0], curve.high[0]) == (0.6, 0.52, 0.68)
    assert curve.median[-1] == pytest.approx(0.85)  # of the two that did not diverge


@pytest.mark.parametrize("examples", [[1.0], [0.0, 0.0, 1.0]])
def test_one_snapshot_that_saw_one_example_is_enough_for_a_curve(results: Any, examples: list[float]) -> None:
    results.add("x/adam", "x/net", snapshots(examples, [0.5] * len(examples)), batch_size=1)
    model = with_learning(results.report(), ("x/test-accuracy",), results.records, results.snapshots.get)
    assert [(curve.examples[0], curve.median[-1]) for curve in model.learning] == [(1.0, 0.5)]


def test_seconds_are_the_median_at_those_examples(made: ReportModel) -> None:
    assert made.learning[0].seconds[0] == 20.0
    assert made.learning[0].seconds[-1] == 200.0


def test_learning_curves_round_trip_through_json(made: ReportModel) -> None:
    assert ReportModel.from_json(made.to_json()).learning == made.learning


def test_a_table_tells_where_each_metric_ended_and_how_many_failed(results: Any) -> None:
    for seed, status in enumerate((Status.BUDGET, Status.BUDGET, Status.DIVERGED)):
        for name, end in (("x/adam", 0.8), ("x/sgd", 0.5)):
            failed = status is Status.DIVERGED and name == "x/sgd"
            trace = snapshots([0.0, 10.0, 100.0], [0.1, 0.2, end + seed / 10])
            kind = {"status": status} if failed else {}
            results.add(name, "x/net", trace, seed=seed, batch_size=10, **kind)
    model = with_learning(results.report(), ("x/test-accuracy",), results.records, results.snapshots.get)
    table = learning_table(model)
    assert [column.header for column in table.columns] == ["problem", "optimizer", "test-accuracy", "failed"]
    rows = list(zip(*([str(cell) for cell in column.cells] for column in table.columns), strict=True))
    assert rows == [("net", "adam", "0.9", ""), ("net", "sgd", "0.6", "1")]
    assert "they count up to where they did" in str(table.caption)
