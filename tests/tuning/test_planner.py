"""Searches come first, then scoring, on other seeds; all of it follows from the suite and the records."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from optbench.records import Component, Status, StoredSetting, TrialSpec, Yardstick
from optbench.tuning import TuningPlanner


def rate(spec: TrialSpec) -> float:
    return float(spec.optimizer.options["lr"])


def valley(spec: TrialSpec) -> float | None:
    """Least at 0.02, and diverging above 0.5; the seed moves it a little."""
    if rate(spec) > 0.5:
        return None
    return (math.log10(rate(spec)) + 1.7) ** 2 + 1e-3 * (spec.seed % 7)


@pytest.fixture
def planned(made_up: Any) -> Any:
    plain = made_up.Plain(
        trials=[replace(made_up.task().trial, seed=seed) for seed in (0, 1, 2)], tasks=[made_up.task()]
    )
    return TuningPlanner(plain, made_up.suite({"trials": 10, "repeats": 3}))


def test_what_is_chosen_is_scored_on_every_seed_after_all_searches(planned: Any, made_up: Any) -> None:
    world = made_up.World(valley)
    outcome = planned.outcome(world.run(planned))
    (arm,) = outcome.arms
    assert [rate(record.spec) for record in outcome.plain] == [0.5] * 3
    assert [choice.options["lr"] for choice in arm.choices] == pytest.approx([0.02] * 3, rel=0.3)
    assert [[record.spec.seed for record in rows] for rows in arm.scored] == [[0, 1, 2]] * 3
    assert {spec.seed for spec in world.rounds[-1]} == {0, 1, 2}
    assert {spec.seed for specs in world.rounds[:-1] for spec in specs} == {1_000_000, 2_000_000, 3_000_000}


def test_scoring_interleaves_tuned_and_untuned_trials_of_a_seed(planned: Any, made_up: Any) -> None:
    world = made_up.World(valley)
    world.run(planned)
    seeds = [spec.seed for spec in world.rounds[-1]]
    assert seeds == sorted(seeds)
    assert [rate(spec) for spec in world.rounds[-1]][0] == 0.5  # noqa: RUF015 -- the first of each seed is untuned


def test_each_tuning_has_the_same_number_of_trials(planned: Any, made_up: Any) -> None:
    (arm,) = planned.outcome(made_up.World(valley).run(planned)).arms
    assert [len(choice.course.tried) for choice in arm.choices] == [10] * 3


def test_the_plan_depends_on_the_set_of_records_only(planned: Any, made_up: Any) -> None:
    records = made_up.World(valley).run(planned)
    for count in (3, 9, 20, 31):
        part = records[:count]
        fresh = TuningPlanner(planned._plain, planned._suite)
        assert fresh.next(part) == planned.next(list(reversed(part)))
    assert planned.next(records) == ()


def test_a_setting_runs_once_where_seeds_dont_matter(made_up: Any) -> None:
    planner = TuningPlanner(
        made_up.Plain(tasks=[made_up.task(seeded=False)]), made_up.suite({"trials": 10, "repeats": 3})
    )
    world = made_up.World(valley)
    (arm,) = planner.outcome(world.run(planner)).arms
    assert len(arm.choices) == 1  # a grid without chance can only repeat itself
    assert {spec.seed for specs in world.rounds for spec in specs} == {0}
    assert len(world.rounds) < 10  # and the choice, which was run already, isn't planned again
    assert len(arm.scored[0]) == 1


def test_diverged_settings_are_worst_and_no_error(planned: Any, made_up: Any) -> None:
    (arm,) = planned.outcome(made_up.World(valley).run(planned)).arms
    failed = [item for item in arm.choices[0].course.tried if item.point.quality.failures]
    assert failed
    assert all(rate(record.spec) > 0.5 for item in failed for record in item.records)


def test_a_setting_with_several_seeds_counts_each_of_them_as_a_trial(made_up: Any) -> None:
    planner = TuningPlanner(made_up.Plain(tasks=[made_up.task()]), made_up.suite({"trials": 12, "seeds": 3}))
    (arm,) = planner.outcome(made_up.World(valley).run(planner)).arms
    assert [len(item.records) for item in arm.choices[0].course.tried] == [3] * 4


def test_a_setting_that_fails_on_a_seed_is_worse_than_one_that_never_fails(made_up: Any) -> None:
    def loss(spec: TrialSpec) -> float | None:
        lucky = rate(spec) > 0.01
        return None if lucky and spec.seed == 1_000_001 else -1.0 if lucky else 1.0

    planner = TuningPlanner(made_up.Plain(tasks=[made_up.task()]), made_up.suite({"trials": 12, "seeds": 2}))
    (arm,) = planner.outcome(made_up.World(loss).run(planner)).arms
    assert arm.choices[0].options["lr"] <= 0.01


def test_higher_is_better_where_the_yardstick_says_so(made_up: Any) -> None:
    accuracy = Yardstick(name="made-up/validation-loss", higher_is_better=True)
    planner = TuningPlanner(made_up.Plain(tasks=[made_up.task(select=accuracy)]), made_up.suite({"trials": 10}))
    world = made_up.World(lambda spec: -(valley(spec) or 9.0))
    (arm,) = planner.outcome(world.run(planner)).arms
    assert arm.choices[0].options["lr"] == pytest.approx(0.02, rel=0.3)


def test_targets_are_met_in_the_fewest_evaluations_and_those_that_miss_are_ordered_by_the_objective(
    made_up: Any,
) -> None:
    target = Yardstick(name="relative:1e-06")
    planner = TuningPlanner(made_up.Plain(tasks=[made_up.task(select=target)]), made_up.suite({"trials": 10}))

    class Counts(made_up.World):  # type: ignore[misc, name-defined]
        def record(self, spec: TrialSpec, **_: Any) -> Any:
            count = None if rate(spec) < 0.01 else 1000 * rate(spec)
            return super().record(spec, evaluations_to_target={target.name: count})

    (arm,) = planner.outcome(Counts(valley).run(planner)).arms
    assert arm.choices[0].options["lr"] == pytest.approx(0.01, rel=0.3)
    missed = [item for item in arm.choices[0].course.tried if rate(item.records[0].spec) < 0.01]
    nearest = min(missed, key=lambda item: item.point.quality)
    assert nearest.options["lr"] == max(item.options["lr"] for item in missed)


def test_a_best_at_the_edge_is_marked_with_its_side(made_up: Any) -> None:
    planner = TuningPlanner(made_up.Plain(tasks=[made_up.task()]), made_up.suite({"trials": 4}))
    (arm,) = planner.outcome(made_up.World(lambda spec: -rate(spec)).run(planner)).arms
    assert arm.choices[0].edge == ("lr above",)


def test_a_search_whose_trials_are_skipped_ends_without_a_choice(planned: Any, made_up: Any) -> None:
    class Absent(made_up.World):  # type: ignore[misc, name-defined]
        def record(self, spec: TrialSpec, **_: Any) -> Any:
            return replace(super().record(spec), status=Status.SKIPPED, reason="no data")

    (arm,) = planned.outcome(Absent(valley).run(planned)).arms
    assert [choice.options for choice in arm.choices] == [None] * 3
    assert [choice.course.skipped for choice in arm.choices] == ["no data"] * 3
    assert arm.scored == ((), (), ())


def test_scoring_seeds_are_never_tuned_on(made_up: Any) -> None:
    spec = made_up.suite({"trials": 4, "seeds": 2}, seeds=(1_000_000, 5))
    planner = TuningPlanner(made_up.Plain(tasks=[made_up.task()]), spec)
    world = made_up.World(valley)
    world.run(planner)
    assert {spec.seed for specs in world.rounds[:-1] for spec in specs} == {1_000_001, 1_000_002}


def test_stored_settings_are_scored_without_a_search(made_up: Any) -> None:
    found = StoredSetting(
        problem=made_up.PROBLEM,
        recipe=(Component(name="made-up/descent", options={"momentum": 0.0}),),
        options={"lr": 0.03},
        edge=("lr above",),
    )
    planner = TuningPlanner(made_up.Plain(tasks=[made_up.task()]), made_up.suite({"stored": (found,)}))
    world = made_up.World(valley)
    (arm,) = planner.outcome(world.run(planner)).arms
    assert [(rate(spec), spec.seed) for spec in world.rounds[0]] == [(0.03, 0), (0.03, 1), (0.03, 2)]
    assert (arm.choices[0].options, arm.choices[0].edge) == ({"lr": 0.03}, ("lr above",))


def test_memory_is_measured_of_what_is_scored_only(planned: Any, made_up: Any) -> None:
    world = made_up.World(valley)
    world.run(planned)
    asked = [{planned.is_measured(spec) for spec in specs} for specs in world.rounds]
    assert asked == [{False}] * (len(asked) - 1) + [{True}]


def test_no_more_trials_are_run_than_were_expected(planned: Any, made_up: Any) -> None:
    assert len(made_up.World(valley).run(planned)) <= planned.expected == 3 * 10 + 3 + 3 * 3
