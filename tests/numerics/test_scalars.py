"""Scalars read from vectors."""

from __future__ import annotations

import math

import pytest
import torch
from torch.overrides import BaseTorchFunctionMode

from optbench.numerics.scalars import (
    extremes,
    in_numpy,
    largest,
    norm,
    read,
    slope_and_size,
)


@pytest.mark.parametrize(("entries", "size"), [([1.0, -3.0], 3.0), ([-1.0, 2.0], 2.0), ([0.0], 0.0)])
def test_the_largest_entry_is_absolute(entries: list[float], size: float) -> None:
    vector = torch.tensor(entries, dtype=torch.float64)
    assert read(largest(vector)) == [size]
    low, high = read(*extremes(vector))
    assert max(-low, high) == size


def test_what_is_not_a_number_shows() -> None:
    vector = torch.tensor([1.0, math.nan, 2.0])
    assert all(math.isnan(value) for value in read(largest(vector), *extremes(vector)))


def test_slope_and_size_are_read_together() -> None:
    direction = torch.tensor([2.0, 1.0, -1.0], dtype=torch.float64)
    for entries, size in (([1.0, -3.0, 2.0], 3.0), ([1.0, 3.0, -2.0], 3.0)):
        gradient = torch.tensor(entries, dtype=torch.float64)
        assert slope_and_size(gradient, direction) == (float(gradient @ direction), size)
    assert all(map(math.isnan, slope_and_size(torch.tensor([1.0, math.nan, 2.0]), direction.float())))
    slope, size = slope_and_size(torch.tensor([1.0, -math.inf, 1.0], dtype=torch.float64), direction)
    assert (slope, size) == (-math.inf, math.inf)


def test_numpy_sees_the_memory_of_plain_tensors_alone() -> None:
    assert in_numpy(torch.zeros(2))
    assert not in_numpy(torch.zeros(2, device="meta"))
    assert not in_numpy(torch.nn.Parameter(torch.zeros(2)))


def test_numpy_works_unseen_nowhere() -> None:
    with BaseTorchFunctionMode():
        assert not in_numpy(torch.zeros(2))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_norms_survive_where_squares_do_not(dtype: torch.dtype) -> None:
    largest = torch.finfo(dtype).max
    for unit in (1 / largest, 1.0, largest / 16):
        vector = torch.tensor([3.0, 0.0, -4.0], dtype=dtype) * unit
        plain = torch.linalg.vector_norm(vector)
        assert bool(norm(vector) == plain) == (unit == 1)
        assert float(norm(vector)) == pytest.approx(5 * float(torch.tensor(unit, dtype=dtype)), rel=1e-5)
    assert norm(torch.zeros(2, dtype=dtype)) == 0
    assert norm(torch.tensor([[1.0, -math.inf]], dtype=dtype)) == math.inf
    assert norm(torch.tensor([1.0, math.nan], dtype=dtype)).isnan()


@pytest.mark.parametrize("power", [-90, -60, 100])
def test_norms_have_the_same_digits_in_any_unit(power: int) -> None:
    for vector in torch.randn(20, 5, generator=torch.Generator().manual_seed(0)):
        assert norm(vector * 2.0**power) == norm(vector) * 2.0**power
