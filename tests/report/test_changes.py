"""What got better or worse between two sets of results, against hand-computed and independent values."""

import math
import warnings
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import ttest_1samp, ttest_ind, wilcoxon

from optbench.analysis import welch_interval
from optbench.records import Component, Outcome, Status
from optbench.report import (
    bytes_of,
    effects,
    evaluations_to,
    headline_target,
    metric,
    paired_arms,
    problem_labels,
    unpaired_problems,
)

TARGET = "relative:1e-05"
EVALUATIONS = [evaluations_to(TARGET)]


def trials(synthetic, costs, *, optimizer="q/lbfgs", status=Status.TARGET, **fields):
    """Return trials of one optimizer: `costs` maps (problem, seed) to evaluations, None where it was not solved."""
    results = synthetic.Results()
    for (problem, seed), cost in costs.items():
        results.add(optimizer, f"f/{problem}", seed=seed, status=status, evaluations_to_target={TARGET: cost}, **fields)
    return results.records


def judged(before, after, measures=EVALUATIONS, margin=1.0):
    """Return the effects of the arms that both have."""
    pairs, _ = paired_arms(before, after, {})
    return effects(pairs, lambda _: measures, problem_labels([*before, *after], {}), margin)


def grid(function, problems=6, seeds=3):
    return {(f"p{p}", s): function(p, s) for p in range(problems) for s in range(seeds)}


def test_a_tenth_more_evaluations_is_worse_with_the_interval_of_student(synthetic):
    base = grid(lambda p, s: 40.0 * (p + 1) + 7 * s)
    ratios = grid(lambda p, s: 1.1 + 0.01 * math.sin(5 * p + s))
    (effect,), problems = judged(
        trials(synthetic, base), trials(synthetic, {key: cost * ratios[key] for key, cost in base.items()})
    )
    means = [np.mean([math.log(ratios[f"p{p}", s]) for s in range(3)]) for p in range(6)]
    interval = ttest_1samp(means, 0).confidence_interval()
    assert effect.outcome is Outcome.WORSE
    assert effect.ratio == pytest.approx(math.exp(np.mean(means)), rel=1e-12)
    assert (effect.low, effect.high) == pytest.approx((math.exp(interval.low), math.exp(interval.high)), rel=1e-9)
    assert effect.low < 1.1 < effect.high
    assert effect.low > 1
    assert (effect.problems, effect.pairs, len(problems)) == (6, 18, 6)


def test_fewer_evaluations_are_better_and_equal_ones_the_same(synthetic):
    base = grid(lambda p, s: 30.0 + p)
    before = trials(synthetic, base)
    better = judged(before, trials(synthetic, {key: 0.5 * cost for key, cost in base.items()}))[0][0]
    same = judged(before, trials(synthetic, base))[0][0]
    assert (better.outcome, better.ratio) == (Outcome.BETTER, pytest.approx(0.5))
    assert (same.outcome, same.ratio, same.low, same.high) == (Outcome.SAME, 1.0, 1.0, 1.0)


def test_a_change_within_the_margin_is_none(synthetic):
    base = grid(lambda p, s: 1000.0 + p)
    (effect,), _ = judged(
        trials(synthetic, base), trials(synthetic, {key: 1.005 * cost for key, cost in base.items()}), margin=1.01
    )
    assert effect.outcome is Outcome.UNDECIDED


@pytest.mark.parametrize("problems", [1, 4])
def test_other_seeds_are_seldom_told_apart_and_a_doubling_is(synthetic, problems):
    random = np.random.default_rng(3)
    verdicts, doubled = [], []
    for _ in range(60):
        draws = [
            {(f"p{p}", s + 100 * side): 50 * random.lognormal(0, 0.2) for p in range(problems) for s in range(8)}
            for side in (0, 1)
        ]
        before, after = (trials(synthetic, side) for side in draws)
        verdicts.append(judged(before, after)[0][0].outcome)
        more = trials(synthetic, {key: 2 * cost for key, cost in draws[1].items()})
        doubled.append(judged(before, more)[0][0].outcome)
    assert sum(outcome is not Outcome.UNDECIDED for outcome in verdicts) <= 8  # 5 % of 60 expected: 9 has p = 0.003
    assert set(doubled) == {Outcome.WORSE}


def test_problems_that_are_lost_are_worse_by_the_exact_sign_test(synthetic):
    base = grid(lambda p, s: 40.0, problems=8, seeds=1)
    lost = {key: None if index < 7 else cost for index, (key, cost) in enumerate(base.items())}
    (effect,), problems = judged(trials(synthetic, base), trials(synthetic, lost))
    assert (effect.outcome, effect.solved_before, effect.solved_after) == (Outcome.SOLVES_LESS, 8, 1)
    assert effect.p_value == pytest.approx(2 * 2 * 0.5**7)  # Holm over the sign test and the ranks
    assert [row.after for row in problems].count(math.inf) == 7
    gained = judged(trials(synthetic, lost), trials(synthetic, base))[0][0]
    assert gained.outcome is Outcome.SOLVES_MORE


def test_two_lost_problems_of_eight_are_not_told_apart_from_chance(synthetic):
    base = grid(lambda p, s: 40.0, problems=8, seeds=1)
    lost = {key: None if index < 2 else cost for index, (key, cost) in enumerate(base.items())}
    assert judged(trials(synthetic, base), trials(synthetic, lost))[0][0].outcome is Outcome.UNDECIDED


def test_one_pair_of_counts_stands_by_itself_and_of_times_does_not(synthetic):
    before, after = (trials(synthetic, {("p", 0): cost}) for cost in (40, 44))
    (effect,), _ = judged(before, after)
    assert (effect.outcome, effect.low, effect.p_value) == (Outcome.WORSE, None, None)
    other = trials(synthetic, {("p", 5): 44})
    assert judged(before, other)[0][0].outcome is Outcome.UNDECIDED


@pytest.mark.parametrize("seeds", [1, 5])
def test_a_tenth_more_in_each_pair_of_two_problems_is_worse_beside_arms_that_did_not_change(synthetic, seeds):
    """Two problems leave one degree of freedom: rounded counts would hide the tenth from Student's test."""
    base = grid(lambda p, s: 31 + 18 * p + 7 * s, problems=2, seeds=seeds)
    sides = []
    for factor in (1.0, 1.1):
        changed = trials(synthetic, {key: round(factor * cost) for key, cost in base.items()}, optimizer="q/a")
        sides.append(changed + trials(synthetic, base, optimizer="q/b"))
    worse, same = judged(*sides, margin=1.01)[0]
    assert (worse.outcome, same.outcome, same.p_value) == (Outcome.WORSE, Outcome.SAME, None)
    assert worse.low < 1.1 < worse.high
    mixed = trials(synthetic, {key: cost + (3 if key[0] == "p0" else -3) for key, cost in base.items()})
    assert judged(trials(synthetic, base), mixed)[0][0].outcome is Outcome.UNDECIDED


def test_what_did_not_change_is_no_test_that_others_pay_for(synthetic):
    base = grid(lambda p, s: 100.0, problems=5, seeds=1)
    logs = [0.1, 0.02, 0.08, 0.05, 0.06]
    moved = {key: cost * math.exp(log) for (key, cost), log in zip(base.items(), logs, strict=True)}
    before, after = trials(synthetic, base, optimizer="q/a"), trials(synthetic, moved, optimizer="q/a")
    for arm in "bcdefghi":
        before, after = (side + trials(synthetic, base, optimizer=f"q/{arm}") for side in (before, after))
    (effect, *_), _ = judged(before, after)
    assert effect.outcome is Outcome.WORSE
    assert effect.p_value == pytest.approx(ttest_1samp(logs, 0).pvalue)


def test_one_pair_that_is_no_longer_solved_solves_less(synthetic):
    before, after = (trials(synthetic, {("p", 0): cost}) for cost in (40, None))
    assert judged(before, after)[0][0].outcome is Outcome.SOLVES_LESS
    assert judged(after, before)[0][0].outcome is Outcome.SOLVES_MORE


def test_seeds_of_one_problem_are_two_samples_where_none_is_shared(synthetic):
    one, two = [40.0, 44, 43, 41, 45], [52.0, 50, 55, 49, 53]
    before = trials(synthetic, {("p", seed): cost for seed, cost in enumerate(one)})
    after = trials(synthetic, {("p", 50 + seed): cost for seed, cost in enumerate(two)})
    (effect,), _ = judged(before, after)
    expected = ttest_ind(np.log(two), np.log(one), equal_var=False)
    assert effect.outcome is Outcome.WORSE
    assert effect.p_value == pytest.approx(expected.pvalue)
    assert effect.low == pytest.approx(math.exp(expected.confidence_interval().low))


def test_unsolved_seeds_of_two_samples_rank_last(synthetic):
    before = trials(synthetic, {("p", seed): 40.0 + seed for seed in range(8)})
    after = trials(synthetic, {("p", 50 + seed): None for seed in range(8)})
    assert judged(before, after)[0][0].outcome is Outcome.SOLVES_LESS


def test_an_error_counts_as_unsolved_and_a_skipped_trial_does_not_count(synthetic):
    base = grid(lambda p, s: 40.0, problems=8, seeds=1)
    before = trials(synthetic, base)
    results = synthetic.Results()
    for problem, _ in base:
        results.add("q/lbfgs", f"f/{problem}", status=Status.ERROR)
    assert judged(before, results.records)[0][0].outcome is Outcome.SOLVES_LESS
    skipped = synthetic.Results()
    skipped.add("q/lbfgs", "f/p0", status=Status.SKIPPED)
    assert judged(before, skipped.records) == ((), ())


def test_many_comparisons_are_adjusted_together(synthetic):
    """An effect with p = 0.04 stands alone, and falls among ten."""
    base = {(f"p{p}", 0): 100.0 for p in range(5)}
    telling, none = [1.06 + step for step in (-1, -0.5, 0, 0.5, 1)], [1.0, -1.0, 0.5, -0.5, 0.1]

    def arm(index, logs):
        moved = {key: cost * math.exp(0.05 * log) for (key, cost), log in zip(base.items(), logs, strict=True)}
        return [trials(synthetic, side, optimizer=f"q/a{index}") for side in (base, moved)]

    alone = judged(*arm(0, telling))[0][0]
    assert alone.outcome is Outcome.WORSE
    assert 0.03 < alone.p_value < 0.05
    arms = [arm(index, none if index else telling) for index in range(10)]
    before, after = ([record for sides in arms for record in sides[side]] for side in (0, 1))
    found, _ = judged(before, after)
    assert {effect.outcome for effect in found} == {Outcome.UNDECIDED}
    assert found[0].p_value == pytest.approx(10 * alone.p_value)


def test_bytes_are_compared_and_nothing_of_nothing_is_the_same(synthetic):
    costs = {("p0", 0): 10, ("p1", 0): 10}
    before = trials(synthetic, costs, state_bytes=0, peak_live_bytes=100)
    after = trials(synthetic, costs, state_bytes=0, peak_live_bytes=210)
    found, _ = judged(before, after, [bytes_of("state_bytes"), bytes_of("peak_live_bytes")])
    assert [effect.outcome for effect in found] == [Outcome.SAME, Outcome.WORSE]
    assert found[1].ratio == pytest.approx(2.1)
    grown = trials(synthetic, costs, state_bytes=8)
    assert judged(before, grown, [bytes_of("state_bytes")])[0][0].ratio is None


@pytest.mark.parametrize(("higher", "outcome"), [(True, Outcome.BETTER), (False, Outcome.WORSE)])
def test_metrics_are_compared_by_differences_in_their_own_direction(synthetic, higher, outcome):
    results = [synthetic.Results() for _ in range(2)]
    for side, shift in zip(results, (0.0, 0.05), strict=True):
        for seed in range(6):
            side.add("s/adam", "l/net", seed=seed, metrics={"accuracy": 0.9 + shift + 0.001 * seed * (1 + 20 * shift)})
    (effect,), _ = judged(results[0].records, results[1].records, [metric("accuracy", higher_is_better=higher)])
    assert effect.outcome is outcome
    assert effect.ratio is None
    assert effect.difference == pytest.approx(0.05 + 0.001 * 2.5)


def test_an_arm_is_found_again_by_its_name_when_it_has_a_new_option(synthetic):
    old, new = (
        Component(name="q/lbfgs", options={"history": 10}),
        Component(name="q/lbfgs", options={"history": 10, "b": 1}),
    )
    before = trials(synthetic, {("p", 0): 40}, optimizer=old)
    pairs, missing = paired_arms(before, trials(synthetic, {("p", 0): 40}, optimizer=new), {})
    assert [len(pair.after) for pair in pairs] == [1]
    assert missing == []
    two = [
        *trials(synthetic, {("p", 0): 40}, optimizer=new),
        *trials(synthetic, {("p", 0): 4}, optimizer=Component(name="q/lbfgs")),
    ]
    pairs, missing = paired_arms(before, two, {})
    assert (pairs, len(missing)) == ([], 3)


def test_the_headline_is_the_strictest_target_that_half_reach(synthetic):
    targets = ("relative:1e-01", "relative:1e-05", "gradient:1e-06")
    results = synthetic.Results()
    for seed in range(4):
        reached = {"relative:1e-01": 3, "relative:1e-05": 30 if seed < 2 else None, "gradient:1e-06": 40}
        results.add("q/lbfgs", "f/p", seed=seed, evaluations_to_target=reached)
    assert headline_target(targets, results.records) == "relative:1e-05"
    assert headline_target(targets, results.records[2:]) == "relative:1e-01"
    assert headline_target(targets, []) == "relative:1e-01"
    assert headline_target((), results.records) is None


def test_welch_agrees_with_scipy_and_takes_equal_values_at_their_word():
    one, two = np.array([1.0, 2.0, 4.0]), np.array([0.5, 0.4, 0.1, 0.2])
    found, expected = welch_interval(one, two), ttest_ind(one, two, equal_var=False)
    assert (found.low, found.high) == pytest.approx(tuple(expected.confidence_interval()))
    assert found.p_value == pytest.approx(expected.pvalue)
    assert welch_interval([1, 1], [2, 2]).p_value == 0
    with warnings.catch_warnings(action="error"):
        assert welch_interval([3, 3], [1, 2]).estimate == 1.5
    assert math.isnan(welch_interval([1], [2, 2]).low)


@pytest.mark.parametrize("problems", [3, 6])
def test_all_that_was_solved_and_is_not_any_more_solves_less_however_few_problems(synthetic, problems):
    before = trials(synthetic, grid(lambda p, s: 40.0 + p, problems))
    lost = trials(synthetic, grid(lambda p, s: None, problems))
    (effect,), _ = judged(before, lost, margin=1.01)
    assert (effect.outcome, effect.solved_before, effect.solved_after) == (Outcome.SOLVES_LESS, 3 * problems, 0)
    assert judged(lost, before, margin=1.01)[0][0].outcome is Outcome.SOLVES_MORE
    one_kept = trials(synthetic, grid(lambda p, s: 40.0 if p + s == 0 else None, problems))
    assert judged(before, one_kept, margin=1.01)[0][0].outcome is Outcome.UNDECIDED  # pairs differ, tests are too weak


def test_more_than_nothing_is_worse_but_not_less_often_solved(synthetic):
    nothing, some = (trials(synthetic, grid(lambda p, s, v=v: v, 9), state_bytes=int(v)) for v in (0.0, 5.0))
    found, _ = judged(nothing, some, [*EVALUATIONS, bytes_of("state_bytes")])
    assert [effect.outcome for effect in found] == [Outcome.WORSE, Outcome.WORSE]
    found, _ = judged(some, nothing, [*EVALUATIONS, bytes_of("state_bytes")])
    assert [effect.outcome for effect in found] == [Outcome.BETTER, Outcome.BETTER]


def test_a_metric_without_bounds_is_judged_by_ranks(synthetic):
    costs = grid(lambda p, s: 1.0, problems=8)
    before, after = [
        [replace(record, metrics={"loss": value(index)}) for index, record in enumerate(trials(synthetic, costs))]
        for value in (lambda index: 0.1 * index, lambda index: math.inf if index < 3 else 0.1 * index + 1)
    ]
    (effect,), problems = judged(before, after, [metric("loss", higher_is_better=False)])
    assert (effect.outcome, effect.low, effect.high) == (Outcome.WORSE, None, None)
    assert effect.p_value == pytest.approx(wilcoxon(range(1, 9)).pvalue)
    assert problems[0].to_row()["after"] == "inf"


def test_a_problem_of_another_size_is_another_problem_and_told(synthetic):
    def sized(**options):
        results = synthetic.Results()
        for name, given in (("bowl", {}), ("bent", options)):
            problem = Component(name=f"f/{name}", options=given)
            results.add("q/lbfgs", problem, status=Status.TARGET, evaluations_to_target={TARGET: 9.0})
        return results.records

    def told(before, after):
        pairs, missing = paired_arms(before, after, {})
        assert not missing
        label = problem_labels([*before, *after], {})
        return len(judged(before, after)[1]), unpaired_problems(pairs, label)

    assert told(sized(n=10), sized(n=100)) == (1, ["bent(n=10): only before", "bent(n=100): only after"])
    assert told(sized(n=10), sized(n=10, shift=0.0)) == (2, [])


def test_solved_counts_are_those_of_the_pairs(synthetic):
    before = trials(synthetic, grid(lambda p, s: 9.0, seeds=2))
    after = trials(synthetic, grid(lambda p, s: 9.0, seeds=5))
    (effect,), _ = judged(before, after)
    assert (effect.pairs, effect.solved_before, effect.solved_after) == (12, 12, 12)


@pytest.mark.parametrize(
    ("places", "told"),
    [
        ([("cpu", "float64")], ["p"]),
        ([("cpu", "float64"), ("cpu", "float32")], ["p [float64]", "p [float32]"]),
        ([("cpu", "float64"), ("cuda", "float64")], ["p [cpu]", "p [cuda]"]),
        ([("cpu", "float64"), ("cuda", "float32")], ["p [cpu, float64]", "p [cuda, float32]"]),
    ],
)
def test_a_problem_is_named_with_its_device_and_precision_where_there_are_several(synthetic, places, told):
    results = synthetic.Results()
    for _ in places:
        results.add("q/lbfgs", "f/p")
    records = [
        replace(record, spec=replace(record.spec, device=device, dtype=dtype))
        for record, (device, dtype) in zip(results.records, places, strict=True)
    ]
    label = problem_labels(records, {})
    assert [label(record) for record in records] == told


def apart(synthetic, before, after, **fields):
    """Return trials of two sides whose seeds are all different; values by problem."""
    sides = []
    for first, values in ((0, before), (50, after)):
        costs = {(name, first + seed): value for name, row in values.items() for seed, value in enumerate(row)}
        sides.append(trials(synthetic, costs, **fields))
    return sides


def test_an_effect_that_stands_alone_may_fall_once_another_is_counted(synthetic):
    """p = 0.04 alone, 0.08 beside another."""
    logs = [1.06 + step for step in (-1, -0.5, 0, 0.5, 1)]
    sides = [[], []]
    for name, moved in (("q/a", logs), ("q/b", [1.0, -1.0, 0.5, -0.5, 0.1])):
        before = {(f"p{p}", 0): 100.0 for p in range(5)}
        after = {(f"p{p}", 0): 100.0 * math.exp(0.05 * log) for p, log in enumerate(moved)}
        sides[0] += trials(synthetic, before, optimizer=name)
        sides[1] += trials(synthetic, after, optimizer=name)
    effect, _ = judged(*sides)[0]
    assert 0.05 < effect.p_value < 0.1
    assert effect.outcome is Outcome.UNDECIDED


@pytest.mark.parametrize(("margin", "outcome"), [(1.0, Outcome.WORSE), (1.5, Outcome.UNDECIDED)])
def test_two_samples_differ_by_more_than_the_margin_or_not_at_all(synthetic, margin, outcome):
    sides = apart(synthetic, {"p": [40.0, 44, 43, 41, 45]}, {"p": [52.0, 50, 55, 49, 53]})
    assert judged(*sides, margin=margin)[0][0].outcome is outcome


def test_a_metric_of_two_samples_is_that_after_less_that_before(synthetic):
    sides = []
    for first, values in ((0, [0.80, 0.81, 0.79]), (50, [0.90, 0.91, 0.92])):
        results = synthetic.Results()
        for seed, value in enumerate(values):
            results.add("q/lbfgs", "f/p", seed=first + seed, metrics={"m": value})
        sides.append(results.records)
    (effect,), _ = judged(*sides, [metric("m", higher_is_better=True)])
    assert effect.outcome is Outcome.BETTER
    assert effect.difference == pytest.approx(0.11)
    assert 0 < effect.low < 0.11 < effect.high


def test_two_samples_with_unsolved_runs_have_the_ratio_of_their_medians(synthetic):
    sides = apart(synthetic, {"p": [40.0, 40.0, 40.0]}, {"p": [80.0, 80.0, None]})
    assert judged(*sides)[0][0].ratio == pytest.approx(2.0)


def test_pairs_are_the_seeds_that_both_sides_ran(synthetic):
    before = trials(synthetic, {("p", seed): 40.0 + seed for seed in range(5)})
    after = trials(synthetic, {("p", seed): 40.0 if seed != 4 else None for seed in range(3, 10)})
    (effect,), _ = judged(before, after)
    assert (effect.pairs, effect.solved_before, effect.solved_after) == (2, 2, 1)


def test_problems_without_a_common_seed_are_compared_by_geometric_means(synthetic):
    sides = apart(synthetic, {name: [10.0, 1000.0] for name in "abc"}, {name: [100.0, 400.0] for name in "abc"})
    assert judged(*sides)[0][0].ratio == pytest.approx(2.0)  # of 100 and 200; of means it would be below 1


def test_a_trial_that_was_skipped_is_not_one_that_missed_its_target(synthetic):
    before = trials(synthetic, grid(lambda p, s: 40.0, seeds=2))
    after = trials(synthetic, grid(lambda p, s: 40.0, seeds=1))
    after += trials(synthetic, {(f"p{p}", 1): None for p in range(6)}, status=Status.SKIPPED)
    (effect,), _ = judged(before, after)
    assert (effect.outcome, effect.pairs, effect.solved_after) == (Outcome.SAME, 6, 6)
