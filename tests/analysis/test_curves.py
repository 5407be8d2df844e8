"""Curves of runs against values read off by hand."""

import math

import numpy as np
import pytest

from optbench.analysis import best_so_far, curve_on_grid, log_grid

NAN = math.nan


def test_best_so_far_skips_what_was_not_evaluated():
    assert best_so_far([5, NAN, 7, 2, math.inf, 3]).tolist() == [5, 5, 5, 2, 2, 2]


def test_best_so_far_begins_with_the_first_value():
    assert np.isnan(best_so_far([NAN, 4]))[0]


def test_log_grid_holds_its_ends_and_whole_counts_only():
    grid = log_grid(1, 1000, 7)
    assert grid.tolist() == [1, 3, 10, 32, 100, 316, 1000]
    assert log_grid(1, 5, 64).tolist() == [1, 2, 3, 4, 5]


def test_a_run_holds_its_last_value_between_rows_and_after_its_end():
    curve = curve_on_grid([([1, 4], [8.0, 2.0])], [1, 3, 4, 100])
    assert curve.median.tolist() == curve.low.tolist() == curve.high.tolist() == [8, 8, 2, 2]


def test_median_and_band_over_runs():
    runs = [([1], [float(value)]) for value in range(11)]
    curve = curve_on_grid(runs, [1])
    assert (curve.low[0], curve.median[0], curve.high[0]) == (1, 5, 9)


def test_even_numbers_of_runs_interpolate():
    assert curve_on_grid([([1], [1.0]), ([1], [2.0])], [1]).median == pytest.approx([1.5])


def test_a_run_that_has_not_begun_is_left_out():
    curve = curve_on_grid([([1], [4.0]), ([10], [2.0])], [1, 10])
    assert curve.median.tolist() == [4, 3]
    assert np.isnan(curve_on_grid([([10], [2.0])], [1]).median[0])


def test_an_infinite_value_does_not_spoil_the_others():
    runs = [([1], [1.0]), ([1], [2.0]), ([1], [math.inf])]
    curve = curve_on_grid(runs, [1])
    assert curve.median.tolist() == [2]
    assert curve.high.tolist() == [math.inf]


def test_no_runs_give_nan():
    assert np.isnan(curve_on_grid([], [1, 2]).median).all()
