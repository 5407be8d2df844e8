"""Costs to targets against traces worked out by hand."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import pytest

from optbench.measure.targets import Judged, TargetFinder, best_value, value_threshold
from optbench.records import EVENT_COLUMNS, Facts, StageFacts, Trace

NAN = math.nan
FACTS = Facts(
    size=1,
    batch_size=None,
    stochastic=False,
    readout=False,
    f0=10.0,
    f_star=0.0,
    f_star_source="exact",
    f_star_from_start=None,
)
NOISY = dataclasses.replace(FACTS, stochastic=True)
NOTHING = Trace.from_rows(EVENT_COLUMNS, b"", 0)


def log(values: Sequence[float], **columns: Sequence[float]) -> Trace:
    """Return an event log: a value and a gradient an event, a second each; `columns` replace."""
    rows = {name: [0.0] * len(values) for name in EVENT_COLUMNS}
    counts = [1.0 + index for index in range(len(values))]
    rows |= {"value_count": counts, "gradient_count": counts, "seconds": counts, "value": list(values)}
    rows |= {"gradient_norm": [NAN] * len(values), **{name: list(column) for name, column in columns.items()}}
    return Trace.from_columns(rows)


def snapshots(values: Sequence[float], column: str = "f", **columns: Sequence[float]) -> Trace:
    """Return snapshots ten evaluations and a second apart."""
    indices = range(len(values))
    rows = {"evaluations": [10.0 * index for index in indices], "seconds": [1.0 * index for index in indices]}
    return Trace.from_columns(rows | {column: list(values)} | {name: list(item) for name, item in columns.items()})


def costs_to_targets(
    targets: Sequence[str], judged: Judged, events: Trace, snapshots: Trace | None, *, settled: bool = False
) -> tuple[dict[str, float | None], dict[str, float | None]]:
    """Return evaluations and seconds to each target."""
    finder = TargetFinder(judged, events, snapshots, settled=settled)
    return {name: finder.evaluations(name) for name in targets}, {name: finder.seconds(name) for name in targets}


def at_snapshots(values: Sequence[float], target: str = "relative:1e-01", *, settled: bool = False) -> float | None:
    return costs_to_targets((target,), NOISY, NOTHING, snapshots(values), settled=settled)[0][target]


# ---- deterministic problems: the event log


def test_the_first_event_at_or_below_the_threshold_reaches_the_target() -> None:
    events = log([10.0, 1.0, 0.05], gradient_count=[1, 2, 5], seconds=[0.5, 1.0, 2.0], gradient_norm=[4.0, 2.0, 0.5])
    targets = ("relative:1e-01", "relative:1e-02", "relative:1e-03", "gradient:1e+00")

    evaluations, seconds = costs_to_targets(targets, FACTS, events, None)

    assert evaluations == {"relative:1e-01": 2.0, "relative:1e-02": 5.0, "relative:1e-03": None, "gradient:1e+00": 5.0}
    assert seconds == {"relative:1e-01": 1.0, "relative:1e-02": 2.0, "relative:1e-03": None, "gradient:1e+00": 2.0}


def test_one_event_is_enough_wherever_it_stands() -> None:
    """The best point counts: that later values are worse takes nothing back."""
    assert costs_to_targets(("relative:1e-01",), FACTS, log([1.0, 9.0]), None)[0] == {"relative:1e-01": 1.0}
    assert costs_to_targets(("relative:1e-01",), FACTS, log([9.0, 9.0, 0.5]), None)[0] == {"relative:1e-01": 3.0}


def test_events_without_a_value_reach_nothing_and_hide_nothing() -> None:
    assert costs_to_targets(("relative:1e-01",), FACTS, log([NAN, 9.0, NAN, 0.5]), None)[0] == {"relative:1e-01": 4.0}


def test_residuals_and_jacobians_are_evaluations_too() -> None:
    events = log([9.0, 0.5], value_count=[0, 0], gradient_count=[0, 0], residuals_count=[1, 3], jacobian_count=[1, 2])
    assert costs_to_targets(("relative:1e-01",), FACTS, events, None)[0] == {"relative:1e-01": 3.0}


def test_values_of_another_stages_objective_reach_nothing() -> None:
    facts = dataclasses.replace(FACTS, stages=(StageFacts(on_curve=False), StageFacts()))
    events = log([0.0, 9.0, 0.5], stage=[0, 1, 1])

    assert costs_to_targets(("relative:1e-01",), facts, events, None)[0] == {"relative:1e-01": 3.0}
    assert best_value(facts, events, None) == 0.5


def test_where_descent_ends_elsewhere_targets_are_measured_from_there() -> None:
    facts = dataclasses.replace(FACTS, f_star_from_start=5.0)
    assert costs_to_targets(("relative:1e-01",), facts, log([10.0, 5.6, 5.5]), None)[0] == {"relative:1e-01": 3.0}


@pytest.mark.parametrize(("f_star", "level"), [(0.5, 0.51), (-200.0, -198.0), (0.0, 0.01)])
def test_absolute_accuracy_is_relative_to_a_large_minimum(f_star: float, level: float) -> None:
    facts = dataclasses.replace(FACTS, f_star=f_star)
    assert value_threshold("absolute:1e-02", facts) == pytest.approx(level)


@pytest.mark.parametrize(("f0", "f_star"), [(-1.0, 0.0), (None, 0.0), (1.0, None)])
def test_no_relative_accuracy_without_a_start_above_the_minimum(f0: float | None, f_star: float | None) -> None:
    facts = dataclasses.replace(FACTS, f0=f0, f_star=f_star)
    assert costs_to_targets(("relative:1e-01",), facts, log([-5.0]), None)[0] == {"relative:1e-01": None}


# ---- problems that are scored at snapshots


def test_at_snapshots_a_target_needs_two_consecutive_hits_and_is_interpolated() -> None:
    trace = snapshots([10.0, 0.5, 6.0, 0.0, 0.5])

    evaluations, seconds = costs_to_targets(("relative:1e-01",), NOISY, NOTHING, trace)

    assert evaluations["relative:1e-01"] == pytest.approx(20 + 10 * (6.0 - 1.0) / 6.0)
    assert seconds["relative:1e-01"] == pytest.approx(2 + 5 / 6)


def test_seconds_are_those_at_the_interpolated_count_not_where_the_value_would_stand_in_time() -> None:
    """The value falls from 2 to 0 over the counts 10 to 20: it is at 1 at count 15, when three of six seconds are gone.

    Interpolated over time through all points, with a slow second half, it would be another moment.
    """
    trace = Trace.from_columns(
        {"evaluations": [10.0, 20.0, 30.0], "seconds": [4.0, 10.0, 11.0], "f": [2.0, 0.0, 0.0], "examples": [0, 8, 16]}
    )
    finder = TargetFinder(NOISY, NOTHING, trace)

    assert finder.evaluations("relative:1e-01") == 15.0
    assert finder.seconds("relative:1e-01") == 7.0
    assert finder.weighted_cost("relative:1e-01", {"examples": 2.0}) == 8.0


def test_a_hit_at_the_first_snapshot_costs_what_had_been_spent_by_then() -> None:
    assert at_snapshots([0.5, 0.7, 8.0]) == 0.0
    assert at_snapshots([0.5, 8.0, 8.0]) is None


def test_one_hit_at_the_last_snapshot_counts_only_where_the_trial_would_stay_there() -> None:
    assert at_snapshots([10.0, 5.0, 0.0]) is None
    assert at_snapshots([10.0, 5.0, 0.0], settled=True) == pytest.approx(18.0)
    assert at_snapshots([10.0, 0.0, 5.0], settled=True) is None


def test_the_last_step_taken_twice_is_one_snapshot() -> None:
    """It may be due and the last: that is no second hit."""
    trace = snapshots([10.0, 5.0, 0.0, 0.0], evaluations=[0, 10, 20, 20])
    assert costs_to_targets(("relative:1e-01",), NOISY, NOTHING, trace)[0] == {"relative:1e-01": None}


def test_the_first_lasting_hit_counts() -> None:
    assert at_snapshots([10.0, 0.0, 0.0, 5.0, 0.0, 0.0]) == pytest.approx(9.0)


def test_a_value_at_the_threshold_is_a_hit() -> None:
    assert at_snapshots([10.0, 1.0, 1.0]) == 10.0
    reached = costs_to_targets(("accuracy>=1",), NOISY, NOTHING, snapshots([0.0, 1.0, 1.0], column="accuracy"))
    assert reached[0] == {"accuracy>=1": 10.0}


def test_a_snapshot_without_a_value_is_no_hit_and_nothing_to_interpolate_from() -> None:
    assert at_snapshots([10.0, 0.5, NAN, 0.5, 0.5]) == 30.0
    assert at_snapshots([10.0, 0.5, NAN, 0.5]) is None
    assert at_snapshots([math.inf, 0.5, 0.5]) == 10.0
    assert at_snapshots([10.0, -math.inf, -math.inf]) is None


def test_a_gradient_target_reads_the_full_gradient_at_snapshots() -> None:
    trace = snapshots([4.0, 2.0, 0.0, 0.0], column="gradient-norm")
    assert costs_to_targets(("gradient:1e+00",), NOISY, NOTHING, trace)[0] == {"gradient:1e+00": 15.0}


@pytest.mark.parametrize("trace", [None, snapshots([]), snapshots([0.0, 0.0], column="train-loss")])
def test_what_was_not_measured_is_censored(trace: Trace | None) -> None:
    assert costs_to_targets(("relative:1e-01",), NOISY, NOTHING, trace)[0] == {"relative:1e-01": None}


# ---- thresholds of metrics


@pytest.mark.parametrize("facts", [FACTS, NOISY])
def test_a_metrics_threshold_is_met_at_snapshots_on_every_problem(facts: Facts) -> None:
    trace = snapshots([0.5, 0.96, 0.9, 1.0, 0.97], column="learning/test-accuracy")
    targets = ("test-accuracy>=0.95", "learning/test-accuracy>=0.95", "test-accuracy>=0.99", "test-accuracy<=0.5")

    evaluations, _ = costs_to_targets(targets, facts, log([10.0]), trace)

    assert evaluations == {
        "test-accuracy>=0.95": pytest.approx(25.0),
        "learning/test-accuracy>=0.95": pytest.approx(25.0),
        "test-accuracy>=0.99": None,  # one hit
        "test-accuracy<=0.5": None,
    }


def test_a_metric_that_a_problem_does_not_give_is_censored() -> None:
    assert costs_to_targets(("train-loss<=0.1",), FACTS, log([0.0]), snapshots([0.0, 0.0]))[0] == {
        "train-loss<=0.1": None
    }


# ---- weighted costs


def test_a_weighted_cost_is_the_sum_over_kinds_at_the_hit() -> None:
    events = log([9.0, 0.5], value_count=[1, 4], gradient_count=[1, 2], hessian_count=[0, 1])
    finder = TargetFinder(FACTS, events, None)

    assert finder.weighted_cost("relative:1e-01", {"value": 1.0, "gradient": 2.0, "hessian": 100.0}) == 108.0
    assert finder.weighted_cost("relative:1e-09", {"value": 1.0}) is None


def test_minus_infinity_is_no_minimum_and_a_start_at_the_minimum_is_there_at_once():
    columns = {"stage": [0, 0, 0], "value_count": [1, 2, 3], "gradient_count": [0, 0, 0], "seconds": [1, 2, 3]}
    bottomless = Trace.from_columns({**columns, "value": [10.0, -math.inf, 9.0], "gradient_norm": [1.0, 1.0, 1.0]})
    there = Trace.from_columns({**columns, "value": [0.0, 1.0, 1.0], "gradient_norm": [1.0, 1.0, 1.0]})

    assert TargetFinder(FACTS, bottomless, None).evaluations("relative:1e-01") is None
    assert TargetFinder(dataclasses.replace(FACTS, f0=0.0), there, None).evaluations("relative:1e-01") == 1.0
