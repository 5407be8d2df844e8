"""The quadratic against a dense matrix."""

from __future__ import annotations

import pytest
import torch
from optbench_testfunctions.quadratic import SPECTRA, Quadratic, make_quadratic, reflection_vectors

CPU = torch.device("cpu")


def quadratic(
    n: int = 40,
    condition: float = 1e3,
    spectrum: str = "log-uniform",
    dtype: torch.dtype = torch.float64,
    minimiser: str = "equal-energy",
) -> Quadratic:
    return make_quadratic(
        device=CPU,
        dtype=dtype,
        streams=None,  # type: ignore[arg-type]  # deterministic
        n=n,
        condition=condition,
        spectrum=spectrum,
        clusters=5,
        minimiser=minimiser,
    )


def dense(problem: Quadratic) -> torch.Tensor:
    """A from its definition: the product of one Householder matrix a vector, on both sides of diag(λ)."""
    orthogonal = torch.eye(problem.size, dtype=torch.float64)
    for vector in problem.vectors:
        orthogonal = orthogonal @ (torch.eye(problem.size, dtype=torch.float64) - 2 * torch.outer(vector, vector))
    return orthogonal @ torch.diag(problem.eigenvalues) @ orthogonal.T


def somewhere(n: int) -> torch.Tensor:
    return torch.arange(n, dtype=torch.float64).cos()


@pytest.mark.parametrize("spectrum", SPECTRA)
@pytest.mark.parametrize("n", [1, 2, 3, 40])
def test_everything_agrees_with_the_dense_matrix(n: int, spectrum: str) -> None:
    problem = quadratic(n, spectrum=spectrum)
    matrix, x = dense(problem), somewhere(n)
    linear = matrix @ problem.minimiser
    expected = 0.5 * x @ matrix @ x - linear @ x
    torch.testing.assert_close(problem.value(x), expected, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(problem.gradient(x), matrix @ x - linear, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(problem.hessian_vector(x, x), matrix @ x, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(problem.hessian(x), matrix, rtol=1e-12, atol=1e-12)
    value, gradient = problem.value_and_gradient(x)
    torch.testing.assert_close(value, expected, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(gradient, problem.gradient(x), rtol=0, atol=0)


@pytest.mark.parametrize("spectrum", SPECTRA)
def test_eigenvalues_reach_from_one_to_one_over_the_condition(spectrum: str) -> None:
    found = torch.linalg.eigvalsh(quadratic(condition=1e4, spectrum=spectrum).hessian(somewhere(40)))
    assert float(found[-1]) == pytest.approx(1, rel=1e-12)
    assert float(found[0]) == pytest.approx(1e-4, rel=1e-9)


def test_clusters_are_the_number_of_distinct_eigenvalues() -> None:
    assert len(quadratic(spectrum="clustered").eigenvalues.unique()) == 5


def test_matrix_is_dense() -> None:
    assert float((dense(quadratic()).abs() > 1e-12).double().mean()) > 0.99


def test_minimum_is_exact_and_the_start_excites_every_eigenvector_alike() -> None:
    problem = quadratic()
    start = problem.start(None).parameters  # type: ignore[arg-type]
    assert float(problem.value(problem.minimiser)) == problem.f_star
    assert problem.f_star == pytest.approx(-20, rel=1e-12)  # −n/2
    assert float(problem.value(start)) == 0
    values, vectors = torch.linalg.eigh(dense(problem))
    shares = 0.5 * values * (vectors.T @ (start - problem.minimiser)) ** 2
    assert shares.tolist() == pytest.approx([0.5] * 40, rel=1e-6)


def test_excess_keeps_its_digits_near_the_minimum() -> None:
    problem = quadratic(condition=1e6)
    x = problem.minimiser + 1e-6 * somewhere(40)
    error = x - problem.minimiser
    assert float(problem.value(x)) - problem.f_star == pytest.approx(
        float(0.5 * error @ dense(problem) @ error), abs=1e-14
    )


def test_line_minimum_leaves_no_slope() -> None:
    problem = quadratic()
    x, direction = somewhere(40), somewhere(40).sin()
    step = problem.line_minimum(x, direction)
    slope = direction @ problem.gradient(x + step * direction)
    assert abs(float(slope)) < 1e-12 * abs(float(direction @ problem.gradient(x)))


def test_a_million_parameters_take_linear_memory() -> None:
    problem = quadratic(1_000_000, condition=1e6)
    x = problem.start(None).parameters  # type: ignore[arg-type]
    value, gradient = problem.value_and_gradient(x)
    assert float(value) == pytest.approx(0, abs=1e-6)
    assert float(gradient.abs().max()) > 1e-3  # the scale of the gradient does not shrink with n
    held = (problem.vectors, problem.eigenvalues, problem.minimiser)
    assert sum(tensor.numel() for tensor in held) <= 5_000_000


def test_reflection_vectors_are_orthonormal() -> None:
    vectors = reflection_vectors(1000)
    torch.testing.assert_close(vectors @ vectors.T, torch.eye(3, dtype=torch.float64), rtol=0, atol=1e-14)


def test_single_precision_minimum_is_attained() -> None:
    problem = quadratic(dtype=torch.float32)
    assert problem.value(problem.minimiser).dtype is torch.float32
    assert float(problem.value(problem.minimiser)) == problem.f_star


def test_at_the_worst_start_only_the_extreme_gradient_components_are_there_and_they_are_equal() -> None:
    problem = quadratic(condition=100.0, minimiser="worst-case")
    start = torch.zeros(40, dtype=torch.float64)
    values, vectors = torch.linalg.eigh(problem.hessian(start))
    components = (vectors.T @ problem.gradient(start)).abs()
    assert (float(values[0]), float(values[-1])) == pytest.approx((0.01, 1.0))
    assert components.tolist() == pytest.approx([1.0] + 38 * [0.0] + [1.0], abs=1e-9)
