"""Gates are judged by records and event logs, and a broken harness does not pass them."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import pytest

from optbench.records import (
    EVENT_COLUMNS,
    Component,
    Gate,
    GateResult,
    StageRecord,
    Status,
    Trace,
    TrialRecord,
    TrialSpec,
)
from optbench.report.gates import judge

PROBLEM, SOLVER = Component(name="p/bowl"), Component(name="o/roll")
TARGET = "relative:1e-03"


def gate(quantity: str, **fields: Any) -> Gate:
    fields = {"name": "g", "statement": "s", "problems": (PROBLEM,), "optimizers": ((SOLVER,),), **fields}
    return Gate(quantity=quantity, **fields)


def record(seed: int = 0, **fields: Any) -> TrialRecord:
    fields = {"status": Status.BUDGET, "f0": 9.0, "f_star": 1.0, "f_best": 2.0, **fields}
    return TrialRecord(spec=TrialSpec(problem=PROBLEM, optimizer=SOLVER, seed=seed), **fields)


def log(steps: list[float], values: list[float], norms: list[float] | None = None, *, each: int = 1) -> Trace:
    """Return an event log of evaluations of a value and its gradient; each counts as `each`."""
    columns = {name: [0.0] * len(steps) for name in EVENT_COLUMNS}
    counts = [float(each * (index + 1)) for index in range(len(steps))]
    columns |= {"step": steps, "value": values, "value_count": counts, "gradient_count": counts}
    columns["gradient_norm"] = [math.nan] * len(steps) if norms is None else norms
    return Trace.from_columns(columns)


def verdict(asked: Gate, *records: TrialRecord, events: Trace | None = None) -> GateResult:
    (result,) = judge([asked], records, lambda _: events)
    return result


# f − 1 is halved by each step; `moves_first` evaluates the start and then each new point within the step to it, with a
# trial point that is worse; `looks_first` evaluates where it stands, and then moves.
MOVES_FIRST = log([0, 0, 1, 1, 2], [9, 5, 7, 3, 2])
LOOKS_FIRST = log([0, 1, 2, 3], [9, 5, 3, 2])


@pytest.mark.parametrize("events", [MOVES_FIRST, LOOKS_FIRST], ids=["moves first", "looks first"])
def test_rate_is_the_factor_of_each_step(events: Trace) -> None:
    found = verdict(gate("rate", expected=0.5, tolerance=1e-12), record(), events=events)
    assert (found.passed, found.measured, found.message) == (True, 0.5, "")
    assert found.trials == (record().id,)


@pytest.mark.parametrize(
    ("values", "worst"),
    [([9, 5, 3, 2.1], 0.55), ([9, 5, 5, 3], 1.0), ([9, 1.9, 1.45, 1.225], 0.1125), ([9, 5, 3, 4], 1.0)],
    ids=["a slow step", "a step without progress", "a fast step", "a step upwards"],
)
def test_one_step_at_another_rate_fails_and_is_what_is_reported(values: list[float], worst: float) -> None:
    found = verdict(gate("rate", expected=0.5, tolerance=1e-6), record(), events=log([0, 1, 2, 3], values))
    assert not found.passed
    assert found.measured == pytest.approx(worst)


def test_rate_leaves_out_steps_below_rounding() -> None:
    tiny = 1.0 + 2**-30
    found = verdict(gate("rate", at_most=0.5), record(), events=log([0, 1, 2, 3], [9, 5, tiny, tiny]))
    assert found.passed


def test_steps_and_evaluations_to_a_target_come_from_the_harness_own_scoring() -> None:
    reached = record(counts={"steps": 4}, evaluations=5, evaluations_to_target={TARGET: 4.0})
    for quantity, target, expected in (("steps", TARGET, 2), ("evaluations", TARGET, 4), ("steps", "", 4)):
        asked = gate(quantity, target=target, expected=float(expected), tolerance=0.0)
        assert verdict(asked, reached, events=MOVES_FIRST).passed
        assert not verdict(replace(asked, expected=expected + 1.0), reached, events=MOVES_FIRST).passed


def test_an_oracle_that_counts_twice_fails_where_the_count_is_known() -> None:
    honest = record(counts={"gradient": 4, "steps": 4}, evaluations=4)
    doubled = record(counts={"gradient": 8, "steps": 4}, evaluations=8)
    for quantity in ("gradients", "evaluations"):
        asked = gate(quantity, expected=4.0, tolerance=0.0)
        assert verdict(asked, honest, events=LOOKS_FIRST).passed
        assert not verdict(asked, doubled, events=LOOKS_FIRST).passed


def test_a_budget_that_is_overrun_by_one_fails() -> None:
    asked = gate("steps", expected=100.0, tolerance=0.0)
    assert verdict(asked, record(counts={"steps": 100})).passed
    assert not verdict(asked, record(counts={"steps": 101})).passed


def test_gradient_ratio_is_last_over_first() -> None:
    events = log([0, 0, 1], [9, 1, 1], [4.0, math.nan, 1e-9])
    assert verdict(gate("gradient-ratio", at_most=1e-8), record(), events=events).measured == 2.5e-10
    assert not verdict(gate("gradient-ratio", at_most=1e-10), record(), events=events).passed


def test_excess_is_the_mean_over_seeds_with_its_t_interval() -> None:
    records = [record(seed, f_best=1.0 + excess) for seed, excess in enumerate([1.0, 2.0, 3.0])]
    found = verdict(gate("excess", expected=20.0, tolerance=1.0, scale=10.0), *records)
    half = 10 * 4.302652729749 / math.sqrt(3)  # t quantile of 2 degrees of freedom, from a table
    assert found.passed
    assert (found.measured, found.low, found.high) == pytest.approx((20.0, 20 - half, 20 + half))


def test_a_mean_whose_interval_leaves_out_the_answer_fails_even_within_the_tolerance() -> None:
    records = [record(seed, f_best=2.0 + 1e-6 * seed) for seed in range(5)]
    found = verdict(gate("excess", expected=1.01, tolerance=0.1), *records)
    assert not found.passed
    assert "95 % interval" in found.message


def test_excess_takes_each_seed_once() -> None:
    repeated = replace(record(0).spec, repetition=1)
    records = [record(0, f_best=2.0), record(1, f_best=4.0), replace(record(0, f_best=2.0), spec=repeated)]
    assert verdict(gate("excess", at_most=2.0), *records).measured == 2.0


@pytest.mark.parametrize(
    ("ended", "said"),
    [
        ({"status": Status.DIVERGED, "reason": "unbounded"}, "1 of 2 trials: diverged, unbounded"),
        ({"status": Status.SKIPPED, "message": "no such device\nmore"}, "1 of 2 trials: skipped, no such device"),
        ({"f_star": None}, "no minimum"),
        ({"f_best": None}, "not finite"),
    ],
)
def test_a_trial_that_gives_no_number_fails_the_gate_and_says_why(ended: dict[str, Any], said: str) -> None:
    found = verdict(gate("excess", at_most=100.0), record(0), record(1, **ended))
    assert not found.passed
    assert said in found.message
    assert found.measured is None


def test_a_gate_without_results_fails() -> None:
    assert verdict(gate("excess", at_most=1.0)).message == "none of its trials has a result"


@pytest.mark.parametrize(
    ("quantity", "fields", "events", "said"),
    [
        ("rate", {}, None, "no event log"),
        ("rate", {}, replace(LOOKS_FIRST, complete=False), "thinned"),
        ("rate", {"batch_size": 5}, LOOKS_FIRST, "minibatches"),
        ("rate", {"stages": (StageRecord(), StageRecord())}, LOOKS_FIRST, "stages"),
        ("rate", {}, log([0, 1], [math.nan, math.nan]), "no finite value"),
        ("rate", {"f_star": 9.0}, LOOKS_FIRST, "rounding"),
        ("gradient-ratio", {}, LOOKS_FIRST, "no gradient"),
    ],
)
def test_what_cannot_be_measured_is_told(quantity: str, fields: dict[str, Any], events: Any, said: str) -> None:
    found = verdict(gate(quantity, at_most=1e9), record(**fields), events=events)
    assert not found.passed
    assert said in found.message


def test_an_unreached_target_is_told() -> None:
    asked = gate("steps", target=TARGET, at_least=1.0)
    assert TARGET in verdict(asked, record(evaluations_to_target={TARGET: None}), events=LOOKS_FIRST).message


def test_of_several_trials_the_one_that_misses_most_is_reported() -> None:
    records = [record(seed, evaluations=count) for seed, count in enumerate([10, 14, 7])]
    assert verdict(gate("evaluations", expected=10.0, tolerance=2.0), *records).measured == 14
    assert verdict(gate("evaluations", at_least=6.0, at_most=20.0), *records).measured == 7


def test_other_trials_are_not_judged() -> None:
    other = replace(record(), spec=TrialSpec(problem=PROBLEM, optimizer=SOLVER, meta_algorithms=(SOLVER,)))
    assert verdict(gate("evaluations", at_most=1.0), other).trials == ()


def test_results_are_rows_of_json_and_print_their_digits() -> None:
    found = verdict(gate("rate", expected=0.5, tolerance=1e-6), record(), events=LOOKS_FIRST)
    row = json.loads(json.dumps(found.to_row(), allow_nan=False))
    wanted = {"name", "statement", "quantity", "expected", "tolerance", "measured", "passed", "trials", "message"}
    assert wanted <= set(row)
    assert (found.expected_text, found.measured_text, found.tolerance_text) == ("0.50000000", "0.50000000", "1e-06")
    near = replace(found, tolerance=0.1, measured=0.4936, high=0.5)
    assert (near.expected_text, near.measured_text) == ("0.500", "0.494 ± 0.0064")
    assert replace(found, expected=3.0, tolerance=0.0, measured=3.25).measured_text == "3.25"
    assert replace(found, expected=3.0, tolerance=0.0, measured=math.nan).measured_text == "nan"
    assert replace(found, expected=2.5e-13, tolerance=1e-16, measured=2.50004e-13).measured_text == "2.50004e-13"
    bounded = replace(found, expected=None, tolerance=None, at_least=2.0, at_most=1e3, measured=1 / 3, high=1.0)
    assert (bounded.expected_text, bounded.measured_text) == ("≥ 2, ≤ 1000", "0.3333 ± 0.67")


def test_a_nonfinite_measurement_fails_and_is_null() -> None:
    found = verdict(gate("evaluations", at_most=1.0), record(evaluations=math.inf))
    assert (found.passed, found.to_row()["measured"]) == (False, None)


def test_the_report_holds_the_results(results: Any) -> None:
    results.add("o/roll", "p/bowl", LOOKS_FIRST, f_star=1.0)
    assert results.report(gates=(gate("rate", expected=0.5, tolerance=1e-9),)).gates[0].passed
