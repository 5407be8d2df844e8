"""A descent ends by relative tests only."""

from __future__ import annotations

import pytest

from optbench.numerics.progress import Progress

EPS = 2.0**-52


def test_a_zero_gradient_ends_at_once() -> None:
    progress = Progress(EPS)
    assert progress.ends(1.0, 0.0)
    assert progress.verdict == "converged"


@pytest.mark.parametrize("scale", [1e-12, 1.0])
def test_the_end_scales_with_the_first_gradient(scale: float) -> None:
    progress = Progress(EPS)
    assert not progress.ends(1.0, scale)
    assert not progress.ends(0.5, 1e-15 * scale)
    assert progress.ends(0.4, 1e-16 * scale)
    assert progress.verdict == "converged"


@pytest.mark.parametrize("gradient", [float("inf"), float("nan")])
def test_gradients_that_are_no_numbers_are_no_minimum(gradient: float) -> None:
    progress = Progress(EPS)
    while not progress.ends(1.0, gradient):
        pass
    assert progress.verdict == "stalled"


def test_while_the_gradient_falls_nothing_ends() -> None:
    progress = Progress(EPS)
    assert not any(progress.ends(1.0, 0.9**step) for step in range(300))


def test_without_progress_it_stalls() -> None:
    progress = Progress(EPS)
    steps = next(step for step in range(1000) if progress.ends(1.0, 1.0))
    assert 10 <= steps <= 50
    assert progress.verdict == "stalled"


def test_failures_shorten_the_patience() -> None:
    progress = Progress(EPS)
    progress.ends(1.0, 1.0)
    for _ in range(4):
        progress.fails()
    assert progress.ends(1.0, 1.0)


def test_another_function_begins_anew() -> None:
    progress = Progress(EPS)
    progress.ends(1.0, 1.0)
    for _ in range(4):
        progress.fails()
    progress.begin()
    assert not progress.ends(5.0, 2.0)
