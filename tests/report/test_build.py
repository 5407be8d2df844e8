"""`build_report` against numbers worked out by hand from a few trials."""

import json
from dataclasses import replace

import pytest

from optbench.records import Component, Entry, ReportModel, Status

EVENTS = ([1, 2, 3, 4], [5.0, 1.4, 1.6, 1.0004])  # gaps with f* = 1, f0 = 5: 1, 0.1, (0.15), 1e-4
KNOWN = {"f_star": 1.0, "f_star_source": "exact"}


def cell_of(report, optimizer="a", problem="p"):
    return next(cell for cell in report.cells if (cell.optimizer, cell.problem) == (optimizer, problem))


def score_of(report, optimizer, target, measure="evaluations"):
    return next(s for s in report.scores_at(measure, target) if s.optimizer == optimizer)


def test_report_round_trips_through_json(synthetic):
    report = synthetic.full_results().report()
    assert ReportModel.from_json(json.loads(json.dumps(report.to_json(), allow_nan=False))) == report


def test_costs_come_from_the_curve_where_the_trial_did_not_score_them(results, synthetic):
    results.add("x/a", "x/p", synthetic.events_of(*EVENTS, gradients=[0, 1, 1, 2]), **KNOWN)
    costs = cell_of(results.report()).costs
    assert [q[1] for q in costs["evaluations"]] == [2, 4, None, None]
    assert [q[1] for q in costs["gradients"]] == [1, 2, None, None]
    assert [q[1] for q in costs["seconds"]] == [0.002, 0.004, None, None]


def test_the_trials_own_scoring_comes_first(results, synthetic):
    """Between snapshots the trial knows better; gradients are interpolated over counts."""
    scored = {"relative:1e-01": 3.0, "relative:1e-03": None, "relative:1e-05": None, "relative:1e-08": None}
    trace = synthetic.snapshots_of([0, 4], [5.0, 1.0])
    results.add(
        "x/a",
        "x/p",
        trace,
        batch_size=8,
        evaluations_to_target=scored,
        seconds_to_target={"relative:1e-01": 0.5},
        **KNOWN,
    )
    costs = cell_of(results.report()).costs
    assert [q[1] for q in costs["evaluations"]] == [3, None, None, None]
    assert costs["gradients"][0][1] == 3
    assert costs["seconds"][0][1] == 0.5


def test_curve_of_a_deterministic_problem_is_the_best_so_far(results, synthetic):
    results.add("x/a", "x/p", synthetic.events_of(*EVENTS), **KNOWN)
    (curve,) = results.report().curves
    assert curve.costs["evaluations"] == (1, 2, 3, 4)
    assert curve.median == pytest.approx((1, 0.1, 0.1, 1e-4))


def test_curve_of_a_problem_with_minibatches_is_the_last_iterate(results, synthetic):
    results.add("x/a", "x/p", synthetic.snapshots_of([1, 2, 3], [5.0, 1.4, 3.0]), batch_size=8, **KNOWN)
    (curve,) = results.report().curves
    assert curve.median == pytest.approx((1, 0.1, 0.5))


def test_values_that_were_not_evaluated_are_no_points(results, synthetic):
    results.add("x/a", "x/p", synthetic.events_of([1, 2, 3], [5.0, float("nan"), 3.0]), f_star=1.0)
    assert results.report().curves[0].median == pytest.approx((1, 1, 0.5))


def test_gap_is_from_where_descent_ends_where_that_is_known(results, synthetic):
    results.add("x/a", "x/p", synthetic.events_of([1, 2], [5.0, 3.5]), f_star=0.0, f_star_from_start=3.0)
    report = results.report()
    assert report.problems[0].reference == "where descent from the standard start ends"
    assert report.curves[0].median[-1] == pytest.approx(0.25)


def test_without_a_minimum_the_best_in_the_set_serves_and_the_report_says_so(results, synthetic):
    results.add("x/a", "x/p", synthetic.events_of([1, 2], [5.0, 2.0]))
    results.add("x/b", "x/p", synthetic.events_of([1, 2], [5.0, 1.0]))
    report = results.report()
    assert (report.problems[0].reference, report.problems[0].f_star) == ("best in this set", 1.0)
    assert cell_of(report, "a").gap == pytest.approx(0.25)
    assert any("minimum is not known on p" in note for note in report.notes)


def test_each_seed_has_its_own_start(results, synthetic):
    """A learning problem draws its weights: a gap is relative to the trial's own f0."""
    for seed, start in enumerate((5.0, 9.0)):
        results.add("x/a", "x/p", synthetic.events_of([1, 2], [start, (start + 1) / 2]), seed=seed, f_star=1.0)
    assert results.report().curves[0].median[0] == pytest.approx(1)


@pytest.mark.parametrize(("reaching", "cost"), [(2, 2), (1, None)])
def test_a_problem_is_solved_if_half_of_the_seeds_reach_the_target(results, synthetic, reaching, cost):
    for seed in range(4):
        values = EVENTS[1] if seed < reaching else [5.0] * 4
        results.add("x/a", "x/p", synthetic.events_of(EVENTS[0], values), seed=seed, **KNOWN)
    report = results.report()
    assert cell_of(report).hits == (reaching, reaching, 0, 0)
    assert cell_of(report).costs["evaluations"][0][1] == cost
    assert score_of(report, "a", 0.1).solved == (cost is not None)


def test_repetitions_of_a_seed_count_once_with_their_median_time(results, synthetic):
    for repetition, second in enumerate((0.1, 0.3, 0.2)):
        trace = synthetic.events_of([1, 2], [5.0, 1.0], seconds=[0, second])
        results.add("x/a", "x/p", trace, repetition=repetition, **KNOWN)
    cell = cell_of(results.report())
    assert cell.seeds == 1
    assert cell.costs["seconds"][0][1] == 0.2


def test_skipped_trials_are_neither_solved_nor_unsolved(results, synthetic):
    results.add("x/a", "x/p", synthetic.events_of(*EVENTS), **KNOWN)
    results.add("x/a", "x/q", status=Status.SKIPPED, reason="needs a Hessian")
    report = results.report()
    assert score_of(report, "a", 0.1).trials == 1
    assert score_of(report, "a", 0.1).problems == 1
    assert report.failures[0].message == "needs a Hessian"


def test_scores_compare_with_the_best_on_each_problem(results, synthetic):
    for problem, (a, b) in {"x/p": (2, 8), "x/q": (4, 2), "x/r": (2, 99)}.items():
        for name, cost in (("x/a", a), ("x/b", b)):
            values = [5.0, 1.0] if cost < 99 else [5.0, 4.0]
            results.add(name, problem, synthetic.events_of([1, cost], values), **KNOWN)
    report = results.report()
    a, b = score_of(report, "a", 1e-8), score_of(report, "b", 1e-8)
    assert (a.slowdown, a.wins, a.solved, a.cost) == (1, 2, 3, 2)  # ratios 1, 2, 1
    assert (b.slowdown, b.wins, b.solved, b.hits) == (4, 1, 2, 2)  # ratios 4, 1, inf
    assert [s.optimizer for s in report.scores_at("evaluations", 1e-8)] == ["a", "b"]


def test_optimizers_without_gradients_have_no_score_in_gradients(results, synthetic):
    results.add("x/a", "x/p", synthetic.events_of(*EVENTS), counts={"value": 4}, **KNOWN)
    report = results.report()
    assert not report.optimizers[0].gradients
    assert report.scores_at("gradients", 0.1) == ()


def test_failures_tell_their_message_once_and_end_their_curve(results, synthetic):
    for seed in range(2):
        trace = synthetic.events_of(*EVENTS)
        results.add("x/a", "x/p", trace, seed=seed, status=Status.ERROR, message="LinAlgError", **KNOWN)
    report = results.report()
    (failure,) = report.failures
    assert (failure.status, failure.message, failure.seeds) == ("error", "LinAlgError", (0, 1))
    assert report.curves[0].ends[0] == pytest.approx((4, 4, 0.004, 1e-4))


def test_a_diverged_curve_holds_no_infinite_number(results, synthetic):
    results.add(
        "x/a",
        "x/p",
        synthetic.snapshots_of([1, 2], [5.0, float("inf")]),
        batch_size=1,
        status=Status.DIVERGED,
        f_star=1.0,
    )
    assert results.report().curves[0].median == (1, None)


def test_the_same_problem_on_two_precisions_is_two_problems(results, synthetic):
    from dataclasses import replace

    record = results.add("x/a", "x/p", synthetic.events_of(*EVENTS), **KNOWN)
    results.records.append(replace(record, spec=replace(record.spec, dtype="float32")))
    assert [p.label for p in results.report().problems] == ["p [float64]", "p [float32]"]


def test_unreliable_times_are_noted_with_their_number(synthetic):
    report = synthetic.full_results().report()
    (note,) = [note for note in report.notes if "not to be believed" in note]
    assert note == "Times of 72 of 216 trials are not to be believed, marked †: several trials at once (72)."


def test_no_records_make_a_report_that_says_so(results):
    report = results.report()
    assert report.trials == 0
    assert report.notes == ("No results: no trial of this suite has been run.",)


def test_targets_are_the_suites_relative_ones(results, synthetic):
    results.targets = ("gradient:1e-06", "relative:1e-02", "relative:1e-01")
    results.add("x/a", "x/p", synthetic.events_of(*EVENTS), **KNOWN)
    assert results.report().targets == (0.1, 0.01)


def test_order_is_the_suites_whatever_the_records_order(results, synthetic):
    for name in ("x/b", "x/a"):
        results.add(name, "x/p", synthetic.events_of(*EVENTS), **KNOWN)
    results.records.reverse()
    assert [item.label for item in results.report().optimizers] == ["b", "a"]


def test_labels_show_what_differs_from_the_default(results, synthetic):
    for history in (10, 5):
        results.add(
            Component(name="x/lbfgs", options={"history": history, "c1": 1e-4}), "x/p", synthetic.events_of(*EVENTS)
        )
    results.add("x/sgd", "x/p", synthetic.events_of(*EVENTS), meta=("y/polyak",))
    results.optimizer_info["x/lbfgs"] = {"defaults": {"history": 10, "c1": 1e-4}}
    assert [item.label for item in results.report().optimizers] == ["lbfgs", "lbfgs(history=5)", "sgd + polyak"]


@pytest.mark.parametrize("ranking", [True, False])
def test_shares_of_some_problems_are_told_where_shares_are_shown(results, synthetic, ranking):
    for optimizer, problem in (("x/a", "x/p"), ("x/a", "x/q"), ("x/b", "x/p")):
        results.add(optimizer, problem, synthetic.events_of([1, 2], [5.0, 1.0]), f_star=1.0)
    told = [note for note in results.report(ranking=ranking).notes if "ran on some of the 2 problems only" in note]
    assert len(told) == ranking


def test_an_optimizer_that_stands_in_several_groups_is_missed_once(results, synthetic):
    results.add("x/a", "x/p", synthetic.events_of(*EVENTS), **KNOWN)
    (ran,) = results.optimizers
    results.optimizers += [replace(ran, groups=("other",))]
    assert not [note for note in results.report().notes if "no results" in note]
    results.optimizers += [Entry(use=Component(name="x/b"), groups=(group,)) for group in ("main", "other")]
    assert "1 of the suite's 2 optimizers has no results." in results.report().notes
