"""Profiles against values counted by hand."""

import numpy as np
import pytest

from optbench.analysis import cost_ratios, data_profile, performance_profile

INF, NAN = np.inf, np.nan
COSTS = [[10, 40, INF, 8], [20, 10, INF, INF]]  # nobody solves the third problem


def test_ratios_are_over_the_best_on_each_problem():
    assert cost_ratios(COSTS).tolist() == [[1, 4, INF, 1], [2, 1, INF, INF]]


def test_a_problem_that_was_not_run_has_no_ratio():
    assert cost_ratios([[5, NAN], [10, 3]])[0, 0] == 1
    assert np.isnan(cost_ratios([[5, NAN], [10, 3]])[0, 1])


def test_performance_profile_counts_unsolved_problems_in_the_whole():
    assert performance_profile(COSTS, [1, 2, 4, 1e9]).tolist() == [[0.5, 0.5, 0.75, 0.75], [0.25, 0.5, 0.5, 0.5]]


def test_performance_profile_is_over_the_problems_that_were_run():
    assert performance_profile([[1, NAN], [1, 1]], [1]).tolist() == [[1.0], [1.0]]
    assert np.isnan(performance_profile([[NAN, NAN], [1, 1]], [1])[0, 0])


def test_data_profile_in_absolute_costs():
    assert data_profile(COSTS, [8, 10, 100]).tolist() == [[0.25, 0.5, 0.75], [0, 0.25, 0.5]]


def test_data_profile_in_simplex_gradients():
    """10 evaluations with n = 4 are 2 simplex gradients, with n = 9 they are 1."""
    assert data_profile([[10, 10]], [1, 2], sizes=[4, 9]).tolist() == [[0.5, 1.0]]


@pytest.mark.parametrize("levels", [[], [1.0]])
def test_no_problem_gives_no_share(levels):
    assert performance_profile(np.empty((2, 0)), levels).shape == (2, len(levels))
