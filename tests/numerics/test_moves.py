"""What a completed step tells of f's curvature, and what a failed search tells of the end."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from optbench.numerics.descent import Descent, Move
from optbench.numerics.line import Found, Line


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


class Plain:
    """f = 1 with a gradient that contradicts it, as rounding makes them."""

    batch = 0
    offers = frozenset({"value", "gradient"})

    def value_and_gradient(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return torch.ones((), dtype=torch.float64), torch.ones_like(x)


class Steepest:
    """The negative gradient, and a step of 1."""

    def start(self, point: Tensor) -> None: ...
    def direction(self, memory: None, gradient: Tensor) -> Tensor:
        return -gradient

    def learn(self, memory: None, move: Move) -> None: ...
    def forget(self, memory: None) -> None: ...
    def knows_scale(self, memory: None) -> bool:
        return True


class Always:
    """A search that goes the first step, with this outcome."""

    def __init__(self, outcome: Any) -> None:
        self.outcome = outcome

    def search(self, line: Line, first: float) -> Found:
        return Found(line.at(first), self.outcome, 1)


@pytest.mark.parametrize(("outcome", "most"), [("failed", 6), ("accepted", 25)])
def test_searches_that_fail_where_nothing_falls_end_a_descent_soon(outcome: str, most: int) -> None:
    method: Descent[None] = Descent(Steepest(), Always(outcome))
    oracle: Any = Plain()
    state, steps = method.init(oracle, torch.zeros(2, dtype=torch.float64)), 0
    while not state.finished and steps < 100:
        state, steps = method.step(oracle, state), steps + 1
    assert most / 2 < steps <= most
    assert state.finished == "stalled"
