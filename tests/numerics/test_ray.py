"""A ray keeps what a line search may take, in one buffer, and evaluates nothing twice."""

from __future__ import annotations

import math
import weakref
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from optbench.numerics.position import Visit
from optbench.numerics.ray import Ray
from optbench.numerics.vectors import AnyVectors, ShortVectors


def value_and_gradient(x: Tensor) -> tuple[Tensor, Tensor]:
    return (x - 1).square().sum(), 2 * (x - 1)


@pytest.fixture
def calls() -> list[Tensor]:
    return []


@pytest.fixture(params=[True, False], ids=["short", "any"])
def ray(calls: list[Tensor], request: pytest.FixtureRequest) -> Ray:
    def counted(x: Tensor) -> tuple[Tensor, Tensor]:
        calls.append(x.clone())
        return value_and_gradient(x)

    oracle: Any = SimpleNamespace(value_and_gradient=counted, offers=frozenset())
    point = torch.zeros(2, dtype=torch.float64)
    value, gradient = value_and_gradient(point)
    direction = torch.tensor([1.0, 2.0], dtype=torch.float64)
    spare = torch.empty_like(point)
    arithmetic = ShortVectors(point, spare) if request.param else AnyVectors(point)
    return Ray(oracle, Visit(point, float(value), gradient), direction, spare, arithmetic)


def test_value_and_slope_are_those_of_the_function_along_the_ray(ray: Ray) -> None:
    assert ray(0.5) == (0.25, -1.0)


@pytest.mark.parametrize("step", [0.6, 3.0])
def test_the_latest_and_the_best_are_taken_without_evaluating(ray: Ray, calls: list[Tensor], step: float) -> None:
    for tried in (0.6, 5.0, 4.0, 3.0):
        ray(tried)
    visit = ray.take(step)
    assert torch.equal(visit.point, ray.start.point + step * ray.direction)
    assert torch.equal(visit.gradient, value_and_gradient(visit.point)[1])
    assert visit is ray.take(step)
    assert len(calls) == 4


@pytest.mark.parametrize("ray", [False], ids=["any"], indirect=True)
@pytest.mark.parametrize("best", [0.6, 6.0])
def test_no_gradient_is_held_but_the_best_while_another_is_made(ray: Ray, best: float) -> None:
    gradients = weakref.WeakSet[Tensor]()
    ask = ray.oracle.value_and_gradient

    def counted(x: Tensor) -> tuple[Tensor, Tensor]:
        alive.append(len(gradients))
        value, gradient = ask(x)
        gradients.add(gradient)
        return value, gradient

    alive: list[int] = []
    ray.oracle.value_and_gradient = counted
    for step in (best, 5.0, 4.0, 3.0):
        ray(step)
    assert alive == [0, 1, 1, 1]


def test_a_step_beyond_the_dtype_is_taken_all_the_same(ray: Ray) -> None:
    visit = ray.take(1e309)
    assert not torch.isfinite(visit.point).any()
    assert not math.isfinite(visit.value)


def test_another_step_is_evaluated_again(ray: Ray, calls: list[Tensor]) -> None:
    for step in (0.6, 5.0, 4.0):
        ray(step)
    assert torch.equal(ray.take(5.0).point, ray.start.point + 5 * ray.direction)
    assert len(calls) == 4


def test_each_write_to_a_buffer_moves_its_version(ray: Ray) -> None:
    ray(0.1)
    first = ray.take(0.1).point
    version = first._version
    for step in (0.2, 0.3, 0.4):
        ray(step)
    assert first._version > version


def test_the_start_is_never_written(ray: Ray) -> None:
    version = ray.start.point._version
    for step in (0.1, 0.2, 0.3):
        ray(step)
    assert ray.start.point._version == version


def test_a_step_beyond_the_dtype_counts_as_infinitely_high(calls: list[Tensor]) -> None:
    oracle: Any = SimpleNamespace(value_and_gradient=calls.append, offers=frozenset())
    point = torch.zeros(2)
    ray = Ray(oracle, Visit(point, 2.0, point), point + 1, torch.empty_like(point))
    assert ray(1e39) == (math.inf, math.inf)
    assert not calls
