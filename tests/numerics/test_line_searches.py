"""Line searches on functions of one float."""

from __future__ import annotations

import itertools
import math
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest

from optbench.api import UserError
from optbench.numerics.armijo import Armijo
from optbench.numerics.exact import Exact
from optbench.numerics.fixed import Fixed
from optbench.numerics.hager_zhang import HagerZhang
from optbench.numerics.line import Line, LineSearch
from optbench.numerics.line_searches import LINE_SEARCHES, build
from optbench.numerics.strong_wolfe import StrongWolfe
from tests.numerics.lines import MORE_THUENTE, Phi, line, parabola, valley, wall


@pytest.mark.parametrize("phi", [parabola, wall, *MORE_THUENTE.values()], ids=["parabola", "wall", *MORE_THUENTE])
@pytest.mark.parametrize("first", [1e-6, 1e-2, 1.0, 50.0, 1e6])
@pytest.mark.parametrize("c2", [0.1, 0.9])
def test_strong_wolfe_holds_from_any_first_step(phi: Phi, first: float, c2: float) -> None:
    where = line(phi)
    found = StrongWolfe(c1=1e-4, c2=c2).search(where, first)
    assert found.succeeded
    assert found.trial.value <= where.value + 1e-4 * found.trial.step * where.slope
    assert abs(found.trial.slope) <= c2 * abs(where.slope)
    assert (found.trial.value, found.trial.slope) == phi(found.trial.step)


def tried(phi: Phi, search: LineSearch, first: float, error: float = 0.0) -> list[float]:
    """Return the trial steps where values and slopes are wrong by a share `error`, of changing sign."""
    steps: list[float] = []

    def inexact(step: float) -> tuple[float, float]:
        steps.append(step)
        sign = 1 - 2 * (len(steps) % 2)
        value, slope = phi(step)
        return value * (1 + sign * error), slope * (1 - sign * error)

    search.search(line(inexact), first)
    return steps[1:]


@pytest.mark.parametrize("phi", [parabola, valley, wall])
@pytest.mark.parametrize("first", [1e-6, 1e-2, 1.1, 51.0])
def test_rounding_of_f_does_not_change_rounded_steps(phi: Phi, first: float) -> None:
    rounding, exact = StrongWolfe(c2=0.1, bits=8), StrongWolfe(c2=0.1)
    assert tried(phi, rounding, first, 1e-13) == tried(phi, rounding, first)
    if len(tried(phi, exact, first)) > 1:
        assert tried(phi, exact, first, 1e-13) != tried(phi, exact, first)


@pytest.mark.parametrize("bits", [2, 8])
@pytest.mark.parametrize("c2", [1e-6, 0.1])
def test_rounded_steps_come_as_near_to_a_minimum_as_is_asked(bits: int, c2: float) -> None:
    """They are rounded as shares of a bracket, which shrinks."""
    found = StrongWolfe(c2=c2, bits=bits, max_evaluations=60).search(line(valley), 37.0)
    assert found.succeeded
    assert abs(found.trial.slope) <= 0.5 * c2


@pytest.mark.parametrize("search", [StrongWolfe(), HagerZhang()])
@pytest.mark.parametrize("orders", [6, 12, 18])
def test_a_step_that_is_shorter_by_orders_is_found(search: LineSearch, orders: int) -> None:
    unit = 10.0**-orders

    def quartic(step: float) -> tuple[float, float]:
        return (step / unit) ** 4 - step / unit, (4 * (step / unit) ** 3 - 1) / unit

    found = search.search(line(quartic), 1.0)
    assert found.succeeded
    assert found.evaluations <= 6


@pytest.mark.parametrize("search", [StrongWolfe(), StrongWolfe(c2=0.1), Exact(), HagerZhang(), Armijo()])
@pytest.mark.parametrize("orders", [3, 6, 9, 12])
def test_a_first_step_far_onto_a_plateau_is_taken_back_into_the_well(search: LineSearch, orders: int) -> None:
    """Out there all values and slopes are alike, however far apart the steps."""

    def well(step: float) -> tuple[float, float]:
        depth = math.exp(-0.5 * (step - 1.3) ** 2)
        return -depth, (step - 1.3) * depth

    assert well(10.0**orders) == well(10.0 ** (orders - 1)) == (0.0, 0.0)
    found = search.search(line(well), 10.0**orders)
    assert found.succeeded
    assert 0 < found.trial.step < 2.6


@pytest.mark.parametrize("search", [StrongWolfe(), Armijo(), Exact(), HagerZhang(), Fixed(step=3.0)])
def test_a_first_step_that_is_acceptable_costs_one_evaluation(search: LineSearch) -> None:
    assert search.search(line(parabola), 3.0).evaluations == 1


def test_evaluations_are_counted_and_limited() -> None:
    calls = []

    def phi(step: float) -> tuple[float, float]:
        calls.append(step)
        return valley(step)

    found = StrongWolfe(c2=1e-13, max_evaluations=7).search(Line(phi=phi, value=0.0, slope=-0.5), 1e-3)
    assert found.evaluations == len(calls) == 7
    assert not found.succeeded


def test_a_failed_search_returns_the_best_decrease_it_saw() -> None:
    found = StrongWolfe(c2=1e-13, max_evaluations=5).search(line(valley), 1.0)
    assert found.outcome == "failed"
    assert found.trial.value < -0.35


def test_armijo_backtracks_from_points_that_are_not_numbers() -> None:
    found = Armijo().search(line(wall), 1e5)
    assert found.succeeded
    assert found.trial.step < 1


@pytest.mark.parametrize("shrink", [0.1, 0.4])
def test_armijo_shrinks_within_its_safeguards(shrink: float) -> None:
    steps = []

    def phi(step: float) -> tuple[float, float]:
        steps.append(step)
        return (0.0, -1.0) if step == 0 else (step * 1e3, 1e3)

    Armijo(shrink=shrink, max_evaluations=6).search(line(phi), 1.0)
    ratios = [later / earlier for earlier, later in itertools.pairwise(steps[1:])]
    assert all(shrink * 0.999 <= ratio <= 0.5 for ratio in ratios)


def test_a_function_that_only_rises_fails_at_step_zero() -> None:
    def phi(step: float) -> tuple[float, float]:
        return step, -1.0  # the slope lies

    for search in (StrongWolfe(), Armijo()):
        found = search.search(Line(phi=phi, value=0.0, slope=-1.0), 1.0)
        assert (found.outcome, found.trial.step) == ("failed", 0.0)


@pytest.mark.parametrize("phi", [lambda step: (-step, -1.0), lambda step: (-step * step - step, -2 * step - 1)])
def test_a_line_without_end_is_unbounded(phi: Phi) -> None:
    assert StrongWolfe().search(line(phi), 1.0).outcome == "unbounded"


@pytest.mark.parametrize("search", [StrongWolfe(), HagerZhang()])
@pytest.mark.parametrize("start", [1e-14, 1e-30])
def test_beside_a_maximum_steps_that_grow_by_any_orders_find_the_minimum(search: Any, start: float) -> None:
    """−x² + x⁴, seen from next to 0 in steps that begin as minute."""

    def phi(step: float) -> tuple[float, float]:
        x = start + step
        return x**4 - x**2, 4 * x**3 - 2 * x

    found = search.search(line(phi, is_vast=lambda step: step > 1e31), start)
    assert found.outcome != "unbounded"
    assert found.trial.value < -0.1


@pytest.mark.parametrize("search", [StrongWolfe(), HagerZhang()])
def test_a_line_without_end_is_unbounded_only_far_beyond_any_scale(search: Any) -> None:
    seen = []

    def vast(step: float) -> bool:
        seen.append(step)
        return step > 1e31

    found = search.search(line(lambda step: (-step, -1.0), is_vast=vast), 1e-30)
    assert (found.outcome, found.trial.step > 1e31) == ("unbounded", True)
    assert min(seen) > 1e-18  # asked only once steps have grown by orders


@pytest.mark.parametrize("search", [StrongWolfe(), HagerZhang(), Armijo()])
def test_off_a_pole_a_search_that_fails_goes_to_the_lowest_point(search: Any) -> None:
    """x − log x from 1e-30: no step that helps decreases f by a share of what the slope there promises."""

    def phi(step: float) -> tuple[float, float]:
        x = 1e-30 + step
        return x - math.log(x), 1 - 1 / x

    found = replace(search, max_evaluations=20).search(line(phi), 1.0)
    assert (found.outcome, found.trial.step) == ("failed", 1.0)


def test_minus_infinity_is_unbounded() -> None:
    def phi(step: float) -> tuple[float, float]:
        return (-math.inf if step > 0.5 else -step), -1.0

    for search in (StrongWolfe(), Armijo()):
        assert search.search(line(phi), 1.0).outcome == "unbounded"


def test_slopes_decide_where_values_are_rounding() -> None:
    """Values that rise by a rounding are no reason to fail: the slope still says where the minimum is."""

    def phi(step: float) -> tuple[float, float]:
        return 1e8 + (1.5e-8 if step else 0.0), 2e-12 * (step - 3)

    where = line(phi, noise=1e-7)
    found = StrongWolfe(c2=0.1).search(where, 1.0)
    assert found.succeeded
    assert found.trial.step == pytest.approx(3, abs=0.3)
    assert not StrongWolfe(c2=0.1).search(line(phi), 1.0).succeeded


def test_a_far_flat_point_is_no_sufficient_decrease() -> None:
    """The approximate condition must not accept what only the slope recommends."""
    found = StrongWolfe().search(line(valley, noise=1e-9), 1e6)
    assert found.trial.value <= -0.5e-4 * found.trial.step


def test_exact_takes_the_problems_own_minimum() -> None:
    where = Line(phi=parabola, value=9.0, slope=-6.0, minimum=lambda: 3.0)
    assert Exact().search(where, 100.0).trial.step == 3.0


@pytest.mark.parametrize(("step", "outcome"), [(-1.0, "unbounded"), (math.nan, "failed"), (math.inf, "failed")])
def test_exact_says_where_there_is_no_minimum_ahead(step: float, outcome: str) -> None:
    where = Line(phi=parabola, value=9.0, slope=-6.0, minimum=lambda: step)
    assert Exact().search(where, 1.0).outcome == outcome


def test_exact_searches_to_its_tolerance() -> None:
    found = Exact(tolerance=1e-9).search(line(valley), 0.1)
    assert found.succeeded
    assert found.trial.step == pytest.approx(math.sqrt(2), abs=1e-8)


def test_build_passes_options_and_fills_in_defaults() -> None:
    assert build("strong-wolfe(c2=0.1)") == StrongWolfe(c1=1e-4, c2=0.1, max_evaluations=25)
    assert build("armijo(c1=0.01, shrink=0.5)") == Armijo(c1=0.01, shrink=0.5, max_evaluations=40)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("strong-wolf", "nearest: strong-wolfe"),
        ("strong-wolfe(c3=0.1)", "unknown option 'c3'; options: c1, c2, max_evaluations, bits"),
        ("armijo(c1=0.9)", "line search armijo: option c1: got 0.9; highest allowed: 0.5"),
        ("armijo(c1='small')", "expected a number, got 'small'"),
        ("strong-wolfe(max_evaluations=true)", "expected an integer, got True"),
        ("armijo + exact", "found 2 joined"),
        ("strong-wolfe(c1=0.5, c2=0.1)", "c1=0.5, c2=0.1; allowed: c1 below c2"),
        ("hager-zhang(c2=0.05)", "c1=0.1, c2=0.05; allowed: c1 below c2"),
    ],
)
def test_a_mistake_in_an_expression_is_the_users(text: str, message: str) -> None:
    with pytest.raises(UserError, match=message.replace("(", r"\(")):
        build(text)


def test_declared_defaults_are_the_classes_own() -> None:
    for name, part in LINE_SEARCHES.items():
        declared = {key: option.default for key, option in part.options.items()}
        assert part.factory(**declared) == part.factory(), name


def test_the_table_imports_no_torch() -> None:
    code = "import sys, optbench.numerics.line_searches; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def steps_of(search: LineSearch, phi: Phi, first: float) -> list[float]:
    """Return the steps that a search tries."""
    steps: list[float] = []

    def noting(step: float) -> tuple[float, float]:
        steps.append(step)
        return phi(step)

    value, slope = phi(0.0)
    search.search(Line(phi=noting, value=value, slope=slope), first)
    return steps


def test_armijo_at_least_halves_a_step_though_the_parabolas_minimum_is_nearer() -> None:
    """−s + 0.7·s² falls too little at 1; its minimum is at 0.714."""
    assert steps_of(Armijo(c1=0.4), lambda s: (0.7 * s * s - s, 1.4 * s - 1), 1.0) == [1.0, 0.5]


def test_strong_wolfe_lengthens_a_step_by_as_much_as_the_last_time_at_least() -> None:
    """The minimum lies at 1.05, so near that a step there would bracket nothing."""
    first, second, *_ = steps_of(StrongWolfe(c2=0.01), lambda s: ((s - 1.05) ** 2, 2 * (s - 1.05)), 1.0)
    assert (first, second) == (1.0, 2.0)


def test_strong_wolfe_bisects_a_bracket_that_hardly_shrinks() -> None:
    """At a kink cubics keep to one end: without halving, fifty trials don't close it."""

    def kink(step: float) -> tuple[float, float]:
        return (-step, -1.0) if step < 0.3 else (10 * (step - 0.3) - 0.3, 10.0)

    steps = steps_of(StrongWolfe(c2=0.1, max_evaluations=100), kink, 10.0)
    assert len(steps) < 70
    assert steps[-1] == pytest.approx(0.3, rel=1e-12)
