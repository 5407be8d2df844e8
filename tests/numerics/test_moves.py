"""What a completed step tells of f's curvature."""

from __future__ import annotations

import math

import pytest
import torch

from optbench.numerics.descent import Move


def along(step: float, coefficients: tuple[float, float, float], shift: float = 0.0) -> Move:
    """Return a step along φ(t) = shift + a·t + b·t² + c·t³."""
    a, b, c = coefficients
    slopes = a, a + 2 * b * step + 3 * c * step**2
    gradient, next_gradient = (torch.tensor([slope], dtype=torch.float64) for slope in slopes)
    return Move(
        direction=torch.ones(1, dtype=torch.float64),
        step=step,
        gradient=gradient,
        next_gradient=next_gradient,
        slope=slopes[0],
        next_slope=slopes[1],
        value=shift,
        next_value=shift + a * step + b * step**2 + c * step**3,
    )


@pytest.mark.parametrize("step", [0.3, 1.0, 2.0])
@pytest.mark.parametrize("third", [-0.2, 0.0, 0.5])
def test_the_stretch_of_a_cubic_is_its_curvature_at_the_end_over_the_mean(step: float, third: float) -> None:
    curvature = (4 + 6 * third * step) / (4 + 3 * third * step)
    assert along(step, (-3, 2, third)).stretch == pytest.approx(curvature, rel=1e-12)


def test_the_stretch_stays_within_a_half_and_two() -> None:
    assert along(1.0, (-3, 2, -0.9)).stretch == 0.5
    assert along(1.0, (-3, 2, 0.0))._replace(next_value=-9.0).stretch == 2.0


def test_rounding_of_the_values_does_not_count() -> None:
    plain = along(1e-6, (-3, 2, 0.5))
    assert plain.stretch != 1
    assert plain._replace(value=1e6 + plain.value, next_value=1e6 + plain.next_value).stretch == 1


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_without_values_the_mean_is_all_that_is_known(value: float) -> None:
    move = along(1.0, (-3, 2, 0.5))
    assert move._replace(value=value).stretch == 1
    assert move._replace(next_value=value).stretch in (1, 0.5, 2)


@pytest.mark.parametrize("unit", [2.0**-900, 2.0**900])
def test_the_stretch_is_independent_of_units_of_f(unit: float) -> None:
    move = along(1.0, (-3, 2, 0.5))
    scaled = move._replace(
        slope=unit * move.slope,
        next_slope=unit * move.next_slope,
        value=unit * move.value,
        next_value=unit * move.next_value,
    )
    assert scaled.stretch == move.stretch
