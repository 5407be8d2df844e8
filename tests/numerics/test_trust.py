"""What a step's gain is, and what becomes of the radius."""

from __future__ import annotations

import math

import pytest

from optbench.numerics.trust import Lengths, Trust, gain


@pytest.mark.parametrize(
    ("after", "expected", "noise", "found"),
    [
        (8.0, 2.0, 0.0, 1.0),
        (9.0, 2.0, 0.0, 0.5),
        (12.0, 2.0, 0.0, -1.0),
        (10.0 + 1e-9, 0.0, 1e-6, 0.999),
        (math.nan, 2.0, 0.0, -1.0),
        (math.inf, 2.0, 0.0, -1.0),
        (-math.inf, 2.0, 0.0, 1.0),
        (9.0, 0.0, 0.0, -1.0),
        (9.0, math.nan, 0.0, -1.0),
    ],
)
def test_the_gain_is_the_share_of_the_promise_that_was_kept(
    after: float, expected: float, noise: float, found: float
) -> None:
    assert gain(10.0, after, expected=expected, noise=noise) == pytest.approx(found)


def test_a_poor_step_shrinks_the_radius_to_the_parabola_through_what_was_seen() -> None:
    """f rose as much as it should have fallen: slope −2, value +1 at 1, minimum at 1/3... of the promised 1."""
    trust = Trust(radius=8.0)
    trust.judge(length=4.0, gained=-1.0)
    assert trust.radius == 4.0 * 0.25
    trust.judge(length=4.0, gained=-1e9)
    assert trust.radius == 4.0 * 0.1
    trust.judge(length=4.0, gained=0.2)
    assert trust.radius == 4.0 * 0.5


def test_a_good_step_grows_the_radius_and_never_shrinks_it() -> None:
    trust = Trust(radius=5.0, growth=2.0)
    trust.judge(length=1.0, gained=0.9)
    assert trust.radius == 5.0
    trust.judge(length=4.0, gained=0.9)
    assert trust.radius == 8.0
    trust.judge(length=4.0, gained=0.5)
    assert trust.radius == 8.0


def test_without_a_radius_the_first_step_sets_it() -> None:
    trust = Trust()
    trust.judge(length=2.0, gained=0.5)
    assert trust.radius == 2.0


def test_a_radius_that_has_grown_by_many_orders_grows_ever_faster() -> None:
    trust = Trust(radius=1e-30, growth=2.0)
    steps = 0
    while trust.radius < 1e250:
        trust.judge(length=trust.radius, gained=1.0)
        steps += 1
    assert 40 < steps < 60  # 12 orders of factors of 2, then squares


@pytest.mark.parametrize(
    ("value", "length", "cut", "endless"),
    [
        (-1.0, 3.1e12, True, True),
        (-1.0, 2.9e12, True, False),
        (-1.0, 1e300, False, False),
        (-math.inf, 1.0, False, True),
    ],
)
def test_steps_that_a_radius_cuts_and_that_outgrow_the_first_by_orders_are_endless(
    value: float, length: float, cut: bool, endless: bool
) -> None:
    lengths = Lengths()
    assert not lengths.is_endless(0.0, 2.0, cut=True, vast=3e12)
    assert lengths.is_endless(value, length, cut=cut, vast=3e12) is endless
    assert lengths.first == 2.0
    assert not Lengths(first=4.0).is_endless(-1.0, 3.9e12, cut=True, vast=3e12)
