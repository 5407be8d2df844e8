"""BLAS on short vectors says what torch says of any."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from optbench.numerics.vectors import AnyVectors, ShortVectors, Vectors, vectors


def both(point: Tensor) -> tuple[Vectors, Vectors]:
    return ShortVectors(point), AnyVectors(point)


@pytest.fixture(params=[torch.float32, torch.float64], ids=str)
def three(request: pytest.FixtureRequest) -> Tensor:
    return torch.randn(3, 7, generator=torch.Generator().manual_seed(0), dtype=request.param)


def test_short_ones_on_the_cpu_are_left_to_blas() -> None:
    assert isinstance(vectors(torch.zeros(2)), ShortVectors)
    others = (torch.zeros(2**15), torch.zeros(2, dtype=torch.float16), torch.zeros(2, device="meta"))
    assert all(isinstance(vectors(like), AnyVectors) for like in others)


def test_a_point_ahead_is_the_same_and_its_version_another(three: Tensor) -> None:
    point, direction, out = three
    for arithmetic in (ShortVectors(point, out), AnyVectors(point)):
        out.zero_()
        version = out._version
        arithmetic.advance(point, direction, -0.3, out)
        assert torch.allclose(out, point - 0.3 * direction)
        assert out._version > version


def test_slopes_sizes_and_heights_are_the_same(three: Tensor) -> None:
    gradient, direction, other = three
    for arithmetic in both(gradient):
        for given in (gradient, other, gradient):
            slope = pytest.approx(float(given @ direction), rel=1e-5)
            assert arithmetic.slope_and_size(given, direction, other) == (slope, float(given.abs().max()))
            assert arithmetic.extent(other) == float(other.abs().max())
            assert arithmetic.height_and_slope(torch.tensor(2.5), given, direction) == (2.5, slope)


@pytest.mark.parametrize(
    ("entries", "expected"), [([1.0, math.inf], (math.inf, math.inf)), ([math.nan, 5.0], (math.nan, math.nan))]
)
def test_what_is_not_finite_shows(entries: list[float], expected: tuple[float, float]) -> None:
    gradient = torch.tensor(entries, dtype=torch.float64)
    for arithmetic in both(gradient):
        found = arithmetic.slope_and_size(gradient, torch.ones_like(gradient), gradient)
        assert found == pytest.approx(expected, nan_ok=True)


def test_a_gradient_written_since_is_seen_as_it_is() -> None:
    """A view shows what its tensor holds."""
    gradient = torch.ones(2)
    arithmetic = ShortVectors(torch.zeros(2))
    arithmetic.slope_and_size(gradient, gradient, gradient)
    gradient.mul_(3)
    assert arithmetic.slope_and_size(gradient, torch.ones(2), gradient) == (6.0, 3.0)
