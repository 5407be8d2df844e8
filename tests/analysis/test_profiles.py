"""Profiles against values counted by hand."""

import numpy as np
import pytest

from optbench.analysis import convergence_costs, cost_ratios, data_profile, performance_profile, reference_values

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


def test_leading_axes_are_tables_of_their_own():
    stack = np.array([COSTS, np.array(COSTS)[::-1]])
    for profile in (performance_profile, data_profile):
        assert profile(stack, [1, 4, 20]).tolist() == [profile(table, [1, 4, 20]).tolist() for table in stack]


def test_convergence_test_by_hand():
    """From 10 to 0, the test at 1e-1 asks for at most 1, at 1e-2 for at most 0.1."""
    histories = [[[10, 5, 1.0, 0.5, 0.0]], [[10, 2, 0.2]]]
    assert convergence_costs(histories, [10], [0.5, 1e-1, 1e-2]).tolist() == [[[2], [2]], [[3], [3]], [[5], [INF]]]


def test_a_declared_minimum_is_harder_than_the_best_of_the_set():
    """Best in the set is 2: 90 % of the way from 10 is 2.8. From 10 to the declared 0 it is 1, which nobody reaches."""
    histories = [[[10, 2.5, 2]]]
    assert convergence_costs(histories, [10], [0.1]).tolist() == [[[2]]]
    assert convergence_costs(histories, [10], [0.1], declared=[0]).tolist() == [[[INF]]]


def test_reference_is_declared_or_else_the_best_value_of_all_solvers():
    histories = [[[5, 3], [7, NAN, 6]], [[4], [9, 8]]]
    assert reference_values(histories).tolist() == [3, 6]
    assert reference_values(histories, [NAN, -1]).tolist() == [3, -1]


def test_failed_evaluations_count_and_empty_histories_were_not_run():
    costs = convergence_costs([[[8, NAN, 0], []], [[], [3, 1]]], [8, 3], [0.5])
    assert costs[0, 0, 0] == 3
    assert costs[0, 1, 1] == 2
    assert np.isnan([costs[0, 0, 1], costs[0, 1, 0]]).all()


def test_a_problem_that_nobody_has_a_value_of_is_unsolved():
    assert convergence_costs([[[NAN, NAN]], [[INF]]], [3], [0.1]).tolist() == [[[INF], [INF]]]


def test_tolerance_zero_asks_for_the_reference_itself():
    assert convergence_costs([[[0.3, 0.1 + 0.2, 0.1]]], [0.3], [0.0]).tolist() == [[[3]]]


def test_convergence_costs_equal_those_of_optimagic(golden):
    given, times = golden("convergence")  # counted from 0 there
    histories, minima = given["histories"], given["minima"]
    costs = convergence_costs(histories, given["starts"], given["tolerances"], minima)
    np.testing.assert_array_equal(costs - 1, times)
    assert np.isinf(costs).any()


def test_profiles_equal_those_of_optiprofiler(golden):
    given, expected = golden("profiles")
    for kind, steps in (("performance", expected["performance"]), ("data", expected["data"])):
        for solver, (places, shares) in enumerate(steps):
            solved = places <= expected[f"largest_log2_{'factor' if kind == 'performance' else 'data'}"]
            last = solved & np.append(places[:-1] < places[1:], True)  # where a step is done
            if kind == "performance":
                profile = performance_profile(given["costs"], 2 ** places[last])
            else:
                profile = data_profile(given["costs"], 2 ** places[last] - 1, given["sizes"])
            np.testing.assert_allclose(profile[solver], shares[last], atol=1e-12)
