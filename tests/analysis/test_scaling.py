"""Exponents against exact power laws, hand-computed fits and scipy's regression."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from optbench.analysis import Exponent, fit_exponent


@pytest.mark.parametrize("power", [0, 1, 1.5, 2, 3, -1])
def test_an_exact_power_law_has_its_exponent_and_no_width(power):
    sizes = np.array([3.0, 10, 50, 333, 1000])
    fit = fit_exponent(sizes, 7 * sizes**power)
    assert fit.exponent == pytest.approx(power, abs=1e-12)
    assert fit.low == fit.exponent == fit.high
    assert fit.points == 5


def test_line_through_three_points_by_hand():
    """Over log₂ size 0, 1, 2 the values 0, 1, 5: slope 5/2, residuals ½, −1, ½, s² = 3/2, t(1 freedom) = 12.7062."""
    fit = fit_exponent([1, 2, 4], [2**0, 2**1, 2**5])
    half = 12.706204736 * math.sqrt(1.5 / 2)
    assert (fit.exponent, fit.low, fit.high) == pytest.approx((2.5, 2.5 - half, 2.5 + half), rel=1e-9)


def test_interval_equals_that_of_scipy():
    rng = np.random.default_rng(3)
    sizes = np.geomspace(10, 5000, 9)
    values = 3 * sizes**1.7 * np.exp(0.2 * rng.standard_normal(9))
    line = stats.linregress(np.log(sizes), np.log(values))
    for confidence in (0.9, 0.95, 0.99):
        half = stats.t(7).ppf((1 + confidence) / 2) * line.stderr
        fit = fit_exponent(sizes, values, confidence=confidence)
        assert (fit.exponent, fit.low, fit.high) == pytest.approx((line.slope, line.slope - half, line.slope + half))


def test_top_octave_sees_the_law_that_small_sizes_hide():
    sizes = np.array([10.0, 50, 100, 500, 700, 1000])
    fit = fit_exponent(sizes, np.where(sizes < 500, 25e4, sizes**2))
    assert fit.exponent < 1
    assert fit.top_octave is not None
    assert (fit.top_octave.exponent, fit.top_octave.points) == (pytest.approx(2), 3)
    assert fit.top_octave.low == fit.top_octave.high == fit.top_octave.exponent
    assert fit.top_octave.top_octave is None


def test_top_octave_of_two_sizes_has_no_interval_and_of_one_does_not_exist():
    top = fit_exponent([100, 200, 400, 800], [1, 2, 4, 16]).top_octave
    assert top is not None
    assert (top.exponent, top.points) == (pytest.approx(2), 2)
    assert math.isnan(top.low)
    assert fit_exponent([10, 100, 1000], [1, 2, 4]).top_octave is None


def test_two_sizes_have_an_exponent_without_an_interval():
    fit = fit_exponent([10, 1000], [5, 50])
    assert fit.exponent == pytest.approx(0.5)
    assert math.isnan(fit.low)
    assert math.isnan(fit.high)


@pytest.mark.parametrize("sizes", [[], [10.0], [10.0, 10.0]])
def test_fewer_than_two_sizes_have_no_exponent(sizes):
    fit = fit_exponent(sizes, [4.0] * len(sizes))
    assert math.isnan(fit.exponent)
    assert fit.points == len(set(sizes))


def test_no_cost_at_any_size_is_exponent_zero():
    zero = Exponent(0.0, 0.0, 0.0, 3, Exponent(0.0, 0.0, 0.0, 2))
    assert fit_exponent([10, 500, 1000], [0, 0, 0]) == zero


def test_several_values_at_a_size_count_once_by_their_geometric_mean():
    """Four copies of each point would halve the interval of three points, though nothing new was learnt."""
    once = fit_exponent([10, 20, 80], [1, 8, 40])
    assert fit_exponent([10, 20, 80] * 4, [1, 8, 40] * 4) == once
    assert fit_exponent([10, 10, 20, 80], [0.5, 2, 8, 40]).exponent == pytest.approx(once.exponent)


def test_a_size_that_was_not_run_is_left_out():
    assert fit_exponent([10, 20, 40, 80], [1, 2, math.nan, 16]) == fit_exponent([10, 20, 80], [1, 2, 16])


@pytest.mark.parametrize(
    ("sizes", "values", "message"),
    [
        ([10, 20, 40], [8, 0, 32], "the value is 0 at size 20 among positive"),
        ([10, 20], [1, -1], "not negative"),
        ([10, 20], [1, math.inf], "finite"),
        ([0, 20], [1, 2], "sizes must be positive"),
        ([10, 20], [1, 2, 3], "shape"),
    ],
)
def test_what_no_power_law_can_be_fitted_to_is_an_error(sizes, values, message):
    with pytest.raises(ValueError, match=message):
        fit_exponent(sizes, values)


@given(st.lists(st.floats(-3, 3), min_size=4, max_size=8), st.floats(1e-6, 1e6), st.floats(1e-3, 1e3))
def test_units_of_size_and_value_do_not_matter(logs, size_unit, value_unit):
    sizes, values = 2.0 ** np.arange(len(logs)), np.exp(logs)
    plain, scaled = fit_exponent(sizes, values), fit_exponent(size_unit * sizes, value_unit * values)
    assert (scaled.exponent, scaled.low, scaled.high) == pytest.approx(
        (plain.exponent, plain.low, plain.high), abs=1e-8
    )


def test_the_interval_covers_the_truth_as_often_as_it_says():
    """2000 fits: the share covered lies within four standard errors of 95 %."""
    rng = np.random.default_rng(11)
    sizes = np.geomspace(10, 1000, 5)
    fits = [fit_exponent(sizes, sizes**2 * np.exp(0.3 * rng.standard_normal(5))) for _ in range(2000)]
    covered = np.mean([fit.low <= 2 <= fit.high for fit in fits])
    assert abs(covered - 0.95) < 4 * math.sqrt(0.95 * 0.05 / 2000)
