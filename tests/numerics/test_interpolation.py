"""Interpolating polynomials reproduce what they interpolate."""

from __future__ import annotations

import math

import pytest

from optbench.numerics.interpolation import (
    clipped,
    cubic_minimum,
    power_minimum,
    quadratic_minimum,
    rounded,
    secant_minimum,
)
from optbench.numerics.line import Trial


def cubic(step: float) -> Trial:
    """(step − 2)²(step + 4): minimum at 2."""
    return Trial(step, (step - 2) ** 2 * (step + 4), 2 * (step - 2) * (step + 4) + (step - 2) ** 2)


@pytest.mark.parametrize(("a", "b"), [(0.0, 1.0), (1.0, 0.0), (0.0, 3.0), (5.0, 0.5)])
def test_the_cubic_finds_the_minimum_of_a_cubic(a: float, b: float) -> None:
    assert cubic_minimum(cubic(a), cubic(b)) == pytest.approx(2)


@pytest.mark.parametrize("power", [-1000, -600, 600, 900])
def test_the_cubic_knows_no_unit(power: int) -> None:
    a, b = (Trial(t.step, t.value * 2.0**power, t.slope * 2.0**power) for t in (cubic(0.0), cubic(3.0)))
    assert cubic_minimum(a, b) == cubic_minimum(cubic(0.0), cubic(3.0))


def test_without_a_minimum_there_is_no_number() -> None:
    up, down = Trial(0.0, 0.0, -1.0), Trial(1.0, -1.0, -1.0)
    assert math.isnan(cubic_minimum(up, Trial(1.0, -1.2, -1.5)))
    assert math.isnan(secant_minimum(up, down))
    assert math.isnan(quadratic_minimum(up, down))
    assert math.isnan(cubic_minimum(up, Trial(0.0, 1.0, 1.0)))


def test_the_parabola_and_the_secant_find_the_minimum_of_a_parabola() -> None:
    a, b = Trial(0.0, 9.0, -6.0), Trial(5.0, 4.0, 4.0)
    assert quadratic_minimum(a, b) == pytest.approx(3)
    assert secant_minimum(a, b) == pytest.approx(3)


@pytest.mark.parametrize("power", [1.5, 2.0, 4.0, 7.0])
@pytest.mark.parametrize("reach", [1.0, 1e6])
def test_the_power_finds_the_minimum_of_a_power_from_afar(power: float, reach: float) -> None:
    """5 − 3t + tᵖ: zero slope where p·tᵖ⁻¹ = 3."""
    step = 2 * reach
    far = Trial(step, 5 - 3 * step + step**power, -3 + power * step ** (power - 1))
    assert power_minimum(Trial(0.0, 5.0, -3.0), far) == pytest.approx((3 / power) ** (1 / (power - 1)), rel=1e-6)


def test_there_is_no_power_where_f_does_not_rise() -> None:
    assert math.isnan(power_minimum(Trial(0.0, 0.0, -1.0), Trial(1.0, -1.0, -1.0)))
    assert math.isnan(power_minimum(Trial(0.0, 0.0, -1.0), Trial(1.0, math.inf, math.inf)))


def test_clipping_takes_bounds_in_either_order() -> None:
    assert clipped(5.0, 3.0, 1.0, otherwise=0.0) == 3.0
    assert clipped(math.nan, 1.0, 3.0, otherwise=2.0) == 2.0


@pytest.mark.parametrize(
    ("number", "bits", "expected"),
    [(0.3, 2, 0.25), (0.4, 2, 0.375), (-1e-300, 53, -1e-300), (6.1, 1, 8.0), (0.0, 8, 0.0), (3.0e200, 53, 3.0e200)],
)
def test_rounding_keeps_so_many_binary_digits(number: float, bits: int, expected: float) -> None:
    assert rounded(number, bits) == expected
