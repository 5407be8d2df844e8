"""Student's interval and test against tables, scipy and statsmodels."""

import math

import numpy as np
import pytest
from scipy import stats

from optbench.analysis import t_interval, t_test


def test_interval_by_hand():
    """Mean 2, s = 1, n = 3; the 97.5 % quantile of two degrees of freedom is 4.30265."""
    interval = t_interval([1, 2, 3])
    half = 4.302652729911275 / math.sqrt(3)
    assert (interval.estimate, interval.low, interval.high, interval.n) == pytest.approx((2, 2 - half, 2 + half, 3))


def test_interval_and_test_equal_those_of_statsmodels(golden):
    given, expected = golden("paired_tests")
    interval = t_interval(given["differences"])
    assert (interval.low, interval.high) == pytest.approx(tuple(expected["t_interval"]), rel=1e-9)
    assert interval.p_value == t_test(given["differences"]) == pytest.approx(expected["t_test"], rel=1e-9)


@pytest.mark.parametrize("alternative", ["two-sided", "less", "greater"])
def test_test_equals_that_of_scipy(alternative):
    values = np.random.default_rng(1).normal(0.2, 1, 9)
    expected = stats.ttest_1samp(values, 0.1, alternative=alternative).pvalue
    assert t_test(values, 0.1, alternative=alternative) == pytest.approx(expected, rel=1e-9)


def test_missing_values_are_left_out():
    assert t_interval([1, math.nan, 2, 3]) == t_interval([1, 2, 3])


def test_one_value_has_no_interval_and_none_no_mean():
    assert t_interval([4.0]).estimate == 4
    assert np.isnan([t_interval([4.0]).low, t_interval([4.0]).p_value, t_interval([]).estimate]).all()


def test_equal_values_are_taken_at_their_word():
    assert t_interval([2.0] * 5) == t_interval([2.0] * 5)
    assert (t_interval([2.0] * 5).low, t_interval([2.0] * 5).high, t_test([2.0] * 5)) == (2, 2, 0)
    assert t_test([0.0] * 5) == 1
    assert t_test([2.0] * 5, alternative="less") == 1
    assert t_test([2.0] * 5, alternative="greater") == 0
