"""Which sizes are projected, for whom."""

from __future__ import annotations

from dataclasses import replace

from optbench.records import Component, Scaling, Status, SuiteSpec, TrialRecord, TrialSpec
from optbench.suites import planned_projections


def record(optimizer: str, n: int, peak: int | None = 1, **spec: str) -> TrialRecord:
    problem = Component(name="x/bowl", options={"n": n, "condition": 10.0})
    trial = TrialSpec(problem=problem, optimizer=Component(name=f"x/{optimizer}"), **spec)  # type: ignore[arg-type]
    return TrialRecord(spec=trial, status=Status.BUDGET, size=n, peak_live_bytes=peak)


SUITE = SuiteSpec(name="s", title="", problems=(), optimizers=(), scaling=Scaling(project=(500, 5000, 50_000)))


def test_sizes_beyond_the_largest_that_a_recipe_ran_at_are_projected_each_with_two_small_rehearsals() -> None:
    planned = planned_projections(SUITE, [record("a", 100), record("a", 1000), record("b", 20_000)])

    assert [(trial.optimizer.short, trial.problem.options["n"]) for trial, _ in planned] == [
        ("a", 5000),
        ("a", 50_000),
        ("b", 50_000),
    ]
    assert all(small == ({"n": 128, "condition": 10.0}, {"n": 256, "condition": 10.0}) for _, small in planned)


def test_nothing_is_projected_without_exact_figures_or_off_the_host_or_without_a_sweep() -> None:
    records = [record("foreign", 100, peak=None), record("a", 100, device="cuda")]

    assert planned_projections(SUITE, records) == []
    assert planned_projections(replace(SUITE, scaling=None), [record("a", 100)]) == []
