"""Tests against enumeration by brute force, tables, and statsmodels."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from optbench.analysis import equivalence_test, holm, sign_test, signed_rank_test, t_interval

INF, NAN = math.inf, math.nan


def enumerated(differences):
    """Return the two-sided p-value of the signed ranks over all 2ⁿ signs."""
    ranks = stats.rankdata(np.abs(differences))
    seen = float(np.sign(differences) @ ranks)
    sums = [np.dot(signs, ranks) for signs in itertools.product([-1, 1], repeat=len(ranks))]
    return np.mean([abs(total) >= abs(seen) - 1e-9 for total in sums])


@pytest.mark.parametrize("digits", [3, 0])
@pytest.mark.parametrize("n", [3, 6, 9])
def test_signed_ranks_equal_the_enumeration_of_all_signs(n, digits):
    """Rounded to whole numbers most of them tie."""
    differences = np.round(np.random.default_rng(n).normal(0.4, 1.5, n), digits)
    differences = differences[differences != 0]
    assert signed_rank_test(differences).p_value == pytest.approx(enumerated(differences))


@pytest.mark.parametrize("differences", [[1, 1, 2, -2, 3, 4, 4], [-1, -1, 1, 2, 2]])
def test_pairs_that_tie_share_half_ranks(differences):
    assert signed_rank_test(differences).p_value == pytest.approx(enumerated(differences))


@pytest.mark.parametrize("n", [10, 25, 50, 51, 200])
def test_signed_ranks_equal_those_of_scipy(n):
    """Without ties scipy is exact to 50; beyond both are approximate."""
    differences = np.random.default_rng(n).normal(0.2, 1, n)
    assert signed_rank_test(differences).p_value == pytest.approx(stats.wilcoxon(differences).pvalue)


def test_pairs_that_one_did_not_solve_rank_above_all_others_and_tie():
    """Ranks: 1, 2, 3 of the finite, then (4 + 5)/2 twice: balance (2 + 3 + 4.5 + 4.5 − 1)/15."""
    test = signed_rank_test([-0.1, 0.2, 0.3, INF, INF])
    assert test.balance == pytest.approx(13 / 15)
    assert test == signed_rank_test([-0.1, 0.2, 0.3, 9.0, 9.0])


def test_an_infinite_difference_is_not_lost():
    assert signed_rank_test([INF] * 12).p_value == 2 / 2**12
    assert signed_rank_test([-INF, INF]).balance == 0


def test_pairs_without_order_are_left_out():
    assert signed_rank_test([1, 2, NAN, 3, 0]) == signed_rank_test([1, 2, 3])
    assert signed_rank_test([0, NAN]) == (1.0, 0.0)


def test_five_pairs_cannot_reach_five_percent():
    assert signed_rank_test([1, 2, 3, 4, 5]).p_value == pytest.approx(2 / 2**5)


@pytest.mark.parametrize(("counts", "p_value"), [((6, 0), 2 / 64), ((0, 6), 2 / 64), ((5, 1), 14 / 64), ((4, 4), 1)])
def test_sign_test_by_hand(counts, p_value):
    assert sign_test(*counts) == pytest.approx(p_value)


def test_no_signs_say_nothing():
    assert sign_test(0, 0) == 1


def test_holm_by_hand():
    """4·0.01, 3·0.013, 2·0.03, 1·0.2: the second may not fall below the first."""
    assert holm([0.2, 0.013, 0.03, 0.01]) == pytest.approx([0.2, 0.04, 0.06, 0.04])


def test_holm_equals_that_of_statsmodels(golden):
    given_, expected = golden("paired_tests")
    np.testing.assert_allclose(holm(given_["p_values"]), expected["holm"], rtol=1e-12)


@given(st.lists(st.floats(0, 1), max_size=8))
def test_holm_lies_between_the_raw_values_and_bonferroni(p_values):
    raw, adjusted = np.array(p_values), holm(p_values)
    assert np.all((raw <= adjusted) & (adjusted <= np.minimum(raw * len(raw), 1)))
    assert np.all(np.diff(adjusted[np.argsort(raw)]) >= 0)


def test_a_test_that_was_not_made_does_not_count():
    adjusted = holm([0.04, NAN, 0.01])
    assert adjusted[[0, 2]] == pytest.approx([0.04, 0.02])
    assert math.isnan(adjusted[1])


def test_equivalence_equals_that_of_statsmodels(golden):
    given_, expected = golden("paired_tests")
    p_values = [equivalence_test(given_["differences"], margin) for margin in given_["margins"]]
    np.testing.assert_allclose(p_values, expected["equivalence"], rtol=1e-9)


def test_equivalence_is_the_ninety_percent_interval_within_the_margin():
    rng = np.random.default_rng(9)
    verdicts = set()
    for _ in range(200):
        values = rng.normal(0.02, 0.1, 10)
        interval = t_interval(values, confidence=0.9)
        inside = interval.low > -0.06 and interval.high < 0.06
        verdicts.add(inside)
        assert inside == (equivalence_test(values, 0.06) < 0.05)
    assert verdicts == {True, False}


def test_too_few_values_show_no_equivalence():
    assert math.isnan(equivalence_test([0.0], 1))


@pytest.mark.parametrize("margin", [0, -1, NAN])
def test_a_margin_must_be_positive(margin):
    with pytest.raises(ValueError, match="margin"):
        equivalence_test([0, 1], margin)
