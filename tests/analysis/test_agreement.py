"""Whether judges order things alike, against values worked out by hand."""

import math

import numpy as np
import pytest

from optbench.analysis import order_agreement

# Three samples around a mean: of the difference of two such means by d, the 95 % interval is d ± 4.303·s/√3.
STEADY, NOISY = np.array([-0.01, 0.0, 0.01]), np.array([-3.0, 0.0, 3.0])


@pytest.mark.parametrize(
    ("judges", "tau", "opposed"),
    [
        ([(1, 2, 3), (1, 2, 3)], 1.0, ()),
        ([(1, 2, 3), (3, 2, 1)], -1.0, ((0, 1), (0, 2), (1, 2))),
        ([(1, 2, 3), (2, 1, 3)], 1 / 3, ((0, 1),)),  # 2 of 3 pairs alike, 1 opposed
        ([(1, 2, 3), (1, 2, 3), (3, 2, 1)], -1 / 3, ((0, 1), (0, 2), (1, 2))),
        ([(1, 1, 2), (1, 2, 3)], 2 / math.sqrt(2 * 3), ()),  # the first ties a pair: (2 − 0) / √(2 · 3)
        ([(1, 1, 2), (2, 1, 1)], -1 / math.sqrt(2 * 2), ((0, 2),)),  # (0, 1), (0, 2), (1, 2): 0, −, − and +, +, 0
    ],
)
def test_kendalls_tau_of_exact_scores(judges, tau, opposed):
    found = order_agreement([[[mean] * 3 for mean in means] for means in judges])
    assert found.tau == pytest.approx(tau)
    assert (found.opposed, found.alike) == (opposed, not opposed)


def test_a_difference_within_its_interval_is_a_tie():
    near, far = 4.302653 * np.std(STEADY, ddof=1) / math.sqrt(3) * np.array([0.99, 1.01])
    for mean, decided in ((near, 0), (far, 1)):
        found = order_agreement([[np.zeros(3), mean + STEADY]] * 2)
        assert (found.decided, found.alike) == (decided, True if decided else None)
        assert math.isnan(found.tau) is not bool(decided)


def test_samples_are_compared_one_by_one():
    """What all things have in common, however noisy, hides no difference."""
    found = order_agreement([[NOISY, NOISY + 0.1 + STEADY]] * 2)
    assert (found.decided, found.tau) == (1, 1.0)


def test_only_orders_that_are_told_apart_can_be_opposed():
    firm, unsure = [np.zeros(3), 1.0 + STEADY], [np.zeros(3), -1.0 + NOISY]
    found = order_agreement([firm, unsure])
    assert (found.opposed, found.alike, found.decided) == ((), True, 1)
    assert math.isnan(found.tau)  # the two have no pair that both order
    assert order_agreement([firm, [np.zeros(3), -1.0 + STEADY]]).alike is False


def test_what_fails_always_comes_last_and_what_fails_at_times_is_undecided():
    good, bad, moody = np.zeros(3), np.full(3, math.inf), np.array([0.0, math.inf, 0.0])
    assert order_agreement([[good, bad]] * 2).tau == 1.0
    assert order_agreement([[bad, bad]] * 2).decided == 0
    assert order_agreement([[good, moody]] * 2).decided == 0


@pytest.mark.parametrize("shape", [(2, 2, 1), (2, 1, 3), (2, 0, 3), (1, 1, 1)])
def test_nothing_is_told_of_one_sample_or_one_thing(shape):
    found = order_agreement(np.arange(math.prod(shape), dtype=float).reshape(shape))
    assert (found.decided, found.opposed, found.alike) == (0, (), None)
    assert math.isnan(found.tau)
