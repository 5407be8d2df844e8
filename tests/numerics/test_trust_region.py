"""The model's minimiser in a ball, against an eigendecomposition."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from optbench.numerics.trust_region import Region, _completed


def model(spectrum: list[float], seed: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    n = len(spectrum)
    basis, _ = torch.linalg.qr(torch.randn(n, n, dtype=torch.float64, generator=generator))
    hessian = (basis * torch.tensor(spectrum, dtype=torch.float64)) @ basis.T
    return 0.5 * (hessian + hessian.T), torch.randn(n, dtype=torch.float64, generator=generator)


def best_decrease(hessian: Tensor, gradient: Tensor, radius: float) -> float:
    """Bisect the secular equation in the eigenbasis (no hard case)."""
    values, vectors = torch.linalg.eigh(hessian)
    parts = vectors.T @ gradient
    low, high = max(0.0, -float(values[0])), 1e6
    for _ in range(200):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if (parts / (values + middle)).norm() > radius else (low, middle)
    step = -vectors @ (parts / (values + high))
    return -float(gradient @ step + 0.5 * step @ hessian @ step)


@pytest.mark.parametrize(
    "spectrum", [[1, 2, 3, 4], [-5, 1, 2, 3], [-3, -2, -1, -0.5], [0, 0, 1, 2], [1e-6, 1, 1e3, 1e6]]
)
@pytest.mark.parametrize("radius", [1e-3, 0.1, 1.0, 100.0])
@pytest.mark.parametrize("seed", range(3))
def test_the_step_is_nearly_optimal_and_inside(spectrum: list[float], radius: float, seed: int) -> None:
    hessian, gradient = model(spectrum, seed)
    found = Region(hessian, gradient, torch.empty_like(hessian)).within(radius)
    assert float(found.step.norm()) <= 1.1 * radius * (1 + 1e-9)
    assert found.decrease >= 0.7 * best_decrease(hessian, gradient, radius)
    assert found.decrease == pytest.approx(-float(gradient @ found.step + 0.5 * found.step @ hessian @ found.step))


@pytest.mark.parametrize("radius", [0.5, 2.0, 10.0])
def test_near_the_hard_case_the_gradient_still_chooses_the_side(radius: float) -> None:
    hessian = torch.diag(torch.tensor([-1.0, 1.0, 2.0], dtype=torch.float64))
    for side in (-1.0, 1.0):
        gradient = torch.tensor([side * 0.05, 1.0, -1.0], dtype=torch.float64)
        found = Region(hessian, gradient, torch.empty_like(hessian)).within(radius)
        assert found.step[0] * side < 0


def test_the_hard_case_goes_along_the_lowest_curvature() -> None:
    hessian = torch.diag(torch.tensor([-1.0, 1.0], dtype=torch.float64))
    gradient = torch.tensor([0.0, 1.0], dtype=torch.float64)
    found = Region(hessian, gradient, torch.empty_like(hessian)).within(10.0)
    assert float(found.step.norm()) == pytest.approx(10, rel=0.1)
    assert abs(float(found.step[0])) > 8


@pytest.mark.parametrize("seed", range(6))
def test_of_the_two_ways_to_the_boundary_the_better_is_taken(seed: int) -> None:
    hessian, gradient = model([-1.0, 0.5, 2.0, 3.0], seed)
    damping = 1.001
    solved = Region(hessian, gradient, torch.empty_like(hessian))._solved(damping, completing=True)
    assert solved is not None
    assert solved.flat is not None
    radius, step, flat = 1.5 * solved.length, solved.step, solved.flat.vector
    completed = _completed(solved, radius, damping)
    assert completed is not None
    across, gap = float(step @ flat), radius**2 - solved.length**2
    ways = [step + (sign * math.sqrt(across**2 + gap) - across) * flat for sign in (-1, 1)]
    decreases = [-float(gradient @ way + 0.5 * way @ hessian @ way) for way in ways]
    assert completed.decrease == pytest.approx(max(decreases), rel=1e-9)
    assert min(decreases) < 0.999 * max(decreases)


@pytest.mark.parametrize("damping", [0.0, 0.5])
def test_a_damped_step_solves_the_damped_system(damping: float) -> None:
    hessian, gradient = model([1, 2, 3], 0)
    found = Region(hessian, gradient, torch.empty_like(hessian)).damped(damping)
    assert found is not None
    assert torch.allclose(hessian @ found.step + damping * found.step, -gradient)
    assert found.decrease == pytest.approx(-float(gradient @ found.step + 0.5 * found.step @ hessian @ found.step))


def test_a_step_needs_a_positive_definite_matrix() -> None:
    hessian, gradient = model([-1, 2, 3], 0)
    region = Region(hessian, gradient, torch.empty_like(hessian))
    assert region.damped(0.9) is None
    assert region.damped(1.1) is not None


def test_a_flat_model_steps_along_the_gradient() -> None:
    gradient = torch.tensor([3.0, 4.0], dtype=torch.float64)
    found = Region(torch.zeros(2, 2, dtype=torch.float64), gradient, torch.empty(2, 2, dtype=torch.float64)).within(2.0)
    assert torch.allclose(found.step / found.step.norm(), -gradient / 5)
    assert math.isclose(found.length, 2.0, rel_tol=0.11)


def test_a_radius_below_the_floats_leaves_no_step() -> None:
    hessian, gradient = model([-1, 2, 3], 0)
    found = Region(hessian, gradient, torch.empty_like(hessian)).within(0.0)
    assert (float(found.step.norm()), found.length, found.decrease) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize("radius", [1e155, 1e200])
def test_a_radius_whose_square_is_beyond_floats_is_kept_all_the_same(radius: float) -> None:
    hessian = 1e-100 * torch.diag(torch.tensor([1.0, -1.0, 0.5], dtype=torch.float64))
    gradient = torch.tensor([1e30, 0.0, 1e20], dtype=torch.float64)
    step = Region(hessian, gradient, torch.empty(3, 3, dtype=torch.float64)).within(radius)
    assert 0 < step.length <= 1.1 * radius
    assert step.step.isfinite().all()
