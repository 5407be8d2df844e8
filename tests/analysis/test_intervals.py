"""Intervals and quantiles against published and hand-computed values."""

import math

import pytest

from optbench.analysis import lower_quantile, relative_spread, wilson_interval


@pytest.mark.parametrize(
    ("hits", "trials", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_interval_equals_newcombe_1998(hits, trials, low, high):
    """R. G. Newcombe, Two-sided confidence intervals for the single proportion, 1998, table I, method 3."""
    assert wilson_interval(hits, trials) == pytest.approx((low, high), abs=5e-5)


def test_all_successes_mirror_no_successes():
    low, high = wilson_interval(20, 20)
    assert (1 - high, 1 - low) == pytest.approx(wilson_interval(0, 20))


def test_no_trials_say_nothing():
    assert wilson_interval(0, 0) == (0.0, 1.0)


def test_more_successes_than_trials_is_an_error():
    with pytest.raises(ValueError, match="3 successes in 2 trials"):
        wilson_interval(3, 2)


@pytest.mark.parametrize(
    ("values", "median"), [([1, math.inf], 1), ([1, math.inf, math.inf], math.inf), ([3, 1, 2], 2), ([4, math.nan], 4)]
)
def test_median_is_finite_exactly_if_half_are(values, median):
    assert lower_quantile(values) == median


def test_quantile_ranks_are_not_shifted_by_rounding():
    assert lower_quantile(range(1, 11), 0.1) == 1
    assert lower_quantile(range(1, 11), 0.9) == 9
    assert lower_quantile(range(1, 11), 0.91) == 10


def test_quantile_of_nothing_is_nan():
    assert math.isnan(lower_quantile([]))


@pytest.mark.parametrize(
    ("values", "spread"),
    [
        ([4, 5], 0.25),
        ([8, 10, 9], 0.25),
        ([8, 9, 11, 12], (11.25 - 8.75) / 10),  # quartiles by linear interpolation
        ([10, 10, 10, 10, 1000], 0),  # one outlier
        ([0, 0, 0], 0),
        ([0, 1], math.inf),
        ([3, math.nan, 4], 1 / 3),
    ],
)
def test_relative_spread_by_hand(values, spread):
    assert relative_spread(values) == pytest.approx(spread)


@pytest.mark.parametrize("values", [[], [3.0], [3.0, math.nan]])
def test_one_measurement_has_no_spread(values):
    assert math.isnan(relative_spread(values))
