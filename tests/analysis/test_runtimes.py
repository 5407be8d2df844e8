"""Runtimes to targets against counts by hand, brute force and cocopp."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optbench.analysis import (
    data_profile,
    expected_running_time,
    runtime_ecdf,
    runtimes_to_targets,
    simulated_restarts,
)

INF, NAN = math.inf, math.nan


@given(
    st.lists(st.one_of(st.just(NAN), st.integers(0, 6).map(float)), min_size=1, max_size=12),
    st.lists(st.integers(-1, 7).map(float), max_size=5),
)
def test_runtimes_are_those_of_each_target_alone(values, targets):
    costs = np.cumsum(np.arange(1, len(values) + 1))
    rows = list(zip(costs, values, strict=True))
    expected = [next((cost for cost, value in rows if value <= target), INF) for target in targets]
    assert runtimes_to_targets(costs, values, targets).tolist() == expected


def test_a_run_without_rows_was_not_run():
    assert np.isnan(runtimes_to_targets([], [], [1.0, 2.0])).all()


def test_ecdf_counts_all_pairs_alike():
    """Two problems with two targets each; the second solver ran one problem only."""
    runtimes = [[[1, 10], [5, INF]], [[2, 2], [NAN, NAN]]]
    assert runtime_ecdf(runtimes, [1, 5, 10, 1e9]).tolist() == [[0.25, 0.5, 0.75, 0.75], [0, 1, 1, 1]]


def test_ecdf_of_one_target_is_the_data_profile():
    costs = [[3, INF, 8], [1, 20, NAN]]
    np.testing.assert_array_equal(runtime_ecdf(costs, [1, 5, 50]), data_profile(costs, [1, 5, 50]))


def test_expected_running_time_by_hand():
    """Successes at 10 and 30, failures of 100 and 200: (10 + 30 + 100 + 200)/2."""
    assert expected_running_time([10, INF, 30, INF], [50, 100, 60, 200]) == 170


def test_without_failures_it_is_the_mean_and_without_successes_infinite():
    assert expected_running_time([[10, 20], [INF, INF]], 100).tolist() == [15, INF]


def test_runs_that_did_not_happen_do_not_count():
    assert expected_running_time([10, NAN, INF], [NAN, NAN, 40]) == 50
    assert np.isnan(expected_running_time([NAN, NAN], 5))
    assert np.isnan(expected_running_time(np.empty((2, 0)), 5)).all()


def test_expected_running_times_equal_those_of_cocopp(golden):
    given, expected = golden("expected_running_time")
    result = expected_running_time(given["runtimes"], given["lengths"])
    np.testing.assert_allclose(result, expected, rtol=1e-12)
    assert np.isinf(result).any()


def test_simulated_restarts_have_the_deciles_and_mean_of_cocopp(golden):
    """Standard errors of the deciles with 100 000 draws are below 1 %."""
    given, expected = golden("simulated_restarts")
    draws = simulated_restarts(given["runtimes"], given["lengths"], np.random.default_rng(0), 100_000)
    deciles = np.quantile(draws, np.arange(1, 10) / 10, method="inverted_cdf")
    np.testing.assert_allclose([*deciles, draws.mean()], expected, rtol=0.02)


def test_the_mean_of_simulated_restarts_is_the_expected_running_time():
    runtimes, lengths = [10.0, INF, 30, INF, NAN], [10.0, 100, 30, 200, 7]
    draws = simulated_restarts(runtimes, lengths, np.random.default_rng(1), 40_000)
    error = draws.std() / math.sqrt(draws.size)
    assert abs(draws.mean() - expected_running_time(runtimes, lengths)) < 4 * error


def test_restarting_what_never_succeeds_never_ends():
    generator = np.random.default_rng(0)
    assert simulated_restarts([INF, INF], 10, generator, 3).tolist() == [INF] * 3
    assert np.isnan(simulated_restarts([NAN], 10, generator, 3)).all()


def test_the_same_generator_gives_the_same_draws():
    draws = [simulated_restarts([3, INF], 10, np.random.default_rng(5), 20).tolist() for _ in range(2)]
    assert draws[0] == draws[1]


def test_lengths_of_another_number_of_runs_are_an_error():
    with pytest.raises(ValueError):
        expected_running_time([1, INF, 3], [10, 20])


def test_rows_before_the_first_value_reach_not_even_an_infinite_target():
    assert runtimes_to_targets([1, 2, 5], [np.nan, 3, 1], [np.inf, 2]).tolist() == [2.0, 5.0]
