"""Exponents against declarations, on bytes whose law is known."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console

from optbench.records import (
    Component,
    Entry,
    ReportModel,
    Scaling,
    ScalingFit,
    ScalingPoint,
    Status,
    SuiteSpec,
    TrialRecord,
    TrialSpec,
)
from optbench.report import build_report, scaling_table
from tests.report.synthetic import ENVIRONMENT

SIZES = (100, 200, 400, 800)
ORDERS = {"state_memory": "O(n)", "peak_memory": "O(n^2)", "step_time": "O(n^2)"}


def swept(optimizer: str, sizes: tuple[int, ...] = SIZES, **laws: Callable[[int], int]) -> list[TrialRecord]:
    """Return a record a size with figures that follow the laws."""
    return [
        TrialRecord(
            spec=TrialSpec(
                problem=Component(name="x/bowl", options={"n": size, "condition": 10.0}),
                optimizer=Component(name=f"x/{optimizer}"),
            ),
            status=Status.BUDGET,
            size=size,
            **{name: law(size) for name, law in laws.items()},  # type: ignore[arg-type]  # figures in bytes
        )
        for size in sizes
    ]


def report(records: list[TrialRecord], projections: list[TrialRecord] | None = None, **scaling: Any) -> ReportModel:
    entries = [
        Entry(use=component) for component in {r.spec.optimizer.name: r.spec.optimizer for r in records}.values()
    ]
    suite = SuiteSpec(
        name="s",
        title="Made up",
        problems=tuple(Entry(use=record.spec.problem) for record in records),
        optimizers=tuple(entries),
        scaling=Scaling(**scaling),
    )
    return build_report(
        suite,
        records,
        events=lambda _: None,
        snapshots=lambda _: None,
        environment=ENVIRONMENT,
        command="",
        optimizer_info={entry.use.name: ORDERS for entry in entries},
        problem_info={},
        created="",
        projections=projections or [],
    )


def fits(model: ReportModel) -> dict[tuple[str, str], ScalingFit]:
    return {(fit.name, fit.quantity): fit for fit in model.scaling}


def test_exponents_are_fitted_and_judged_by_the_order_that_goes_with_the_figure() -> None:
    model = report(swept("a", state_bytes=lambda n: 16 * n, peak_live_bytes=lambda n: 24 * n * n))
    state, peak = fits(model)["x/a", "state_bytes"], fits(model)["x/a", "peak_live_bytes"]

    assert state.exponent == pytest.approx(1)
    assert peak.exponent == pytest.approx(2)
    assert (state.declared, peak.declared) == ("O(n)", "O(n^2)")
    assert (state.verdict, peak.verdict) == ("as declared", "as declared")
    assert (peak.points, peak.top_octave) == (4, pytest.approx(2))


def test_an_optimizer_that_keeps_a_matrix_but_declares_vectors_is_above() -> None:
    (fit,) = report(swept("a", state_bytes=lambda n: 8 * n * n)).scaling
    assert fit.verdict == "above declared"


def test_a_matrix_that_shows_in_the_top_octave_only_is_above() -> None:
    """State 16000n + 8n²: over the small sizes the line is nearly of slope one, and its interval holds it."""
    (fit,) = report(swept("a", (10, 100, 1000, 2000, 4000), state_bytes=lambda n: 16000 * n + 8 * n * n)).scaling

    assert fit.low is not None
    assert fit.low < 1.05
    assert fit.verdict == "above declared"


def test_lower_order_terms_are_no_reason_to_doubt_a_declaration() -> None:
    (fit,) = report(swept("a", state_bytes=lambda n: 16 * n + 300)).scaling
    assert fit.verdict == "as declared"


def test_keeping_less_than_declared_is_below() -> None:
    (fit,) = report(swept("a", state_bytes=lambda n: 0)).scaling
    assert (fit.exponent, fit.verdict) == (0.0, "below declared")


def test_two_sizes_give_no_exponent() -> None:
    (fit,) = report(swept("a", (100, 200), state_bytes=lambda n: n)).scaling
    assert (fit.exponent, fit.low, fit.points, fit.verdict) == (None, None, 2, "not fitted")


def test_the_growth_of_the_process_is_fitted_for_foreign_solvers_alone_and_noise_left_out() -> None:
    foreign = swept("b", (100, 1000, 2000, 4000), peak_process_bytes=lambda n: 24 * n * n)
    model = report([*swept("a", peak_live_bytes=lambda n: n, peak_process_bytes=lambda n: 2 * 10**6), *foreign])

    assert set(fits(model)) == {("x/a", "peak_live_bytes"), ("x/b", "peak_process_bytes")}
    assert fits(model)["x/b", "peak_process_bytes"].points == 3  # 240 kB at n = 100 are noise
    assert any(point.name == "x/a" and point.quantity == "peak_process_bytes" for point in model.scaling_points)


def test_the_growth_of_the_process_is_fitted_where_it_shows_memory_that_no_tensor_holds() -> None:
    laws = {"peak_live_bytes": lambda n: 8 * n, "peak_process_bytes": lambda n: 8 * n + 80 * n * n}
    (exact, process) = report(swept("a", (500, 1000, 2000), **laws), quantities=("peak_live_bytes",)).scaling

    assert (exact.quantity, exact.exponent) == ("peak_live_bytes", pytest.approx(1))
    assert (process.quantity, process.exponent) == ("peak_process_bytes", pytest.approx(2, abs=0.01))


def test_seconds_a_step_are_fitted_against_the_declared_time_beyond_the_evaluations() -> None:
    """Ten steps of n microseconds each, and evaluations that take longer than all of them."""
    (fit,) = report(timed(lambda n: 1e-6 * n), quantities=("step_seconds",)).scaling

    assert (fit.quantity, fit.declared, fit.exponent) == ("step_seconds", "O(n^2)", pytest.approx(1, abs=1e-6))
    assert (fit.verdict, fit.is_memory) == ("below declared", False)


def test_seconds_are_above_only_by_their_interval_since_a_cache_may_end_in_the_top_octave() -> None:
    bent = report(timed(lambda n: 1e-9 * n * n * (4 if n == 800 else 1)), quantities=("step_seconds",)).scaling[0]
    steep = report(timed(lambda n: 1e-9 * n**3), quantities=("step_seconds",)).scaling[0]

    assert bent.top_octave == pytest.approx(4)
    assert (bent.verdict, steep.verdict) == ("as declared", "above declared")


def test_of_several_trials_at_a_size_the_median_of_the_seconds_counts_and_doubts_are_kept() -> None:
    law = {n: 1e-6 * n for n in SIZES}
    slow = [replace(row, unreliable=("load: 9 processes",)) for row in timed(lambda n: 50e-6 * n) if row.size == 800]
    model = report([*timed(law.__getitem__), *timed(law.__getitem__), *slow], quantities=("step_seconds",))

    assert model.scaling[0].exponent == pytest.approx(1, abs=1e-6)
    assert [point.doubted for point in model.scaling_points] == [False, False, False, True]
    assert model.grows == "time"


def test_a_sweep_of_times_alone_shows_no_memory() -> None:
    rows = [replace(row, peak_process_bytes=10**9, state_bytes=8) for row in timed(lambda n: 1e-6 * n)]
    model = report(rows, quantities=("step_seconds",))
    assert {point.quantity for point in model.scaling_points} == {"step_seconds"}
    assert len(model.scaling) == 1


def timed(law: Callable[[int], float]) -> list[TrialRecord]:
    """Return records of ten steps, each of which takes what the law says, and a second of evaluations."""
    return [
        replace(row, seconds=1 + 10 * law(row.size or 0), evaluation_seconds=1.0, counts={"steps": 10})
        for row in swept("a")
    ]


def test_projected_sizes_are_points_but_never_fitted() -> None:
    measured = swept("a", state_bytes=lambda n: 8 * n)
    projected = [replace(record, status=Status.OK) for record in swept("a", (10**6,), state_bytes=lambda n: 8 * n * n)]
    model = report(measured, projected)

    (point,) = [point for point in model.scaling_points if point.projected]
    assert (point.size, point.value) == (10**6, 8 * 10**12)
    assert model.scaling[0].exponent == pytest.approx(1)
    assert model.scaling[0].points == 4


def test_why_a_size_could_not_be_projected_is_a_note() -> None:
    refused = TrialRecord(
        spec=swept("a", (10**6,))[0].spec, status=Status.SKIPPED, reason="not projectable: it reads more"
    )
    assert "a is shown at the sizes that were run only: not projectable: it reads more." in report([], [refused]).notes


def test_a_suite_that_sweeps_nothing_has_no_exponents() -> None:
    assert report([]).scaling == ()


def test_the_report_round_trips_through_json() -> None:
    model = report(swept("a", state_bytes=lambda n: 8 * n))

    again = ReportModel.from_json(model.to_json())

    assert again.scaling == model.scaling
    assert all(isinstance(point, ScalingPoint) for point in again.scaling_points)
    assert again.scaling_points == model.scaling_points


def test_the_table_says_exponent_verdict_and_largest_sizes_in_100_columns() -> None:
    laws = {"state_bytes": lambda n: 8 * n * n}
    projected = [replace(record, status=Status.OK) for record in swept("a", (10**6,), **laws)]
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(scaling_table(report(swept("a", (1000, 2000, 4000), **laws), projected)))
    text = console.export_text()

    (row,) = [line for line in text.splitlines() if line.strip().startswith("a ")]
    assert " ".join(row.split()) == "a state 2.000 2.000 2.000 above O(n) 128 MB at 4k 8 TB at 1M"
    assert max(map(len, text.splitlines())) <= 100


def test_the_table_of_times_marks_what_is_in_doubt() -> None:
    rows = [replace(row, unreliable=("load: 9 processes",)) for row in timed(lambda n: 1e-6 * n)]
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(scaling_table(report(rows, quantities=("step_seconds",))))
    text = console.export_text()

    (row,) = [line for line in text.splitlines() if "1.000" in line]
    assert " ".join(row.split()) == "a step 1.000 1.000 1.000 below O(n^2) 800 µs† at 800"
    assert "how time grows" in text
    assert "projected" not in text
    assert max(map(len, text.splitlines())) <= 100
