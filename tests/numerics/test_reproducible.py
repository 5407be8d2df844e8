"""Inner products that no order of their terms changes, as far as vectors are short."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from optbench.numerics.reproducible import dot

DTYPES = [torch.float32, torch.float64]


def of_many_sizes(n: int, dtype: torch.dtype, seed: int = 0) -> Tensor:
    """Return numbers of both signs over eight orders, shape (n,)."""
    generator = torch.Generator().manual_seed(seed)
    normal = torch.randn(2, n, dtype=torch.float64, generator=generator)
    return (normal[0] * 10 ** (2 * normal[1])).to(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [2, 3, 100, 1025, 16384])
def test_no_permutation_changes_a_digit(n: int, dtype: torch.dtype) -> None:
    a, b = of_many_sizes(n, dtype), of_many_sizes(n, dtype, seed=1)
    orders = [torch.randperm(n, generator=torch.Generator().manual_seed(seed)) for seed in range(20)]
    assert {float(dot(a[order], b[order])) for order in orders} == {float(dot(a, b))}
    if n > 3:
        assert len({float(torch.dot(a[order], b[order])) for order in orders}) > 1


@pytest.mark.parametrize("n", [1, 2, 100, 16384])
def test_it_is_as_exact_as_its_products(n: int) -> None:
    a, b = of_many_sizes(n, torch.float64), of_many_sizes(n, torch.float64, seed=1)
    products = (a * b).tolist()
    assert float(dot(a, b)) == pytest.approx(math.fsum(products), rel=1e-15, abs=1e-20 * max(map(abs, products)))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 1024, 1025, 100000])
def test_equal_terms_do_not_overflow(n: int, dtype: torch.dtype) -> None:
    ones = torch.ones(n, dtype=dtype)
    assert float(dot(ones, ones)) == n
    assert float(dot(ones, -3 * ones)) == -3 * n


@pytest.mark.parametrize("power", [-400, -10, 10, 400])
def test_a_power_of_two_scales_it(power: int) -> None:
    a, b = of_many_sizes(100, torch.float64), of_many_sizes(100, torch.float64, seed=1)
    assert float(dot(a * 2.0**power, b)) == float(dot(a, b)) * 2.0**power


def test_products_next_to_the_least_float_are_added_too() -> None:
    a, b = torch.tensor([1e-150, 3e-150], dtype=torch.float64), torch.tensor([1e-157, 1e-157], dtype=torch.float64)
    assert float(dot(a, b)) == pytest.approx(4e-307, rel=1e-15)
    assert float(dot(a, torch.zeros_like(a))) == 0


@pytest.mark.parametrize("odd", [math.nan, math.inf, 1e200])
def test_a_product_that_is_not_finite_shows(odd: float) -> None:
    a = torch.tensor([1.0, odd, 2.0], dtype=torch.float64)
    assert not math.isfinite(float(dot(a, a)))


def test_long_vectors_are_left_to_torch() -> None:
    a = of_many_sizes(20000, torch.float64)
    assert float(dot(a, a)) == float(torch.dot(a, a))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [1, 3, 100, 16384])
def test_arrays_have_the_product_of_their_tensors(n: int, dtype: torch.dtype) -> None:
    a, b = of_many_sizes(n, dtype), of_many_sizes(n, dtype, seed=1)
    product = dot(a.numpy(), b.numpy())
    assert isinstance(product, float)
    assert float(torch.tensor(product, dtype=dtype)) == float(dot(a, b))


@pytest.mark.parametrize("odd", [math.nan, math.inf])
def test_an_array_that_is_not_finite_shows(odd: float) -> None:
    a = torch.tensor([1.0, odd, 2.0], dtype=torch.float64).numpy()
    assert not math.isfinite(dot(a, a))
