"""Sparse coding: its value from the definition, derivatives by autograd, and what the bound does."""

from __future__ import annotations

import pytest
import torch
from optbench_learning.data import patches
from optbench_learning.regression_problems import sparse_coding
from optbench_learning.sparse_coding import SparseCoding
from sklearn.decomposition import SparseCoder
from torch.autograd.functional import hessian

from optbench.api.streams import SeededStreams
from optbench.measure.derivatives import Derivatives
from optbench.registry import load_catalogue, missing_features

ATOMS, WIDTH, EXAMPLES = 3, 5, 4


def small(dtype=torch.float64):
    generator = torch.Generator().manual_seed(0)
    return SparseCoding(torch.randn(WIDTH, EXAMPLES, generator=generator, dtype=torch.float64).to(dtype), atoms=ATOMS)


def somewhere(problem, *, length):
    """Codes and atoms away from zero, every atom of the given length."""
    generator = torch.Generator().manual_seed(1)
    codes = torch.randn(ATOMS, EXAMPLES, generator=generator, dtype=torch.float64)
    atoms = torch.randn(ATOMS, WIDTH, generator=generator, dtype=torch.float64)
    atoms *= length / atoms.norm(dim=1, keepdim=True)
    return torch.cat((codes.flatten(), atoms.flatten())), codes, atoms


def test_within_the_bound_it_is_the_books_objective():
    problem = small()
    x, codes, atoms = somewhere(problem, length=0.8)
    expected = sum(abs(float(h)) for h in codes.flatten())
    for row in range(WIDTH):
        for column in range(EXAMPLES):
            made = sum(float(atoms[k, row] * codes[k, column]) for k in range(ATOMS))
            expected += (float(problem.inputs[row, column]) - made) ** 2
    assert float(problem.value(x)) == pytest.approx(expected, rel=1e-13)


def test_beyond_the_bound_it_is_that_of_the_shortened_atoms():
    problem = small()
    at_bound, codes, atoms = somewhere(problem, length=1.0)
    beyond = torch.cat((codes.flatten(), (7.0 * atoms).flatten()))
    assert float(problem.value(beyond)) == pytest.approx(float(problem.value(at_bound)), rel=1e-14)


@pytest.mark.parametrize("length", [0.8, 1.7])
def test_derivatives_agree_with_autograd_within_and_beyond_the_bound(length):
    problem = small()
    x, _, _ = somewhere(problem, length=length)
    leaf = x.clone().requires_grad_()
    (expected,) = torch.autograd.grad(problem.value(leaf), leaf)
    value, gradient = problem.value_and_gradient(x)
    torch.testing.assert_close(gradient, expected, rtol=1e-12, atol=1e-13)
    torch.testing.assert_close(problem.gradient(x), gradient, rtol=0, atol=0)
    torch.testing.assert_close(value, problem.value(x), rtol=1e-14, atol=0)
    v = torch.linspace(-1, 1, problem.size, dtype=torch.float64)
    product = Derivatives(problem, takes_batch=False).hessian_vector(x, v)
    torch.testing.assert_close(product, hessian(problem.value, x) @ v, rtol=1e-10, atol=1e-11)


def test_on_the_bound_the_gradient_is_that_from_within():
    """An atom whose length rounds to a little more than 1 is still taken as it is."""
    problem = small()
    x, codes, atoms = somewhere(problem, length=1.0 + 4e-16)
    errors = problem.inputs - atoms.T @ codes
    torch.testing.assert_close(problem.gradient(x)[ATOMS * EXAMPLES :], (-2 * codes @ errors.T).flatten())


@pytest.mark.parametrize("name", ["codes", "dictionary"])
def test_the_grams_are_the_blocks_of_the_hessian(name):
    problem = small()
    x, _, _ = somewhere(problem, length=0.8)
    offset, (rows, entries) = problem.layout[name]
    block = slice(offset, offset + rows * entries)
    expected = torch.kron(problem.gram(x, name), torch.eye(entries, dtype=torch.float64))
    torch.testing.assert_close(hessian(problem.value, x)[block, block], expected)


def least_codes(problem, atoms):
    """With atoms fixed, ‖x − Wᵀh‖² + Σ|h| is twice scikit-learn's ½‖x − Wᵀh‖² + ½Σ|h|."""
    coder = SparseCoder(atoms.numpy(), transform_algorithm="lasso_lars", transform_alpha=0.5)
    return torch.from_numpy(coder.transform(problem.inputs.T.numpy())).T


def test_the_least_codes_are_those_of_scikit_learn():
    problem = small()
    x, _, atoms = somewhere(problem, length=1.0)
    codes = least_codes(problem, atoms)
    assert bool((codes == 0).any())
    x[: ATOMS * EXAMPLES] = codes.flatten()
    gradient = problem.gradient(x)[: ATOMS * EXAMPLES].view_as(codes)
    torch.testing.assert_close(gradient[codes != 0], torch.zeros_like(gradient[codes != 0]), rtol=0, atol=1e-12)
    assert float(gradient[codes == 0].abs().max()) <= 1


def test_without_the_bound_there_would_be_no_minimum():
    problem = small()
    _, _, atoms = somewhere(problem, length=1.0)
    codes = least_codes(problem, atoms)

    def unbounded(scale):
        small, errors = codes / scale, problem.inputs - (scale * atoms).T @ (codes / scale)
        return float(small.abs().sum() + errors.square().sum())

    def bounded(scale):
        return float(problem.value(torch.cat(((codes / scale).flatten(), (scale * atoms).flatten()))))

    assert unbounded(1e6) < unbounded(1.0)
    assert bounded(1e6) > bounded(1.0)


def make(*, dtype=torch.float64, seed=0, **options):
    options = {"atoms": 16, "examples": 200, "contrast": 4.0, **options}
    return sparse_coding(device=torch.device("cpu"), dtype=dtype, streams=None, **options), SeededStreams(seed)


def test_patches_are_spread_over_the_picture_and_have_the_contrast_asked_for():
    problem, streams = make(examples=50, contrast=3.0)
    assert problem.inputs.shape == (64, 50)
    assert float(problem.inputs.square().sum(0).mean().sqrt()) == pytest.approx(3.0)
    torch.testing.assert_close(problem.inputs.mean(0), torch.zeros(50, dtype=torch.float64), rtol=0, atol=1e-14)
    assert problem.size == 16 * (50 + 64) == len(problem.start(streams).parameters)
    assert len(patches()["x"]) == 2120


def test_the_start_has_short_random_atoms_and_their_products_as_codes():
    problem, streams = make()
    codes, atoms = problem.start(streams).parameters.split((16 * 200, 16 * 64))
    atoms = atoms.view(16, 64)
    torch.testing.assert_close(atoms.norm(dim=1), torch.full((16,), 0.5, dtype=torch.float64))
    torch.testing.assert_close(codes.view(16, 200), atoms @ problem.inputs)
    other = problem.start(SeededStreams(1)).parameters
    assert not torch.equal(other, problem.start(streams).parameters)


def test_single_precision_stays_single():
    problem, streams = make(dtype=torch.float32)
    x = problem.start(streams).parameters
    made = (x, *problem.value_and_gradient(x), problem.value(x), problem.gram(x, "codes"))
    assert {tensor.dtype for tensor in made} == {torch.float32}


def test_coordinate_descent_and_lbfgs_may_run_on_it():
    catalogue = load_catalogue()
    problem = catalogue.get("problems", "sparse-coding").record
    for name in ("coordinate-descent", "lbfgs"):
        assert missing_features(problem=problem, optimizer=catalogue.get("optimizers", name).record) is None
