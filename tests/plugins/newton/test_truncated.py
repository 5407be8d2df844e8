"""Truncated conjugate gradients, against dense Krylov subspaces."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from optbench_newton.truncated import Limits, TruncatedStep, Workspace, solve
from torch import Tensor

SPECTRA = {"convex": [1.0, 2.0, 5.0, 30.0, 100.0], "indefinite": [-4.0, 1.0, 2.0, 5.0, 9.0]}


def system(spectrum: list[float], seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    n = len(spectrum)
    basis, _ = torch.linalg.qr(torch.randn(n, n, dtype=torch.float64, generator=generator))
    hessian = (basis * torch.tensor(spectrum, dtype=torch.float64)) @ basis.T
    return 0.5 * (hessian + hessian.T), torch.randn(n, dtype=torch.float64, generator=generator)


def run(hessian: Tensor, gradient: Tensor, **limits: Any) -> TruncatedStep:
    given = {"residual": 0.0, "products": 100, "radius": math.inf, "reach": 1.0, **limits}
    work = Workspace.like(gradient)
    return solve(lambda v: hessian @ v, gradient, float(gradient.double().norm()), Limits(**given), work)


def krylov(hessian: Tensor, gradient: Tensor, dimension: int) -> Tensor:
    """Return an orthonormal basis (n, dimension) of span{g, Hg, …}, by Gram-Schmidt."""
    basis = [gradient / gradient.norm()]
    while len(basis) < dimension:
        vector = hessian @ basis[-1]
        for _ in range(2):
            for known in basis:
                vector = vector - (vector @ known) * known
        basis.append(vector / vector.norm())
    return torch.stack(basis, dim=1)


@pytest.mark.parametrize("products", [1, 2, 3, 4, 5])
def test_iterates_minimise_the_model_in_the_krylov_space(products: int) -> None:
    hessian, gradient = system(SPECTRA["convex"])
    found = run(hessian, gradient, products=products)
    basis = krylov(hessian, gradient, products)
    best = -basis @ torch.linalg.solve(basis.T @ hessian @ basis, basis.T @ gradient)
    assert torch.allclose(found.step, best, rtol=1e-8)
    assert (found.end, found.products) == ("limit", products)


def test_it_ends_at_the_residual_that_may_remain() -> None:
    hessian, gradient = system(SPECTRA["convex"])
    found = run(hessian, gradient, residual=0.3 * float(gradient.norm()))
    assert found.end == "residual"
    assert float((hessian @ found.step + gradient).norm()) <= 0.3 * float(gradient.norm())
    before = run(hessian, gradient, products=found.products - 1)
    assert float((hessian @ before.step + gradient).norm()) > 0.3 * float(gradient.norm())


@pytest.mark.parametrize("kind", SPECTRA)
@pytest.mark.parametrize("radius", [1e-3, 0.1, 1.0])
@pytest.mark.parametrize("seed", range(3))
def test_a_step_that_leaves_the_ball_ends_on_its_boundary_at_half_the_best_decrease(
    kind: str, radius: float, seed: int
) -> None:
    """Steihaug's point has at least half of the optimal decrease on convex models (Yuan 2000), Cauchy's on others."""
    hessian, gradient = system(SPECTRA[kind], seed)
    found = run(hessian, gradient, radius=radius)
    length = float(found.step.norm())
    assert length <= radius * (1 + 1e-12)
    assert found.end == "residual" or length == pytest.approx(radius, rel=1e-12)
    if kind == "convex":
        assert found.decrease() >= 0.5 * best_decrease(hessian, gradient, radius)
    assert found.decrease() >= run(hessian, gradient, radius=radius, products=1).decrease() * (1 - 1e-12)


def best_decrease(hessian: Tensor, gradient: Tensor, radius: float) -> float:
    """Bisect the secular equation in the eigenbasis."""
    values, vectors = torch.linalg.eigh(hessian)
    parts = vectors.T @ gradient
    low, high = max(0.0, -float(values[0])), 1e9
    for _ in range(200):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if (parts / (values + middle)).norm() > radius else (low, middle)
    step = -vectors @ (parts / (values + high))
    return -float(gradient @ step + 0.5 * step @ hessian @ step)


def test_what_the_model_says_along_the_step_is_so() -> None:
    hessian, gradient = system(SPECTRA["indefinite"])
    found = run(hessian, gradient, radius=0.7)
    assert found.length == pytest.approx(float(found.step.norm()))
    assert found.slope == pytest.approx(float(gradient @ found.step))
    assert found.curvature == pytest.approx(float(found.step @ hessian @ found.step))
    half = 0.5 * found.step
    assert found.decrease(0.5) == pytest.approx(-float(gradient @ half + 0.5 * half @ hessian @ half))


def test_negative_curvature_is_followed_to_the_boundary() -> None:
    hessian, gradient = system([-1.0, -2.0, -3.0])
    found = run(hessian, gradient, radius=10.0)
    assert (found.end, found.products) == ("negative curvature", 1)
    assert torch.allclose(found.step, gradient * (-10.0 / gradient.norm()))


def test_without_a_radius_negative_curvature_is_followed_as_far_as_its_amount_says() -> None:
    hessian, gradient = system([-1.0, -2.0, -3.0])
    found = run(hessian, gradient)
    bend = float(gradient @ hessian @ gradient)
    assert torch.allclose(found.step, gradient * (float(gradient @ gradient) / bend))
    assert found.slope < 0


def test_a_direction_without_curvature_is_followed_by_the_reach() -> None:
    gradient = torch.tensor([3.0, 4.0], dtype=torch.float64)
    found = run(torch.zeros(2, 2, dtype=torch.float64), gradient, reach=10.0)
    assert torch.allclose(found.step, torch.tensor([-6.0, -8.0], dtype=torch.float64))
    assert found.end == "negative curvature"


def test_where_products_are_no_numbers_the_step_leads_along_the_gradient() -> None:
    hessian = torch.full((2, 2), math.nan, dtype=torch.float64)
    found = run(hessian, torch.tensor([3.0, 4.0], dtype=torch.float64), reach=10.0)
    assert torch.allclose(found.step, torch.tensor([-6.0, -8.0], dtype=torch.float64))
    assert (found.curvature, found.end, found.products) == (0.0, "negative curvature", 1)


@pytest.mark.parametrize("power", [-40, 40])
def test_it_knows_no_scale_of_f(power: int) -> None:
    hessian, gradient = system(SPECTRA["indefinite"])
    one = run(hessian, gradient, radius=2.0)
    other = run(2.0**power * hessian, 2.0**power * gradient, radius=2.0)
    assert torch.equal(one.step, other.step)
    assert one.products == other.products


def test_along_a_direction_without_curvature_a_reach_far_beyond_the_gradient_is_no_error_in_float32() -> None:
    found = run(torch.zeros(2, 2), torch.tensor([3e-25, 4e-25]), reach=1e26)
    assert torch.allclose(found.step, torch.tensor([-6e25, -8e25]))


def test_curvature_below_the_rounding_of_the_largest_counts_as_none() -> None:
    hessian = torch.diag(torch.tensor([1.0, 1e-30], dtype=torch.float64))
    found = run(hessian, torch.ones(2, dtype=torch.float64), radius=10.0)
    assert found.end == "negative curvature"
    assert found.length == pytest.approx(10.0)
