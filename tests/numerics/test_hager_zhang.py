"""The search of CG_DESCENT: its conditions hold wherever it says so, and slopes take over where values fail."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optbench.numerics.hager_zhang import HagerZhang
from optbench.numerics.line import Found, Line
from tests.numerics.lines import MORE_THUENTE, Phi, line, parabola, wall

FIRST = [1e-3, 1e-1, 1e1, 1e3]  # Moré and Thuente's


def wolfe(where: Line, found: Found, rules: HagerZhang) -> bool:
    falls = found.trial.value <= where.value + rules.c1 * found.trial.step * where.slope
    return falls and found.trial.slope >= rules.c2 * where.slope


def approximate_wolfe(where: Line, found: Found, rules: HagerZhang) -> bool:
    change = found.trial.value - where.value
    near = abs(change) <= rules.omega * abs(where.value) and change <= rules.epsilon * abs(where.value)
    return near and (2 * rules.c1 - 1) * where.slope >= found.trial.slope >= rules.c2 * where.slope


@pytest.mark.parametrize("first", FIRST)
@pytest.mark.parametrize("phi", MORE_THUENTE.values(), ids=MORE_THUENTE)
def test_more_and_thuentes_functions_are_searched_from_near_and_far(phi: Phi, first: float) -> None:
    rules = HagerZhang()
    where = line(phi)
    found = rules.search(where, first)
    assert found.succeeded
    assert wolfe(where, found, rules) or approximate_wolfe(where, found, rules)
    assert (found.trial.value, found.trial.slope) == phi(found.trial.step)
    assert found.evaluations <= 20


@given(
    roots=st.lists(st.floats(-3, 10), min_size=3, max_size=3),
    first=st.floats(-6, 6).map(lambda power: 10**power),
    c2=st.floats(0.2, 0.95),
    lift=st.sampled_from([0.0, 1.0, 1e6, -1e6]),
)
def test_an_accepted_step_satisfies_its_conditions(roots: list[float], first: float, c2: float, lift: float) -> None:
    """On quartics with up to two minima ahead, from any first step, for f near zero and far from it."""
    a, b, c = roots

    def phi(step: float) -> tuple[float, float]:
        value = step**4 / 4 - (a + b + c) * step**3 / 3 + (a * b + b * c + c * a) * step**2 / 2 - a * b * c * step
        return value + lift, (step - a) * (step - b) * (step - c)

    where = line(phi)
    if not where.slope < -1e-6:
        return
    rules = HagerZhang(c2=c2)
    found = rules.search(where, first)
    assert found.succeeded
    assert wolfe(where, found, rules) or approximate_wolfe(where, found, rules)


def test_the_first_secant_step_is_exact_on_a_parabola() -> None:
    found = HagerZhang(c2=0.0).search(line(parabola), 10.0)
    assert (found.trial.step, found.evaluations) == (3.0, 2)


def test_a_step_grows_by_rho_until_it_brackets() -> None:
    steps = []

    def phi(step: float) -> tuple[float, float]:
        steps.append(step)
        return parabola(step)

    HagerZhang(rho=4.0).search(Line(phi=phi, value=9.0, slope=-6.0), 0.01)
    assert steps == pytest.approx([0.01, 0.04, 0.16, 0.64])


def test_values_that_rise_by_rounding_are_no_obstacle() -> None:
    """Decreases are lost at 1e8, and yet the slopes lead to the minimum; Wolfe's conditions alone would fail."""

    def phi(step: float) -> tuple[float, float]:
        return 1e8 + (1.5e-8 if step else 0.0), 2e-12 * (step - 3)

    found = HagerZhang(c2=0.1).search(line(phi), 1.0)
    assert found.succeeded
    assert abs(found.trial.slope) <= 0.8 * 6e-12
    assert not HagerZhang(c2=0.1, epsilon=0.0).search(line(phi), 1.0).succeeded


def test_slopes_decide_nothing_where_f_changes_much() -> None:
    """The slope recommends a point higher than the start by a hundredth: only a large omega and epsilon take it."""

    def phi(step: float) -> tuple[float, float]:
        return (1.0, -1.0) if step == 0 else (1.01, -0.5)

    assert HagerZhang(epsilon=0.1, omega=0.1).search(line(phi), 1.0).succeeded
    assert not HagerZhang(epsilon=0.1, max_evaluations=9).search(line(phi), 1.0).succeeded
    assert not HagerZhang(omega=0.1, max_evaluations=9).search(line(phi), 1.0).succeeded


def test_a_point_that_is_too_high_though_f_falls_there_is_cut_off() -> None:
    """At 1 the wave falls, above the start: the bracket must be sought before it (U3)."""

    def phi(step: float) -> tuple[float, float]:
        return 3 * step - math.sin(2 * math.pi * step) * 2, 3 - 4 * math.pi * math.cos(2 * math.pi * step)

    rules = HagerZhang()
    where = line(phi)
    found = rules.search(where, 1.0)
    assert found.succeeded
    assert found.trial.step < 0.5
    assert wolfe(where, found, rules)


@pytest.mark.parametrize("first", [1e-3, 1.0, 1e5, 1e300])
def test_it_comes_back_from_points_that_are_not_numbers(first: float) -> None:
    assert HagerZhang(max_evaluations=400).search(line(wall), first).trial.step < 1


def test_a_line_without_end_is_unbounded() -> None:
    assert HagerZhang().search(line(lambda step: (-step, -1.0)), 1.0).outcome == "unbounded"
    assert HagerZhang().search(line(lambda step: (-math.inf if step else 0.0, -1.0)), 1.0).outcome == "unbounded"


def test_a_flat_function_ends_in_time() -> None:
    found = HagerZhang(c2=0.1).search(Line(phi=lambda step: (2.0, -1e-30), value=2.0, slope=-1e-30), 1.0)
    assert (found.outcome, found.trial.step) == ("failed", 0.0)
    assert found.evaluations < 25


def test_a_function_that_only_rises_fails_at_step_zero() -> None:
    found = HagerZhang().search(Line(phi=lambda step: (step, -1.0), value=0.0, slope=-1.0), 1.0)
    assert (found.outcome, found.trial.step) == ("failed", 0.0)


def test_a_failed_search_returns_the_best_decrease_it_saw() -> None:
    found = HagerZhang(max_evaluations=4).search(line(MORE_THUENTE["valley"]), 1e-3)
    assert (found.outcome, found.evaluations) == ("failed", 4)
    assert found.trial.step == pytest.approx(0.125)


def test_it_is_the_same_search_in_other_units() -> None:
    """φ scaled by a power of two and steps by another: the same evaluations, to the bit."""
    wavy = MORE_THUENTE["wavy"]

    def scaled(step: float) -> tuple[float, float]:
        value, slope = wavy(step * 2**-20)
        return value * 2.0**60, slope * 2.0**40

    plain = HagerZhang(c2=0.1).search(line(wavy), 10.0)
    other = HagerZhang(c2=0.1).search(line(scaled), 10.0 * 2**20)
    assert other.evaluations == plain.evaluations
    assert other.trial.step == plain.trial.step * 2**20


def steps_of(rules: HagerZhang, phi: Phi, first: float) -> list[float]:
    """Return the steps that a search tries."""
    steps: list[float] = []

    def noting(step: float) -> tuple[float, float]:
        steps.append(step)
        return phi(step)

    value, slope = phi(0.0)
    rules.search(Line(phi=noting, value=value, slope=slope), first)
    return steps


def test_where_a_secant_step_moves_the_right_end_another_is_taken_from_there() -> None:
    """Slopes log(s + 0.1): both secants lie right of the root at 0.9, the second one is that of the last two slopes."""

    def phi(step: float) -> tuple[float, float]:
        at = step + 0.1
        return at * math.log(at) - at, math.log(at)

    right, moved, third, *_ = steps_of(HagerZhang(c2=1e-9), phi, 3.0)
    slopes = [phi(step)[1] for step in (right, moved)]
    assert moved == pytest.approx(-3.0 * phi(0.0)[1] / (slopes[0] - phi(0.0)[1]))
    assert third == pytest.approx(moved - slopes[1] * (right - moved) / (slopes[0] - slopes[1]))


def test_an_interval_that_ends_where_f_is_no_number_is_cut_near_its_left_end() -> None:
    first, second, *_ = steps_of(HagerZhang(), wall, 1e3)
    assert second == pytest.approx(0.1 * first)
