"""Bootstrap intervals against loops, the package arch and the coverage that they claim."""

import math

import numpy as np
import pytest

from optbench.analysis import Interval, bootstrap_t_interval, percentile_interval, t_interval
from optbench.analysis.bootstrap import _two_level_means


def test_interval_equals_a_loop_over_the_same_draws():
    values = np.array([0.3, 1.2, -0.4, 2.5, 0.9, 0.1])
    drawn = np.random.default_rng(7).integers(6, size=(500, 6))
    mean, error = values.mean(), values.std(ddof=1) / math.sqrt(6)
    pivots = []
    for row in drawn:
        sample = values[row]
        pivots.append((sample.mean() - mean) / (sample.std(ddof=1) / math.sqrt(6)))
    pivots = sorted(pivots)
    interval = bootstrap_t_interval(values, np.random.default_rng(7), resamples=500)
    # The 2.5 % and 97.5 % quantiles are the 13th and the 488th of 500.
    assert (interval.low, interval.high) == pytest.approx((mean - pivots[487] * error, mean - pivots[12] * error))
    assert (interval.estimate, interval.n) == (mean, 6)
    beyond = min(sum(pivot <= mean / error for pivot in pivots), sum(pivot >= mean / error for pivot in pivots))
    assert interval.p_value == pytest.approx(2 * (beyond + 1) / 501)


def test_interval_equals_that_of_arch(golden):
    """Both are simulated; arch scales by the bootstrap's standard error, which has n where s has n − 1."""
    values, bounds = golden("bootstrap_t")
    scale = math.sqrt(len(values) / (len(values) - 1))
    low, high = values.mean() + scale * (bounds - values.mean())
    interval = bootstrap_t_interval(values, np.random.default_rng(0), resamples=40_000)
    assert (interval.low, interval.high) == pytest.approx((low, high), rel=0.03)
    assert high - values.mean() > 2 * (values.mean() - low)  # it follows the skewness


def test_the_same_generator_gives_the_same_interval():
    values = np.random.default_rng(0).normal(size=(4, 7))
    first, second = (bootstrap_t_interval(values, np.random.default_rng(3)) for _ in range(2))
    assert first == second
    assert first != bootstrap_t_interval(values, np.random.default_rng(4))


def test_p_value_is_small_exactly_where_the_interval_leaves_zero_out():
    rng = np.random.default_rng(2)
    for shift in np.linspace(0, 1.2, 40):
        interval = bootstrap_t_interval(rng.normal(shift, 1, 12), rng, resamples=999)
        excluded = interval.low > 0 or interval.high < 0
        assert excluded == (interval.p_value < 0.05) or abs(interval.p_value - 0.05) < 0.005


def test_one_task_is_its_seeds():
    values = np.random.default_rng(1).normal(size=9)
    plain = bootstrap_t_interval(values, np.random.default_rng(2))
    assert bootstrap_t_interval(values[None, :], np.random.default_rng(2)) == plain
    padded = np.array([np.append(values, [np.nan]), np.full(10, np.nan)])
    assert bootstrap_t_interval(padded, np.random.default_rng(2)) == plain


def test_tasks_without_noise_between_seeds_are_the_values_themselves():
    tasks = np.random.default_rng(3).normal(size=15)
    within = bootstrap_t_interval(np.repeat(tasks[:, None], 4, axis=1), np.random.default_rng(0), resamples=20_000)
    plain = bootstrap_t_interval(tasks, np.random.default_rng(0), resamples=20_000)
    assert within.n == 15
    assert (within.estimate, within.low, within.high) == pytest.approx(
        (plain.estimate, plain.low, plain.high), abs=0.03
    )


def test_tasks_and_seeds_are_both_resampled():
    """The mean of a resample varies by (variance of the tasks' means + mean of their seeds' variances/seeds)/tasks."""
    rng = np.random.default_rng(8)
    values = rng.normal(size=(5, 1)) + 2 * rng.normal(size=(5, 6))
    values[2, 3:] = np.nan
    counts = np.count_nonzero(~np.isnan(values), axis=1)
    within = np.nanvar(values, axis=1) / counts
    expected = (np.nanmean(values, axis=1).var() + within.mean()) / 5
    draws = _two_level_means(values, rng, 20_000).mean(axis=1)
    assert draws.var() == pytest.approx(expected, rel=0.05)
    assert draws.mean() == pytest.approx(np.nanmean(values, axis=1).mean(), abs=4 * math.sqrt(expected / 20_000))


def test_estimate_over_tasks_weighs_them_alike_whatever_their_seeds():
    values = [[1, 1, 1, 1], [4, np.nan, np.nan, np.nan], [7, 7, np.nan, np.nan]]
    assert bootstrap_t_interval(values, np.random.default_rng(0)).estimate == 4


def test_missing_seeds_are_never_drawn():
    values = np.random.default_rng(5).normal(size=(6, 5))
    values[0, 1:] = values[3, ::2] = np.nan
    interval = bootstrap_t_interval(values, np.random.default_rng(0))
    assert np.isfinite([interval.low, interval.high]).all()


def test_seeds_of_few_tasks_do_not_stand_in_for_tasks():
    """A thousand seeds on three tasks that disagree: the interval is wide, where pooled seeds give a narrow one."""
    rng = np.random.default_rng(6)
    values = np.array([[-1.0], [0.0], [1.0]]) + 0.1 * rng.normal(size=(3, 1000))
    interval = bootstrap_t_interval(values, rng, resamples=500)
    assert interval.high - interval.low > 2
    assert t_interval(values).high - t_interval(values).low < 0.1


def test_two_values_hold_nothing_in():
    """Half of the resamples are one value twice, without a spread of their own."""
    interval = bootstrap_t_interval([1.0, 2.0], np.random.default_rng(0))
    assert (interval.low, interval.high) == (-math.inf, math.inf)


def test_equal_values_have_no_width_and_one_value_no_interval():
    assert bootstrap_t_interval([3.0] * 6, np.random.default_rng(0)) == Interval(3.0, 3.0, 3.0, 6, 0.0)
    assert math.isnan(bootstrap_t_interval([3.0], np.random.default_rng(0)).low)
    assert math.isnan(bootstrap_t_interval([], np.random.default_rng(0)).estimate)


def test_percentile_interval_of_a_median_lies_between_order_statistics():
    values = np.random.default_rng(1).permutation(np.arange(101.0))
    interval = percentile_interval(values, np.random.default_rng(0), np.median)
    assert interval.estimate == 50
    assert 38 <= interval.low <= 43  # the exact interval of order statistics is 40 … 60
    assert 57 <= interval.high <= 62


def test_percentile_interval_is_refused_below_twenty_values():
    with pytest.raises(ValueError, match="needs 20 values, not 19"):
        percentile_interval(np.arange(19.0), np.random.default_rng(0))


def coverage(draw, interval, truth, trials):
    """Return the share of intervals of `trials` samples that hold the truth."""
    found = [interval(draw()) for _ in range(trials)]
    return np.mean([each.low <= truth <= each.high for each in found])


def test_t_interval_covers_as_often_as_it_says():
    """4000 normal samples: within four standard errors of 95 %."""
    rng = np.random.default_rng(21)
    share = coverage(lambda: rng.normal(0.3, 2, 12), t_interval, 0.3, 4000)
    assert abs(share - 0.95) < 4 * math.sqrt(0.95 * 0.05 / 4000)


@pytest.mark.slow
def test_bootstrap_t_covers_skewed_values_better_than_t():
    """Exponential values, n = 20: t covers about 92 %; bootstrap-t 95 % within four standard errors of 3000 trials."""
    rng = np.random.default_rng(22)
    share = coverage(lambda: rng.exponential(size=20), lambda x: bootstrap_t_interval(x, rng, resamples=999), 1, 3000)
    plain = coverage(lambda: rng.exponential(size=20), t_interval, 1, 3000)
    assert abs(share - 0.95) < 4 * math.sqrt(0.95 * 0.05 / 3000)
    assert plain < share - 0.01


@pytest.mark.slow
def test_two_level_bootstrap_covers_the_mean_over_all_tasks():
    """15 tasks of unequal numbers of seeds; pooling their seeds would cover far less."""
    rng = np.random.default_rng(23)

    def draw():
        values = 0.5 + rng.normal(size=(15, 1)) + rng.normal(size=(15, 8))
        return np.where(np.arange(8) < rng.integers(4, 9, size=(15, 1)), values, np.nan)

    share = coverage(draw, lambda values: bootstrap_t_interval(values, rng, resamples=999), 0.5, 2000)
    assert abs(share - 0.95) < 4 * math.sqrt(0.95 * 0.05 / 2000)
    assert coverage(draw, t_interval, 0.5, 500) < 0.8
