"""Scalars read from vectors."""

from __future__ import annotations

import math

import pytest
import torch

from optbench.numerics.scalars import extremes, largest, read


@pytest.mark.parametrize(("entries", "size"), [([1.0, -3.0], 3.0), ([-1.0, 2.0], 2.0), ([0.0], 0.0)])
def test_the_largest_entry_is_absolute(entries: list[float], size: float) -> None:
    vector = torch.tensor(entries, dtype=torch.float64)
    assert read(largest(vector)) == [size]
    low, high = read(*extremes(vector))
    assert max(-low, high) == size


def test_what_is_not_a_number_shows() -> None:
    vector = torch.tensor([1.0, math.nan, 2.0])
    assert all(math.isnan(value) for value in read(largest(vector), *extremes(vector)))
