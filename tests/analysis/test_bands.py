"""Bands of profiles against loops, binomial quantiles and the pairing of solvers."""

import math

import numpy as np
import pytest
from scipy import stats

from optbench.analysis import data_profile, lower_quantile, performance_profile, profile_area, profile_band

INF, NAN = math.inf, math.nan
FACTORS = [1, 2, 5]


def performance(table):
    return performance_profile(table, FACTORS)


def test_band_holds_the_profile_and_has_its_shape():
    costs = np.random.default_rng(0).lognormal(size=(3, 40))
    band = profile_band(costs, performance, np.random.default_rng(1), resamples=200)
    np.testing.assert_array_equal(band.value, performance(costs))
    assert band.low.shape == band.high.shape == (3, 3)
    assert np.all((band.low <= band.value) & (band.value <= band.high))
    assert band.enough


def test_share_of_solved_problems_has_the_binomial_quantiles():
    """Resampled, the number solved of 50 problems of which 20 were is binomial: its share lies within them."""
    costs = np.where(np.arange(50) < 20, 1.0, INF)[None, :]
    band = profile_band(costs, lambda table: data_profile(table, [1]), np.random.default_rng(2), resamples=4000)
    low, high = stats.binom(50, 0.4).ppf([0.025, 0.975]) / 50
    assert (band.low[0, 0], band.high[0, 0]) == pytest.approx((low, high), abs=0.021)


def test_band_equals_a_loop_over_the_same_draws():
    costs = np.random.default_rng(3).lognormal(size=(2, 25))
    rng = np.random.default_rng(4)
    draws = [performance(costs[:, rng.integers(25, size=25)]) for _ in range(100)]
    band = profile_band(costs, performance, np.random.default_rng(4), resamples=100, confidence=0.8)
    np.testing.assert_allclose(band.low, np.quantile(draws, 0.1, axis=0))
    np.testing.assert_allclose(band.high, np.quantile(draws, 0.9, axis=0))


def test_solvers_are_resampled_together():
    """The best on a problem stays the best: at factor 1 the shares of two solvers add to 1 in every resample."""
    costs = np.random.default_rng(5).lognormal(size=(2, 30))
    sums = profile_band(costs, lambda table: performance(table)[:, 0].sum(), np.random.default_rng(6), resamples=50)
    assert sums.low == sums.high == 1


def test_seeds_widen_the_band_and_their_lower_median_is_the_cost():
    rng = np.random.default_rng(7)
    costs = np.full((2, 30, 1), 10.0) * rng.lognormal(0, 1, (2, 30, 8))
    costs[0, 3, :6] = INF
    medians = np.apply_along_axis(lower_quantile, -1, costs)
    twice = profile_band(costs, performance, np.random.default_rng(8), resamples=300)
    once = profile_band(medians, performance, np.random.default_rng(8), resamples=300)
    np.testing.assert_array_equal(twice.value, once.value)
    assert np.sum(twice.high - twice.low) > np.sum(once.high - once.low)


def test_seeds_that_agree_add_nothing():
    costs = np.random.default_rng(9).lognormal(size=(2, 24))
    area = profile_band(costs, lambda table: profile_area(table, 4), np.random.default_rng(1), resamples=2000)
    seeds = np.repeat(costs[:, :, None], 3, axis=2)
    twice = profile_band(seeds, lambda table: profile_area(table, 4), np.random.default_rng(1), resamples=2000)
    np.testing.assert_allclose([area.low, area.high], [twice.low, twice.high], atol=0.02)


def test_a_problem_with_missing_seeds_keeps_the_others():
    costs = np.ones((1, 20, 3))
    costs[0, :, 2] = NAN
    band = profile_band(costs, lambda table: data_profile(table, [1]), np.random.default_rng(0), resamples=20)
    assert band.value == 1


@pytest.mark.parametrize(("problems", "enough"), [(19, False), (20, True)])
def test_few_problems_are_marked(problems, enough):
    band = profile_band(np.ones((1, problems)), performance, np.random.default_rng(0), resamples=10)
    assert (band.problems, band.enough) == (problems, enough)
