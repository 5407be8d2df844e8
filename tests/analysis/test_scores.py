"""Areas against integrals by hand, sums over a grid and OptiProfiler."""

import math

import numpy as np
import pytest

from optbench.analysis import data_profile, ecdf_area, performance_profile, profile_area

INF, NAN = math.inf, math.nan
COSTS = [[10, 40, INF, 8], [20, 10, INF, INF]]


def test_area_on_the_linear_axis_by_hand():
    """Up to 4: ratios 1, 4, –, 1 leave room 3, 0, 0, 3 of 3; ratios 2, 1, –, – leave 2, 3, 0, 0."""
    assert profile_area(COSTS, 4) == pytest.approx([6 / 12, 5 / 12])


def test_area_on_the_logarithmic_axis_by_hand():
    """Up to 2³: log₂ ratios 0, 2, –, 0 leave room 3, 1, 0, 3 of 3; 1, 0, –, – leave 2, 3, 0, 0."""
    assert profile_area(COSTS, 8, "log2") == pytest.approx([7 / 12, 5 / 12])


def test_area_is_the_integral_of_the_profile():
    costs = np.random.default_rng(0).lognormal(0, 1, (3, 15))
    factors = np.linspace(1, 4, 20_001)
    midpoints = (factors[1:] + factors[:-1]) / 2
    np.testing.assert_allclose(profile_area(costs, 4), performance_profile(costs, midpoints).mean(axis=1), atol=1e-4)


def test_areas_equal_those_of_optiprofiler(golden):
    """Its curve is drawn, and integrated, to 1.1 times the largest log₂ factor, and is not divided by that length."""
    given, expected = golden("profiles")
    length = 1.1 * expected["largest_log2_factor"]
    np.testing.assert_allclose(profile_area(given["costs"], 2**length, "log2") * length, expected["area"], rtol=1e-12)


def test_problems_that_were_not_run_are_left_out_of_the_area():
    area = profile_area([[1, NAN], [1, 1], [NAN, NAN]], 4)
    assert area[:2].tolist() == [1, 1]
    assert np.isnan(area[2])


def test_ecdf_area_by_hand():
    """Over 10 … 1000: at or before 10 all of it, at 100 half, at 1000 or never nothing."""
    assert ecdf_area([[[1, 10], [100, 1000]], [[INF, 2000], [NAN, 10]]], 10, 1000) == pytest.approx([5 / 8, 1 / 3])


def test_ecdf_area_is_the_mean_height_over_the_logarithm():
    runtimes = np.random.default_rng(1).lognormal(3, 1.5, (2, 40))
    grid = np.geomspace(1, 1e3, 20_001)
    midpoints = np.sqrt(grid[1:] * grid[:-1])
    np.testing.assert_allclose(ecdf_area(runtimes, 1, 1e3), data_profile(runtimes, midpoints).mean(axis=1), atol=1e-4)


@pytest.mark.parametrize("largest", [1.0, 0.5, NAN])
def test_a_largest_factor_of_one_leaves_no_area(largest):
    with pytest.raises(ValueError, match="above 1"):
        profile_area(COSTS, largest)


@pytest.mark.parametrize("ends", [(0, 10), (10, 10), (10, 1)])
def test_budgets_must_be_positive_and_ascend(ends):
    with pytest.raises(ValueError, match="ascending"):
        ecdf_area([[1.0]], *ends)
