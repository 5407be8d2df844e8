"""Comparisons: verdicts, their errors, and what happens where runs did not solve."""

import math

import numpy as np
import pytest
from scipy import stats

from optbench.analysis import Verdict, bootstrap_t_interval, compare, log_ratios, sign_test, signed_rank_test

INF, NAN = math.inf, math.nan


def noisy(seed=0, shape=12, scale=0.2):
    return np.exp(scale * np.random.default_rng(seed).normal(size=shape))


def test_log_ratios_of_what_was_not_solved():
    ratios = log_ratios([1, 5, INF, INF, NAN], [math.e, INF, 2, INF, 3])
    assert ratios[:3].tolist() == [-1, -INF, INF]
    assert np.isnan(ratios[3:]).all()


def test_interval_is_that_of_a_t_test_of_log_ratios():
    first, second = 2 * noisy(1), noisy(2)
    expected = stats.ttest_rel(np.log(first), np.log(second))
    found = compare(first, second)
    assert (found.low, found.high) == pytest.approx(tuple(np.exp(expected.confidence_interval(0.95))))
    assert found.ratio == pytest.approx(stats.gmean(first / second))
    assert found.p_value == pytest.approx(expected.pvalue)
    assert (found.n, found.tasks, found.solved, found.verdict) == (12, 1, (1, 1), "slower")


def test_a_generator_makes_it_bootstrap_t():
    first, second = np.tile(noisy(1), 2), np.repeat(noisy(2), 2)  # 24 pairs: from 20 on it stands alone
    expected = bootstrap_t_interval(np.log(first / second), np.random.default_rng(5))
    found = compare(first, second, np.random.default_rng(5))
    assert (found.low, found.high) == pytest.approx((math.exp(expected.low), math.exp(expected.high)))
    assert found == compare(first, second, np.random.default_rng(5))


@pytest.mark.parametrize(
    ("factor", "verdict"), [(0.5, Verdict.FASTER), (2.0, Verdict.SLOWER), (1.0, Verdict.WITHIN_NOISE)]
)
@pytest.mark.parametrize("generator", [None, 3])
def test_verdict_follows_the_interval(factor, verdict, generator):
    generator = generator and np.random.default_rng(generator)
    assert compare(factor * noisy(1), noisy(4), generator).verdict is verdict


@pytest.mark.parametrize("costs", [(1.0, 1000.0), (1.0, INF), (INF, INF)])
def test_below_the_least_number_of_seeds_there_is_no_verdict(costs):
    first, second = (np.full(11, cost) * noisy(seed, 11) for seed, cost in enumerate(costs))
    assert compare(first, second).verdict is Verdict.TOO_FEW
    assert compare(first, second).n == 11
    assert compare(first, second, least=11).verdict is not Verdict.TOO_FEW


def test_pairs_with_a_run_missing_do_not_count():
    first, second = noisy(1, 13), noisy(2, 13)
    first[0] = second[1] = NAN
    assert compare(first, second).n == 11
    assert compare(first, second, least=2).ratio == pytest.approx(stats.gmean(first[2:] / second[2:]))


def test_the_task_with_the_fewest_seeds_decides():
    first = noisy(1, (3, 14))
    first[1, 3:] = NAN
    assert compare(first, noisy(2, (3, 14))).n == 3
    assert compare(first, noisy(2, (3, 14))).verdict is Verdict.TOO_FEW


def test_swapping_the_two_mirrors_the_verdict():
    first, second = 1.5 * noisy(1), noisy(2)
    one, other = compare(first, second), compare(second, first)
    assert (one.verdict, other.verdict) == ("slower", "faster")
    assert (one.ratio, one.low, one.p_value) == pytest.approx((1 / other.ratio, 1 / other.high, other.p_value))


def test_a_difference_smaller_than_the_margin_is_not_one():
    first, second = 1.02 * noisy(1, 40, 0.01), noisy(2, 40, 0.01)
    assert compare(first, second).verdict is Verdict.SLOWER
    assert compare(second, first).verdict is Verdict.FASTER
    for pair in ((first, second), (second, first)):
        assert compare(*pair, margin=1.05).verdict is Verdict.EQUIVALENT
    assert compare(first, second, margin=1.001).verdict is Verdict.SLOWER


def test_noise_larger_than_the_margin_shows_no_equivalence():
    assert compare(noisy(1), noisy(4), margin=1.05).verdict is Verdict.WITHIN_NOISE


def test_several_tasks_are_compared_by_their_means():
    """Twelve seeds on each of five tasks that disagree about the sign: pooled seeds would be sure of themselves."""
    tasks = np.array([[0.3], [4.0], [5.0], [0.9], [2.5]])
    first, second = tasks * noisy(1, (5, 12), 0.05), noisy(2, (5, 12), 0.05)
    means = np.log(first / second).mean(axis=1)
    found = compare(first, second)
    assert found.ratio == pytest.approx(math.exp(means.mean()))
    assert found.p_value == pytest.approx(stats.ttest_1samp(means, 0).pvalue)
    assert (found.tasks, found.verdict) == (5, "within noise")
    assert compare(first.ravel(), second.ravel()).verdict is Verdict.SLOWER
    assert compare(first, second, np.random.default_rng(0)).verdict is Verdict.WITHIN_NOISE


def test_solving_more_often_comes_before_speed():
    """The first solves all twelve; the second only five, but those ten times faster."""
    first, second = 10 * noisy(1), np.where(np.arange(12) < 5, noisy(2), INF)
    found = compare(first, second)
    assert (found.verdict, found.solved) == ("solves more often", (1, 5 / 12))
    assert found.p_value == pytest.approx(2 * sign_test(7, 0))  # Holm: the smaller of two tests
    assert compare(second, first).verdict is Verdict.SOLVES_LESS


def test_then_ranks_decide_with_the_unsolved_ranked_last():
    first, second = noisy(1), 3 * noisy(2)
    second[:3] = INF
    found = compare(first, second)
    assert found.verdict is Verdict.FASTER
    assert found.p_value == pytest.approx(2 * signed_rank_test(log_ratios(first, second)).p_value)
    assert found.low == 0  # the third smallest of twelve
    assert found.ratio == pytest.approx(math.exp(np.median(log_ratios(first, second))))


def test_pairs_that_neither_solved_leave_the_ranks_alone_and_make_no_second_test():
    first, second = noisy(1, 14), 3 * noisy(2, 14)
    first[:2] = second[:2] = INF
    found = compare(first, second)
    assert found.p_value == pytest.approx(signed_rank_test(log_ratios(first[2:], second[2:])).p_value)
    assert (found.verdict, found.n) == ("faster", 14)
    assert found.solved == pytest.approx((12 / 14, 12 / 14))


def test_order_statistics_hold_the_median():
    """Of 13, nan left out, the 3rd and the 11th: P(Binomial(13, ½) < 3) = 0.011, < 4 would be 0.046."""
    first, second = noisy(1, 14), noisy(4, 14)
    first[0] = second[0] = INF
    ratios = np.sort(first[1:] / second[1:])
    found = compare(first, second)
    assert (found.low, found.ratio, found.high) == pytest.approx((ratios[2], ratios[6], ratios[10]))
    assert found.verdict is Verdict.WITHIN_NOISE


def test_a_margin_is_asked_for_by_ranks_too():
    first, second = noisy(1, 20, 0.01), 1.03 * noisy(2, 20, 0.01)
    first[0] = second[0] = INF
    assert compare(first, second).verdict is Verdict.FASTER
    assert compare(first, second, margin=1.1).verdict is Verdict.WITHIN_NOISE


def test_tasks_that_only_one_solves_count_as_one_each():
    """The second fails nine seeds of each task: of three tasks no test can be sure, however many the seeds."""
    second = np.where(np.arange(15) < 6, 1.0, INF) * noisy(2, (3, 15))
    found = compare(noisy(1, (3, 15)), second)
    assert (found.ratio, found.verdict) == (0, "within noise")
    assert compare(noisy(1, (8, 15)), np.vstack([second] * 3)[:8]).verdict is Verdict.SOLVES_MORE


def test_neither_solving_is_said_so():
    found = compare(np.full(12, INF), np.full(12, INF))
    assert (found.verdict, found.solved, found.p_value) == ("neither solved", (0, 0), 1)
    assert math.isnan(found.ratio)


def test_opposite_failures_leave_neither_ahead():
    first, second = np.ones(12), np.ones(12)
    first[::2], second[1::2] = INF, INF
    assert (compare(first, second).ratio, compare(first, second).verdict) == (1, "within noise")


def test_equal_counts_are_no_difference_and_a_constant_ratio_is_one():
    counts = np.arange(20.0, 32)
    assert (compare(counts, counts).verdict, compare(counts, counts).p_value) == ("within noise", 1)
    assert compare(counts, 2 * counts, np.random.default_rng(0)).verdict is Verdict.FASTER


def test_nothing_to_compare_is_too_few():
    for costs in (np.full(3, NAN), np.full((2, 3), NAN), np.empty(0)):
        found = compare(costs, costs, np.random.default_rng(0))
        assert (found.verdict, found.n, found.tasks) == ("too few seeds", 0, 0)


def test_ratios_beyond_all_numbers_are_infinite():
    assert compare([1e-300] * 12, [1e300] * 12).ratio == 0
    assert compare([1e300] * 12, [1e-300] * 12).ratio == INF


@pytest.mark.parametrize(
    ("first", "second", "margin", "message"),
    [
        ([1, 2], [1, 2, 3], 1, "shapes"),
        ([0, 2], [1, 2], 1, "positive"),
        ([1, 2], [1, 2], 0.9, "at least 1"),
    ],
)
def test_what_cannot_be_compared_is_an_error(first, second, margin, message):
    with pytest.raises(ValueError, match=message):
        compare(first, second, margin=margin)


@pytest.mark.slow
@pytest.mark.parametrize("censored", [False, True])
def test_equal_optimizers_are_called_different_as_rarely_as_it_says(censored):
    """2000 comparisons of what does not differ, a third of the runs unsolved or none: at most 5 % in either way."""
    rng = np.random.default_rng(31)
    wrong = 0
    for _ in range(2000):
        first, second = rng.lognormal(size=(2, 15))
        if censored:
            first[rng.random(15) < 0.3], second[rng.random(15) < 0.3] = INF, INF
        wrong += compare(first, second).verdict is not Verdict.WITHIN_NOISE
    assert wrong / 2000 < 0.05 + 4 * math.sqrt(0.05 * 0.95 / 2000)


def test_few_pairs_with_outliers_get_the_wider_of_both_intervals():
    draws = np.random.default_rng(3)
    logs = np.where(draws.random(12) < 0.2, np.log(5.0), 0.0) + 0.01 * draws.standard_normal(12)
    costs = np.exp(logs)

    plain = compare(costs, np.ones(12))
    careful = compare(costs, np.ones(12), np.random.default_rng(0))

    assert careful.low <= plain.low
    assert careful.high >= plain.high
    assert careful.p_value >= plain.p_value
