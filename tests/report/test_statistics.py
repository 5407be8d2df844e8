"""What a report says beyond medians, against numbers worked out by hand."""

import dataclasses
import json
import math

import pytest

from optbench.records import ReportModel, StageRecord

KNOWN = {"f_star": 1.0, "f_star_source": "exact"}  # with f0 = 5 a value of 1 has the gap 0


def cell_of(report, optimizer="a", problem="p"):
    return next(cell for cell in report.cells if (cell.optimizer, cell.problem) == (optimizer, problem))


def score_of(report, optimizer, target=1e-8, measure="evaluations"):
    return next(s for s in report.scores_at(measure, target) if s.optimizer == optimizer)


# ---- expected running time


def test_expected_cost_is_what_all_seeds_spent_over_the_number_that_reached_it(results, synthetic):
    """Seed 0 reaches it after 10 of 12 evaluations; seed 1 gives up after 30: 40 for one success."""
    solved, unsolved = synthetic.events_of([1, 10], [5.0, 1.0]), synthetic.events_of([1, 2], [5.0, 4.0])
    results.add("x/a", "x/p", solved, seed=0, evaluations=12, seconds=0.5, seconds_to_target={}, **KNOWN)
    results.add("x/a", "x/p", unsolved, seed=1, evaluations=30, seconds=3.0, counts={"gradient": 7}, **KNOWN)
    cell = cell_of(results.report())
    assert cell.expected["evaluations"] == (40, 40, 40, 40)
    assert cell.expected["gradients"] == (17, 17, 17, 17)
    assert cell.expected["seconds"] == pytest.approx([3.01] * 4)
    assert cell.spent == {"evaluations": 12, "gradients": 5, "seconds": 0.5}


def test_without_a_success_nothing_is_expected(results, synthetic):
    results.add("x/a", "x/p", synthetic.events_of([1, 2], [5.0, 4.0]), evaluations=2, **KNOWN)
    assert cell_of(results.report()).expected["evaluations"] == (None, None, None, None)


# ---- wins, means and areas


def test_only_the_least_cost_wins_and_a_tie_is_won_by_both(results, synthetic):
    for name, costs in (("a", (100, 100)), ("b", (101, 100))):
        for problem, cost in zip("pq", costs, strict=True):
            results.add(f"x/{name}", f"x/{problem}", synthetic.events_of([1, cost], [5.0, 1.0]), **KNOWN)
    report = results.report()
    assert (score_of(report, "a").wins, score_of(report, "b").wins) == (2, 1)


def test_an_unsolved_problem_counts_the_most_that_was_spent_on_it(results, synthetic):
    """a: 10 and unsolved; b: 30 and 90. On the second problem b's 90 exceed what a spent."""
    for name, problem, cost, solves in (("a", "p", 10, 1), ("a", "q", 50, 0), ("b", "p", 30, 1), ("b", "q", 90, 1)):
        trace = synthetic.events_of([1, cost], [5.0, 1.0 if solves else 4.0])
        results.add(f"x/{name}", f"x/{problem}", trace, evaluations=cost, **KNOWN)
    report = results.report()
    assert score_of(report, "a").mean == pytest.approx(math.sqrt(20 * 100) - 10, rel=1e-3)
    assert score_of(report, "b").mean == pytest.approx(math.sqrt(40 * 100) - 10, rel=1e-3)


def test_the_area_is_under_the_profile_over_the_logarithm_of_the_factor(results, synthetic):
    """a is best on both problems; b is 8 times as expensive on one, half of the way to 64, and solves the other not."""
    for name, problem, cost, solves in (("a", "p", 4, 1), ("a", "q", 4, 1), ("b", "p", 32, 1), ("b", "q", 4, 0)):
        results.add(f"x/{name}", f"x/{problem}", synthetic.events_of([1, cost], [5.0, 1.0 if solves else 4.0]), **KNOWN)
    report = results.report()
    assert score_of(report, "a").area == 1.0
    assert score_of(report, "b").area == pytest.approx(0.25)


# ---- weighted costs


def test_weights_add_the_measure_cost_to_cells_curves_and_scores(results, synthetic):
    results.weights = {"value": 1.0, "gradient": 10.0}
    trace = synthetic.events_of([1, 2, 4], [5.0, 3.0, 1.0], gradients=[0, 1, 1])
    results.add("x/a", "x/p", trace, counts={"value": 6, "gradient": 1}, **KNOWN)
    report = results.report()
    assert report.measures == ("evaluations", "gradients", "seconds", "cost")
    assert report.weights_in_words == "value 1, gradient 10"
    assert cell_of(report).costs["cost"][0] == (14, 14, 14)
    assert cell_of(report).spent["cost"] == 16
    assert report.curves[0].costs["cost"] == (1, 12, 13, 14)
    assert score_of(report, "a", measure="cost").cost == 14
    assert ReportModel.from_json(json.loads(json.dumps(report.to_json()))) == report


def test_where_trials_know_their_model_flops_they_are_a_measure_of_those_problems_alone(results, synthetic):
    for name, problem, spent in (
        ("a", "net", [0.0, 3e6, 9e6]),
        ("b", "net", [2e6, 4e6, 6e6]),
        ("b", "bowl", None),
        ("c", "bowl", None),
    ):
        trace = synthetic.events_of([1, 2, 4], [5.0, 3.0, 1.0], flops=spent)
        results.add(f"x/{name}", f"x/{problem}", trace, cost=spent and 1e7, **KNOWN)
    report = results.report()
    assert report.measures == ("evaluations", "gradients", "seconds", "flops")
    assert [problem.flops for problem in report.problems] == [True, False]
    cells = {(cell.optimizer, cell.problem): cell for cell in report.cells}
    first, second = (problem.id for problem in report.problems)
    a, b, c = (item.id for item in report.optimizers)
    assert cells[a, first].costs["flops"][0] == (9e6, 9e6, 9e6)
    assert cells[a, first].spent["flops"] == 1e7
    assert cells[b, second].costs["flops"][0] == (None, None, None)
    by_flops = {score.optimizer: score for score in report.scores_at("flops", report.targets[0])}
    assert {name: (score.problems, score.cost) for name, score in by_flops.items()} == {a: (1, 9e6), b: (1, 6e6)}
    assert {score.optimizer for score in report.scores_at("evaluations", report.targets[0])} == {a, b, c}
    curves = {(curve.optimizer, curve.problem): curve.costs["flops"] for curve in report.curves}
    assert curves[b, first][-1] == 6e6
    assert set(curves[b, second]) == {None}


def test_the_trials_own_weighted_cost_comes_first(results, synthetic):
    results.weights = {"gradient": 10.0}
    reached = dict.fromkeys(synthetic.TARGETS, 3.0)
    trace = synthetic.snapshots_of([0, 4], [5.0, 1.0])
    weighted = dict.fromkeys(synthetic.TARGETS, 31.0)
    results.add(
        "x/a", "x/p", trace, batch_size=8, evaluations_to_target=reached, weighted_cost_to_target=weighted, **KNOWN
    )
    assert cell_of(results.report()).costs["cost"][0][1] == 31.0


def test_without_weights_there_is_no_cost(results, synthetic):
    results.add("x/a", "x/p", synthetic.events_of([1, 2], [5.0, 1.0]), **KNOWN)
    report = results.report()
    assert "cost" not in report.measures
    assert report.weights_in_words == ""


def test_a_problem_where_nothing_weighted_is_counted_is_named(results, synthetic):
    results.weights = {"examples": 1.0}
    for problem, examples in (("p", 500), ("q", 0)):
        counts = {"gradient": 5, "examples": examples}
        results.add("x/a", f"x/{problem}", synthetic.events_of([1, 2], [5.0, 1.0]), counts=counts, **KNOWN)
    assert [note for note in results.report().notes if "has a weight" in note] == [
        "Next to nothing that has a weight was counted on q: costs say nothing there."
    ]


# ---- what curves show


def test_where_an_average_is_scored_the_curve_is_the_averages(results, synthetic):
    """The log of such a trial holds the iterates' values."""
    record = results.add("x/a", "x/p", synthetic.snapshots_of([1, 2], [5.0, 3.0]), scored_at_snapshots=True, **KNOWN)
    results.events[record.id] = synthetic.events_of([1, 2], [5.0, 1.0])
    assert results.report().curves[0].median == pytest.approx((1, 0.5))


def test_values_of_another_stages_objective_are_not_on_the_curve(results, synthetic):
    trace = synthetic.events_of([1, 2, 3], [0.5, 5.0, 3.0])
    columns = {name: list(trace[name]) for name in trace.columns} | {"stage": [0.0, 1.0, 1.0]}
    stages = (StageRecord(on_curve=False), StageRecord())
    results.add("x/a", "x/p", type(trace).from_columns(columns), f0=5.0, stages=stages, **KNOWN)
    assert results.report().curves[0].median == pytest.approx((1, 0.5))


# ---- thresholds of metrics


def test_thresholds_of_metrics_stand_in_the_cell(results, synthetic):
    results.targets = ("relative:1e-01", "test-accuracy>=0.9")
    for seed, (count, second) in enumerate([(20.0, 0.2), (30.0, 0.6), (None, None)]):
        results.add(
            "x/a",
            "x/p",
            synthetic.events_of([1, 2], [5.0, 1.0]),
            seed=seed,
            evaluations_to_target={"test-accuracy>=0.9": count},
            seconds_to_target={"test-accuracy>=0.9": second},
            **KNOWN,
        )
    (threshold,) = cell_of(results.report()).thresholds
    assert dataclasses.astuple(threshold) == ("test-accuracy>=0.9", 2, 30.0, 0.6)


# ---- times that are not to be believed


def test_doubtful_times_are_counted_by_cell_and_told_in_one_note(results, synthetic):
    load, drift = "load: 3.0 processes on 2 processors; stop other work", "drift: the machine was 20% slower"
    for seed, reasons in enumerate([(load, drift), (load, "load: preempted"), (), ("metrics: error: no",)]):
        results.add("x/a", "x/p", synthetic.events_of([1, 2], [5.0, 1.0]), seed=seed, unreliable=reasons, **KNOWN)
    report = results.report()
    assert cell_of(report).unreliable == 2
    causes = "other work on the machine (2), the machine was slower than usual in this run (1)"
    assert report.notes[:2] == (
        f"Times of 2 of 4 trials are not to be believed, marked †: {causes}.",
        "Metrics of 1 of 4 trials could not be evaluated: what is scored by them is missing.",
    )


def test_nothing_is_marked_where_nothing_is_doubtful(results, synthetic):
    results.add("x/a", "x/p", synthetic.events_of([1, 2], [5.0, 1.0]), **KNOWN)
    report = results.report()
    assert cell_of(report).unreliable == 0
    assert not [note for note in report.notes if "†" in note]


# ---- verdicts


def add_pair(results, synthetic, ratio, *, seeds=1, problems=1, noise=1.0):
    """Add a, and b that costs `ratio` times as much, more or less `noise`."""
    for problem in range(problems):
        for seed in range(seeds):
            other = ratio * (noise if (seed + problem) % 2 else 1 / noise)
            for name, cost in (("a", 100 + seed), ("b", other * (100 + seed))):
                trace = synthetic.events_of([1, cost], [5.0, 1.0])
                results.add(f"x/{name}", f"x/p{problem}", trace, seed=seed, batch_size=None, **KNOWN)


def verdicts(report, measure="evaluations", target=1e-8):
    rows = [row for row in report.versus if (row.measure, row.target) == (measure, target)]
    return {row.optimizer: row.verdict for row in rows}


@pytest.mark.parametrize("sample", [{"seeds": 12}, {"problems": 12}, {"seeds": 12, "problems": 3}])
def test_a_difference_beyond_noise_is_a_verdict(results, synthetic, sample):
    add_pair(results, synthetic, 1.5, noise=1.1, **sample)
    report = results.report()
    (row,) = [row for row in report.versus if (row.measure, row.target) == ("evaluations", 1e-8)]
    assert (row.optimizer, row.leader, row.verdict) == ("b", "a", "slower")
    assert 1 < row.low <= row.ratio <= row.high
    assert row.ratio == pytest.approx(1.5, rel=0.02)
    assert report.level_with_leader("evaluations", 1e-8) == frozenset()


@pytest.mark.parametrize("sample", [{"seeds": 12}, {"problems": 12}])
def test_a_difference_within_noise_is_none(results, synthetic, sample):
    add_pair(results, synthetic, 1.01, noise=1.5, **sample)
    report = results.report()
    other = next(o.id for o in report.optimizers if o.id != report.scores_at("evaluations", 1e-8)[0].optimizer)
    assert verdicts(report) == {other: "within noise"}
    assert report.level_with_leader("evaluations", 1e-8) == {other}


@pytest.mark.parametrize(
    ("sample", "told"),
    [
        ({"seeds": 11}, "11 seeds are too few to tell a difference from chance (12 are needed): no verdict is given."),
        (
            {"problems": 11},
            "One seed and 11 of 12 problems are too few to tell a difference from chance: no verdict is given.",
        ),
    ],
)
def test_too_few_pairs_give_no_verdict_and_one_note(results, synthetic, sample, told):
    add_pair(results, synthetic, 5.0, **sample)
    report = results.report()
    assert report.versus == ()
    assert [note for note in report.notes if "verdict" in note] == [told]


def test_a_trial_that_no_seed_changes_stands_for_all_seeds(results, synthetic):
    add_pair(results, synthetic, 2.0, seeds=12)
    for name, cost in (("a", 10), ("b", 20)):
        results.add(f"x/{name}", "x/fixed", synthetic.events_of([1, cost], [5.0, 1.0]), **KNOWN)
    report = results.report()
    assert {row.pairs for row in report.versus if row.measure == "evaluations"} == {24}
    assert verdicts(report) == {"b": "slower"}


def test_nobody_is_compared_where_nobody_solves_anything(results, synthetic):
    for seed in range(12):
        for name in ("a", "b"):
            results.add(f"x/{name}", "x/p", synthetic.events_of([1, 2], [5.0, 4.9]), seed=seed, **KNOWN)
    assert results.report().versus == ()


def test_one_optimizer_is_compared_with_nobody(results, synthetic):
    for seed in range(12):
        results.add("x/a", "x/p", synthetic.events_of([1, 2], [5.0, 1.0]), seed=seed, **KNOWN)
    assert results.report().versus == ()


@pytest.mark.parametrize(("others", "verdict"), [(1, "slower"), (6, "within noise")])
def test_verdicts_count_how_many_are_compared(results, synthetic, others, verdict):
    """Each other optimizer has t = 2.7 on 11 degrees of freedom, p = 0.02; six times that is more than 0.05."""
    spread = math.sqrt(11 / 12)  # of ±1 in equal numbers, as a sample
    for problem in range(12):
        for other in range(others + 1):
            logarithm = (2.7 / math.sqrt(12) + (-1) ** problem * spread) * 0.1 if other else 0.0
            trace = synthetic.events_of([1, 1e6 * math.exp(logarithm)], [5.0, 1.0])
            results.add(f"x/o{other}", f"x/p{problem}", trace, **KNOWN)
    assert set(verdicts(results.report()).values()) == {verdict}
