"""The linear model of residuals, against numpy.linalg.lstsq on the augmented system."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from optbench_newton.linear_model import LinearModel
from torch import Tensor

SHAPES = pytest.mark.parametrize(("m", "n", "rank"), [(8, 4, 4), (4, 4, 4), (8, 4, 2), (3, 6, 3), (5, 1, 1)])


def problem(m: int, n: int, rank: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return a Jacobian (m, n) of the given rank, residuals and a scale."""
    generator = torch.Generator().manual_seed(m + 10 * n + 100 * rank)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, dtype=torch.float64, generator=generator)

    return normal(m, rank) @ normal(rank, n), normal(m), normal(n).abs() + 0.1


def augmented(jacobian: Tensor, residuals: Tensor, scale: Tensor, damping: float) -> Tensor:
    """Return argmin ‖J·d + r‖² + α·‖D·d‖², of several the one with the shortest D·d."""
    scaled = (jacobian / scale).numpy()
    rows = np.vstack((scaled, math.sqrt(damping) * np.eye(scaled.shape[1])))
    right = np.concatenate((-residuals.numpy(), np.zeros(scaled.shape[1])))
    return torch.from_numpy(np.linalg.lstsq(rows, right, rcond=1e-12)[0]) / scale


@SHAPES
@pytest.mark.parametrize("damping", [0.0, 1e-3, 1.0, 1e4])
def test_a_damped_step_solves_the_augmented_system(m: int, n: int, rank: int, damping: float) -> None:
    jacobian, residuals, scale = problem(m, n, rank)
    found = LinearModel(jacobian, residuals, scale).damped(damping)
    assert torch.allclose(found.step, augmented(jacobian, residuals, scale, damping), rtol=1e-8, atol=1e-12)
    assert found.length == pytest.approx(float((scale * found.step).norm()))
    after = (residuals + jacobian @ found.step).square().sum()
    assert found.decrease == pytest.approx(float(residuals.square().sum() - after), abs=1e-12)


@SHAPES
@pytest.mark.parametrize("share", [0.9, 0.5, 1e-2, 1e-6])
def test_a_step_within_a_radius_lies_on_its_boundary_and_is_the_damped_one(
    m: int, n: int, rank: int, share: float
) -> None:
    jacobian, residuals, scale = problem(m, n, rank)
    model = LinearModel(jacobian, residuals, scale)
    radius = share * model.damped(0.0).length
    found = model.within(radius)
    assert found.length == pytest.approx(radius, rel=0.11)
    expected = augmented(jacobian, residuals, scale, found.damping)
    assert torch.allclose(found.step, expected, rtol=1e-6, atol=1e-12)


@SHAPES
@pytest.mark.parametrize("radius", [1e9, math.inf])
def test_a_step_that_fits_into_the_radius_is_not_damped(m: int, n: int, rank: int, radius: float) -> None:
    found = LinearModel(*problem(m, n, rank)).within(radius)
    assert found.damping == 0.0


def test_a_jacobian_of_zeros_moves_nothing() -> None:
    zeros = torch.zeros(3, 2, dtype=torch.float64)
    found = LinearModel(zeros, zeros.new_ones(3), zeros.new_ones(2)).within(1.0)
    assert torch.equal(found.step, torch.zeros(2, dtype=torch.float64))
    assert found.decrease == 0.0


@pytest.mark.parametrize("size", [1e-150, 1e150])
def test_extreme_units_make_no_zeros_and_no_infinities(size: float) -> None:
    jacobian, residuals, scale = problem(6, 3, 3)
    found = LinearModel(size * jacobian, size * residuals, scale).damped(0.0)
    assert torch.allclose(found.step, augmented(jacobian, residuals, scale, 0.0))


@pytest.mark.parametrize("unit", [2.0**-45, 2.0**45])
def test_in_float32_no_digit_depends_on_the_unit_of_the_residuals(unit: float) -> None:
    jacobian, residuals, scale = (part.float() for part in problem(8, 4, 4))
    plain = LinearModel(jacobian, residuals, scale).within(0.1)
    scaled = LinearModel(unit * jacobian, unit * residuals, scale).within(0.1)
    assert torch.equal(scaled.step, plain.step)
    assert scaled.decrease == unit**2 * plain.decrease
