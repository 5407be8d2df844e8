"""Steps along which nothing bends upwards are lengthened, until f is said to be unbounded."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from optbench.numerics.line import Found, Line, Trial
from optbench.numerics.steady import Steady

EPS = 2.0**-52


def after(
    phi: Callable[[float], tuple[float, float]], lengths: list[float], outcome: str = "accepted", vast: float = 0.0
) -> Steady:
    """Take steps of the given lengths from 0, each a search of its own."""
    steady, start = Steady(EPS), 0.0
    for length in lengths:
        (value, slope), (height, rise) = phi(start), phi(start + length)
        line = Line(phi=phi, value=value, slope=slope, is_vast=lambda step: step > vast)
        steady.note(line, Found(Trial(length, height, rise), outcome, 1))  # type: ignore[arg-type]
        start += length
    return steady


GROWING = [10.0**order for order in range(26)]


@pytest.mark.parametrize("phi", [lambda step: (-step, -1.0), lambda step: (-step - step**2, -1 - 2 * step)])
def test_a_line_and_what_bends_down_are_endless(phi: Callable[[float], tuple[float, float]]) -> None:
    assert after(phi, [1.0]).growth > 1
    assert not after(phi, GROWING[:3]).is_endless
    assert after(phi, GROWING).is_endless
    assert not after(phi, GROWING, vast=1e25).is_endless


def test_next_to_a_saddle_steps_grow_by_many_orders_before_f_turns() -> None:
    """−s³ from 10⁻⁸, until at 1 something else would stop it."""
    steady = after(
        lambda step: (-((step + 1e-8) ** 3), -3 * (step + 1e-8) ** 2), [10.0**order for order in range(-8, 0)]
    )
    assert steady.growth > 1
    assert not steady.is_endless


def test_what_bends_upwards_is_not_lengthened() -> None:
    steady = after(lambda step: ((step - 100.0) ** 2, 2 * (step - 100.0)), [1.0] * 50)
    assert steady.growth == 1
    assert not steady.is_endless


def test_a_search_that_fails_says_nothing() -> None:
    assert after(lambda step: (-step, -1.0), GROWING, "failed").growth == 1


def test_steps_that_do_not_grow_prove_nothing() -> None:
    assert not after(lambda step: (-step, -1.0), [1.0] * 1000).is_endless
