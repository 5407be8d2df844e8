"""Shifted geometric means by hand and as qpbenchmark has them."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optbench.analysis import shifted_geometric_mean

INF, NAN = math.inf, math.nan


def test_mean_by_hand():
    """(11·12·13)^⅓ − 10."""
    assert shifted_geometric_mean([1, 2, 3], 10) == pytest.approx(1716 ** (1 / 3) - 10, rel=1e-13)


def test_without_a_shift_it_is_the_geometric_mean():
    assert shifted_geometric_mean([1, 10, 100], 0) == pytest.approx(10)
    assert shifted_geometric_mean([0, 10], 0) == 0


def test_an_unsolved_problem_counts_as_told_and_is_never_left_out():
    assert shifted_geometric_mean([1, INF], 10) == INF
    assert shifted_geometric_mean([1, INF], 10, unsolved=111) == pytest.approx(math.sqrt(11 * 121) - 10)


def test_a_problem_that_was_not_run_is_left_out():
    assert shifted_geometric_mean([[4, NAN], [NAN, NAN]], 2)[0] == pytest.approx(4)
    assert np.isnan(shifted_geometric_mean([[4, NAN], [NAN, NAN]], 2)[1])


def test_small_costs_keep_their_digits_beside_a_large_shift():
    assert shifted_geometric_mean([1e-12, 1e-12], 1e4) == pytest.approx(1e-12, rel=1e-12)


def test_means_equal_those_of_qpbenchmark(golden):
    given, expected = golden("shifted_geometric_mean")
    means = [shifted_geometric_mean(given["costs"], shift) for shift in given["shifts"]]
    np.testing.assert_allclose(means, expected, rtol=1e-12)


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=8), st.floats(0, 1e4))
def test_mean_lies_among_the_costs_below_the_arithmetic_one(costs, shift):
    mean, slack = float(shifted_geometric_mean(costs, shift)), 1e-9 * (1 + max(costs) + shift)
    assert min(costs) - slack <= mean <= float(np.mean(costs)) + slack


@pytest.mark.parametrize(("costs", "shift", "unsolved"), [([-1], 10, INF), ([1], -1, INF), ([1], INF, 1), ([1], 1, -5)])
def test_negative_costs_and_shifts_are_an_error(costs, shift, unsolved):
    with pytest.raises(ValueError, match="must be ≥ 0"):
        shifted_geometric_mean(costs, shift, unsolved=unsolved)


@pytest.mark.parametrize("shift", [5e-324, 1e-310, 1e-300])
def test_the_least_shifts_overflow_nothing(shift):
    assert shifted_geometric_mean([1e6, 1e2], shift) == pytest.approx(1e4)
    assert shifted_geometric_mean([1e6, 0.0], shift) == pytest.approx((1e6 * shift) ** 0.5, rel=1e-3)
