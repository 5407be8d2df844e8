"""A report's tuning section from made-up tunings with known answers."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import combinations
from typing import Any

import pytest

from optbench.records import (
    Component,
    Dimension,
    Entry,
    Gate,
    ReportModel,
    Status,
    SuiteSpec,
    TrialRecord,
    TrialSpec,
    Tuning,
    TuningTask,
    Yardstick,
)
from optbench.report import build_report, label_tuned, tuning_table, with_tuning
from optbench.tuning import TunedArm, TuningPlanner

RATE = Dimension(option="lr", scale="log", low=1e-3, high=1.0)
LOSS = Yardstick(name="x/validation-loss")
ACCURACY = Yardstick(name="x/test-accuracy", higher_is_better=True)
PROBLEM = Component(name="x/net", options={"width": 3})


def optimizer(name: str) -> Component:
    return Component(name=f"x/{name}", options={"lr": 0.5, "momentum": 0.0})


class Plain:
    def __init__(self, suite: SuiteSpec) -> None:
        written = [TrialSpec(problem=PROBLEM, optimizer=entry.use) for entry in suite.optimizers]
        self.trials = [replace(trial, seed=seed) for seed in suite.seeds for trial in written]
        assert suite.tuning is not None
        select, score = suite.tuning.select, suite.tuning.score
        self.tasks = [
            TuningTask(trial=trial, space=(RATE,), seeded=True, select=select, score=score) for trial in written
        ]


def measure(spec: TrialSpec, best: dict[str, float]) -> TrialRecord:
    """Return a trial whose loss is least at the rate `best`, and whose accuracy falls as the loss rises."""
    loss = abs(math.log10(spec.optimizer.options["lr"]) - best[spec.optimizer.short]) + 0.001 * (spec.seed % 7)
    return TrialRecord(
        spec=spec,
        status=Status.DIVERGED if loss > 2.5 else Status.BUDGET,
        metrics={"validation-loss": loss, "test-accuracy": 1 - loss / 10},
        counts={"gradient": 10, "examples": 640},
        evaluations=10,
        seconds=0.5,
        f_best=loss,
        f0=9.0,
    )


def suite_of(*names: str, **tuning: Any) -> SuiteSpec:
    return SuiteSpec(
        name="made-up",
        title="Made up",
        problems=(Entry(use=PROBLEM),),
        optimizers=tuple(Entry(use=optimizer(name), space=(RATE,)) for name in names),
        seeds=(0, 1, 2),
        tuning=Tuning(**{"trials": 8, "repeats": 2, "select": LOSS, "score": ACCURACY, **tuning}),
    )


def tuned_report(
    synthetic: Any, suite: SuiteSpec, best: dict[str, float]
) -> tuple[ReportModel, tuple[TunedArm, ...], SuiteSpec]:
    planner, records = TuningPlanner(Plain(suite), suite), []
    while specs := planner.next(records):
        records += [measure(spec, best) for spec in specs]
    outcome = planner.outcome(records)
    labelled = label_tuned(suite, outcome.plain, outcome.arms)
    model = build_report(
        labelled.suite,
        labelled.records,
        events=lambda _: None,
        snapshots=lambda _: None,
        environment=synthetic.ENVIRONMENT,
        command="optbench suite made-up",
        optimizer_info={},
        problem_info={},
        created="2026-01-31",
    )
    return with_tuning(model, suite, outcome.plain, outcome.arms), outcome.arms, labelled.suite


@pytest.fixture
def made(synthetic: Any) -> tuple[ReportModel, tuple[TunedArm, ...], SuiteSpec]:
    return tuned_report(synthetic, suite_of("adam", "sgd"), {"adam": -2.0, "sgd": -1.0})


def test_tuned_optimizers_stand_beside_the_untuned_ones(made: Any) -> None:
    model, _, labelled = made
    assert [item.label for item in model.optimizers] == [
        "adam(lr=0.5)",
        "adam(lr=tuned)",
        "sgd(lr=0.5)",
        "sgd(lr=tuned)",
    ]
    assert [cell.seeds for cell in model.cells] == [3] * 4
    assert [sum(cell.statuses.values()) for cell in model.cells] == [3, 6, 3, 6]
    assert len(labelled.optimizers) == 4


def test_scores_are_those_of_the_choices_on_the_scoring_seeds(made: Any) -> None:
    model, arms, _ = made
    adam = model.tuned[0]
    rows = [record.metrics["test-accuracy"] for scored in arms[0].scored for record in scored]
    assert len(rows) == 6
    assert adam.score[1] == pytest.approx(sorted(rows)[3], rel=1e-3)  # lower median of what is worse
    assert adam.untuned_score[1] == pytest.approx(1 - (abs(math.log10(0.5) + 2) + 0.001) / 10, rel=1e-3)
    assert adam.score[0] <= adam.score[1] <= adam.score[2]
    assert (adam.measure, adam.select, adam.higher_is_better) == ("test-accuracy", "validation-loss", True)


def test_choices_tell_their_values_and_costs(made: Any) -> None:
    choice = made[0].tuned[0].choices[0]
    assert math.log10(choice.options["lr"]) == pytest.approx(-2, abs=0.2)
    assert (choice.trials, choice.evaluations, choice.examples, choice.seconds) == (8, 80, 8 * 640, 4.0)
    assert len(choice.tried) == choice.settings == 8
    assert choice.value == min(item["value"] for item in choice.tried)


def test_a_tuning_belongs_to_the_problem_that_it_was_made_on(made: Any) -> None:
    model, arms, _ = made
    (problem,) = model.problems
    others = [replace(problem, id="wider", expression="net(width=4)"), replace(problem, id="half", dtype="float16")]
    again = with_tuning(replace(model, problems=(*others, problem)), suite_of("adam", "sgd"), (), arms)
    assert [cell.problem for cell in again.tuned] == [problem.id] * 2


def test_a_tuning_whose_trials_could_not_run_says_why(made: Any) -> None:
    model, (adam, sgd), _ = made
    lost, stored = adam.choices
    choices = replace(lost, course=replace(lost.course, skipped="no minibatches")), replace(stored, course=None)
    again = with_tuning(model, suite_of("adam", "sgd"), (), (replace(adam, choices=choices), sgd))
    assert [choice.skipped for choice in again.tuned[0].choices] == ["no minibatches", ""]


def test_the_curve_begins_with_an_average_setting_and_ends_with_the_chosen_one(made: Any) -> None:
    model, arms, _ = made
    cell = model.tuned[0]
    assert (cell.budgets[0], cell.budgets[-1]) == (1, 8)
    medians = [median for _, median, _ in cell.curve]
    assert medians == sorted(medians)
    chosen = [
        next(item for item in choice.course.tried if item.options == choice.options) for choice in arms[0].choices
    ]
    best = [item.records[0].metrics["test-accuracy"] for item in chosen]
    assert min(best) <= medians[-1] + 1e-4
    assert medians[-1] <= max(best) + 1e-4


@pytest.mark.parametrize("place", [0, 1])
def test_the_curve_is_that_of_all_sets_of_settings_one_by_one(made: Any, place: int) -> None:
    """Each set of k settings of each tuning counts alike; the best of it is chosen by loss and shown by accuracy."""
    model, arms, _ = made
    for trials, found in zip(model.tuned[place].budgets, model.tuned[place].curve, strict=True):
        scores = []
        for choice in arms[place].choices:
            for drawn in combinations(choice.course.tried, trials):
                (best,) = min(drawn, key=lambda item: item.records[0].metrics["validation-loss"]).records
                failed = best.status is Status.DIVERGED
                scores.append(-math.inf if failed else best.metrics["test-accuracy"])
        worst_first = sorted(scores)
        expected = [worst_first[len(scores) - math.ceil(share * len(scores))] for share in (0.9, 0.5, 0.1)]
        shown = [None if value == -math.inf else value for value in expected]
        assert found == pytest.approx(shown, rel=1e-3)


def test_tunings_that_rank_alike_are_said_to(made: Any) -> None:
    model, (adam, sgd), _ = made
    worse = replace(sgd, scored=tuple(tuple(map(_worse, rows)) for rows in sgd.scored))
    again = with_tuning(replace(model, notes=()), suite_of("adam", "sgd"), (), (adam, worse))
    (agreement,) = again.agreements
    assert agreement.alike is True
    assert (agreement.opposed, agreement.decided, agreement.pairs, agreement.tau) == ((), 1, 1, 1.0)
    assert len(agreement.leaders) == 2
    assert any("leading optimizers alike on 1 of 1 problem:" in note for note in again.notes)


def test_tunings_that_disagree_are_named(synthetic: Any) -> None:
    """Two optimizers that are equally good: the tunings' seeds decide."""
    suite = suite_of("adam", "sgd")
    model, arms, _ = tuned_report(synthetic, suite, {"adam": -1.5, "sgd": -1.5})
    flipped = replace(arms[0], scored=(arms[0].scored[0], tuple(_worse(record) for record in arms[0].scored[1])))
    better = replace(arms[1], scored=(tuple(_worse(record) for record in arms[1].scored[0]), arms[1].scored[1]))
    again = with_tuning(replace(model, notes=()), suite, (), (flipped, better))
    (agreement,) = again.agreements
    assert (agreement.tau, agreement.alike) == (-1.0, False)
    assert len(agreement.opposed) == 1
    assert "They do not rank them alike on net (adam(lr=tuned) and sgd(lr=tuned))." in again.notes


def test_tunings_that_tell_nothing_apart_are_said_to(synthetic: Any) -> None:
    model, _, _ = tuned_report(synthetic, suite_of("adam", "adam2"), {"adam": -1.5, "adam2": -1.5})
    (agreement,) = model.agreements
    assert (agreement.alike, agreement.decided, agreement.tau) == (None, 0, None)
    assert "No tuning tells any two leaders apart on net: that wants more seeds." in model.notes
    assert ReportModel.from_json(model.to_json()) == model


def _worse(record: TrialRecord) -> TrialRecord:
    return replace(record, metrics={**record.metrics, "test-accuracy": 0.1})


def test_a_best_at_the_edge_is_a_note_and_a_mark(synthetic: Any) -> None:
    model, _, _ = tuned_report(synthetic, suite_of("adam", trials=2), {"adam": 0.5})
    assert model.tuned[0].choices[0].edge == ("lr above",)
    assert any(note.startswith("Best at the edge of what was tried") for note in model.notes)
    assert [str(cell) for cell in tuning_table(model).columns[5].cells] == ["lr=0.1778!"]


def test_columns_with_nothing_in_them_are_left_out(made: Any) -> None:
    stored = [replace(cell, untuned=None, choices=(replace(cell.choices[0], trials=0),)) for cell in made[0].tuned]
    table = tuning_table(replace(made[0], tuned=tuple(stored)))
    assert [column.header for column in table.columns] == ["problem", "optimizer", "score", "10–90 %", "chosen"]
    assert str(table.caption).startswith("score: test-accuracy, ")
    assert "trials, time" not in str(table.caption)
    assert "trials, time: of all tunings together" in str(tuning_table(made[0]).caption)


def test_the_tuning_section_round_trips_through_json(made: Any) -> None:
    assert ReportModel.from_json(made[0].to_json()) == made[0]


def test_what_several_tunings_choose_counts_as_repetitions_of_a_seed(made: Any) -> None:
    labelled = label_tuned(suite_of("adam", "sgd"), (), made[1])
    places = [(record.spec.optimizer.short, record.spec.seed, record.spec.repetition) for record in labelled.records]
    assert sorted(places) == [
        (name, seed, repeat) for name in ("adam", "sgd") for seed in (0, 1, 2) for repeat in (0, 1)
    ]
    assert len(labelled.ids) == 12


def test_gates_mean_the_tuned_optimizer() -> None:
    gate = Gate(name="g", statement="", problems=(PROBLEM,), optimizers=((optimizer("adam"),),), quantity="steps")
    labelled = label_tuned(replace(suite_of("adam"), gates=(gate,)), (), ())
    assert labelled.suite.gates[0].optimizers[0][0].options["lr"] == "tuned"
