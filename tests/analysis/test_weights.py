"""Weighted costs against sums done by hand."""

import math

import pytest

from optbench.analysis import weighted_cost

COUNTS = {"value": [1, 2, 4], "gradient": [1, 1, 3], "hessian_vector": [0, 5, math.inf]}


def test_cost_is_the_weighted_sum():
    assert weighted_cost(COUNTS, {"value": 1, "gradient": 2, "hessian_vector": 6}).tolist() == [3, 34, math.inf]


def test_a_kind_without_a_weight_or_of_weight_zero_costs_nothing_even_if_infinite():
    assert weighted_cost(COUNTS, {"gradient": 2, "hessian_vector": 0}).tolist() == [2, 2, 6]
    assert weighted_cost(COUNTS, {}).tolist() == [0, 0, 0]


def test_one_count_serves_all_rows():
    assert weighted_cost({"value": [1, 2], "setup": 10}, {"value": 1, "setup": 0.5}).tolist() == [6, 7]


def test_counts_are_not_changed():
    counts = {"value": [1.0, 2.0]}
    weighted_cost(counts, {"value": 3})
    assert counts == {"value": [1.0, 2.0]}


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ({"hessian": 1}, "'hessian', which is not counted; counted are value"),
        ({"value": -1}, "finite and not negative"),
    ],
)
def test_a_weight_that_makes_no_sense_is_an_error(weights, message):
    with pytest.raises(ValueError, match=message):
        weighted_cost(COUNTS, weights)
