"""A descent ends by relative tests only."""

from __future__ import annotations

import math

import pytest

from optbench.numerics.progress import Progress

EPS = 2.0**-52


def ends(progress: Progress, value: float, gradient: float, extent: float = 1.0) -> bool:
    return progress.ends(value, gradient, extent)


def test_a_zero_gradient_ends_at_once() -> None:
    progress = Progress(EPS)
    assert ends(progress, 1.0, 0.0)
    assert progress.verdict == "converged"


@pytest.mark.parametrize("scale", [1e-40, 1e-12, 1.0, 1e12, 1e40])
def test_the_end_scales_with_the_first_gradient(scale: float) -> None:
    progress = Progress(EPS)
    assert not ends(progress, 1.0 * scale, scale)
    assert not ends(progress, 0.5 * scale, 1e-19 * scale)
    assert ends(progress, 0.5 * scale, 1e-20 * scale)
    assert progress.verdict == "converged"


def test_what_still_falls_has_not_ended_however_steep_the_start_was() -> None:
    """From f = 1e26 a gradient of 1e5 is less than a share eps^1.25; f falls on, though, by more than a share eps²."""
    progress = Progress(EPS)
    assert not ends(progress, 1e26, 1e26)
    assert not ends(progress, -1000.0, 1e5)
    assert not ends(progress, -1000.1, 1e4)
    assert ends(progress, -1000.1, 1e3)
    assert progress.verdict == "converged"


def test_beside_a_pole_the_first_gradient_is_no_measure() -> None:
    """x − log x from 1e-30: at 1e-10 the gradient is 1e-20 of the first, and f falls as fast as ever."""
    progress = Progress(EPS)
    at = (1e-30, 1e-20, 1e-10, 1e-2)
    assert not any(ends(progress, x - math.log(x), abs(1 - 1 / x), x) for x in at)
    assert not ends(progress, 1.0, 1e-16, 1.0)
    assert ends(progress, 1.0, 1e-16, 1.0)


@pytest.mark.parametrize("gradient", [float("inf"), float("nan")])
def test_gradients_that_are_no_numbers_are_no_minimum(gradient: float) -> None:
    progress = Progress(EPS)
    assert ends(progress, 1.0, gradient)
    assert progress.verdict == "stalled"


def test_while_the_gradient_falls_nothing_ends() -> None:
    progress = Progress(EPS)
    assert not any(ends(progress, 1.0, 0.9**step) for step in range(300))


def test_without_progress_it_stalls() -> None:
    progress = Progress(EPS)
    steps = next(step for step in range(1000) if ends(progress, 1.0, 1.0))
    assert 10 <= steps <= 50
    assert progress.verdict == "stalled"


def test_failures_shorten_the_patience() -> None:
    progress = Progress(EPS)
    ends(progress, 1.0, 1.0)
    for _ in range(4):
        progress.fails()
    assert ends(progress, 1.0, 1.0)


def test_another_function_begins_anew() -> None:
    progress = Progress(EPS)
    ends(progress, 1.0, 1.0)
    for _ in range(4):
        progress.fails()
    progress.begin(1.0)
    assert not ends(progress, 5.0, 2.0)


def test_falling_by_rounding_alone_is_no_progress() -> None:
    """Squares of residuals that have reached their rounding: each lies a unit in the last place below the last."""
    progress = Progress(EPS)
    assert not ends(progress, 2.0, 1.0)
    values = (4.9e-32 * (1 - EPS * step) for step in range(100))
    steps = next(step for step, value in enumerate(values) if ends(progress, value, 6e-16))
    assert 10 <= steps <= 50
    assert progress.verdict == "converged"


def test_a_fall_too_slow_to_be_seen_in_one_step_is_progress() -> None:
    progress = Progress(EPS)
    assert not any(ends(progress, 1.0 - 0.3 * EPS * step, 1.0) for step in range(100))


def test_a_gradient_that_was_never_large_has_converged_where_it_changes_nothing() -> None:
    """A long step from beside a maximum may meet the first large gradients next to the minimum."""
    progress = Progress(EPS)
    for value, gradient, extent in ((-1e-60, 1e-30, 1e-30), (-0.25, 3e-3, 0.7), (-0.25, 1e-14, 0.7)):
        assert not ends(progress, value, gradient, extent)
    assert progress.verdict == "converged"
    ends(progress, -0.25, 1e-14, 1e6)
    assert progress.verdict == "stalled"


def test_gradients_on_the_way_up_do_not_make_the_start_a_minimum() -> None:
    progress = Progress(EPS)
    ends(progress, 1.0, 1.0)
    while not ends(progress, 1e30, 1e20):
        pass
    assert progress.verdict == "stalled"


def test_a_gradient_that_only_grew_has_not_converged() -> None:
    progress = Progress(EPS)
    assert not any(ends(progress, -value, value) for value in (1.0, 1e10, 1e40))
    assert progress.verdict == "stalled"
    ends(progress, -1e41, 1e20)
    assert progress.verdict == "converged"
