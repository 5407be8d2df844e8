"""What a smaller budget would have found, against enumeration by hand."""

import itertools
import math

import numpy as np
import pytest

from optbench.analysis import best_of_weights, weighted_lower_quantile


@pytest.mark.parametrize(("total", "drawn"), [(1, 1), (5, 1), (5, 2), (6, 4), (6, 6)])
def test_weights_are_the_shares_of_all_draws(total, drawn):
    draws = list(itertools.combinations(range(total), drawn))
    shares = [sum(min(draw) == rank for draw in draws) / len(draws) for rank in range(total)]
    assert best_of_weights(total, drawn) == pytest.approx(shares)


@pytest.mark.parametrize(("total", "drawn"), [(3, 0), (3, 4)])
def test_a_budget_that_can_not_be_drawn_is_refused(total, drawn):
    with pytest.raises(ValueError, match=f"{drawn} drawn of {total}"):
        best_of_weights(total, drawn)


def test_equal_weights_give_the_lower_quantile():
    values = [3.0, 1.0, math.inf, 2.0]
    assert [weighted_lower_quantile(values, np.ones(4), share) for share in (0.25, 0.5, 0.75, 1)] == [1, 2, 3, math.inf]


def test_what_has_no_weight_does_not_count():
    assert weighted_lower_quantile([1.0, 2.0, 9.0], [0.0, 1.0, 0.0], 0.9) == 2.0
    assert math.isnan(weighted_lower_quantile([], []))
