"""Settings are proposed from what was tried; the best ends away from the edge, at a bound, or is marked."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, strategies
from hypothesis import settings as settings_of_search

from optbench.records import Dimension, setting
from optbench.tuning.methods import METHODS, Point, best, edges
from optbench.tuning.quality import Quality

RATE = Dimension(option="lr", scale="log", low=1e-4, high=1.0)
MOMENTUM = Dimension(option="momentum", scale="linear", low=0.0, high=0.9, floor=0.0, ceiling=0.99)
BETA = Dimension(option="beta", scale="choice", values=("fr", "pr"))
needs_optuna = pytest.param("optuna", marks=pytest.mark.skipif("not __import__('importlib').util.find_spec('optuna')"))
ALL = ("grid", "random", needs_optuna)


def search(method: str, space: Any, settings: int, loss: Callable[[dict[str, Any]], float | None]) -> list[Point]:
    """Return what a method tries, in order; None stands for failure."""
    tried: list[Point] = []
    while batch := METHODS[method](space, tried, settings, "seed"):
        for position in batch:
            value = loss(setting(space, position))
            tried.append(Point(position, Quality(value is None, math.inf if value is None else value, 0.0)))
    return tried


def valley(at: float) -> Callable[[dict[str, Any]], float]:
    return lambda options: (math.log10(options["lr"]) - at) ** 2


@pytest.mark.parametrize("method", ALL)
def test_the_budget_is_spent_on_different_settings(method: str) -> None:
    tried = search(method, (RATE, MOMENTUM, BETA), 24, valley(-2))
    assert len(tried) == 24
    assert len({str(setting((RATE, MOMENTUM, BETA), point.position)) for point in tried}) == 24


@pytest.mark.parametrize("method", ALL)
def test_the_same_course_again_proposes_the_same(method: str) -> None:
    tried = search(method, (RATE, MOMENTUM), 12, valley(-2))
    again = METHODS[method]((RATE, MOMENTUM), tried[:9], 12, "seed")
    assert again[0] == tried[9].position


@pytest.mark.parametrize("method", ALL)
@pytest.mark.parametrize("at", [-5.3, 1.2])
def test_the_best_beyond_the_span_is_found_by_widening(method: str, at: float) -> None:
    tried = search(method, (RATE,), 20, valley(at))
    value = RATE.value(best(tried).position[0])
    assert math.log10(value) == pytest.approx(at, abs=0.4)
    assert edges((RATE,), tried) == []


def test_a_grid_begins_with_part_of_the_budget_and_refines_around_its_best() -> None:
    tried = search("grid", (RATE,), 10, valley(-2.05))
    values = [RATE.value(point.position[0]) for point in tried]
    assert values[:6] == [1e-4, 6.31e-4, 3.981e-3, 2.512e-2, 0.1585, 1.0]
    assert values[6:8] == [1.585e-3, 1e-2]  # half the spacing to both sides of 0.003981
    assert RATE.value(best(tried).position[0]) == 0.01


@pytest.mark.parametrize(
    ("settings", "first"),
    [(2, [1e-3, 0.1]), (3, [1e-4, 0.01, 1.0]), (4, [1e-4, 0.01, 1.0]), (5, [1e-4, 0.01, 1.0])],
)
def test_a_small_grid_looks_inside_the_range(settings: int, first: list[float]) -> None:
    tried = search("grid", (RATE,), settings, valley(-2))
    assert [RATE.value(point.position[0]) for point in tried[: len(first)]] == first
    assert len(tried) == settings


def test_two_values_that_were_asked_for_are_the_ends() -> None:
    tried = search("grid", (replace(RATE, points=2),), 2, valley(-2))
    assert [RATE.value(point.position[0]) for point in tried] == [1e-4, 1.0]


@given(
    method=strategies.sampled_from(("grid", "random")),
    space=strategies.sampled_from(((RATE,), (MOMENTUM,), (RATE, MOMENTUM), (RATE, BETA))),
    settings=strategies.integers(4, 16),
    slope=strategies.floats(-3, 3),
    roughness=strategies.floats(0, 3),
    failing=strategies.floats(0, 1),
    seed=strategies.integers(0, 10**6),
)
@settings_of_search(max_examples=150, deadline=None)
def test_no_best_lies_at_an_edge_unmarked_and_none_is_marked_before_the_budget_is_spent(
    method: str, space: Any, settings: int, slope: float, roughness: float, failing: float, seed: int
) -> None:
    """Over random curves, smooth or rough, that fall or rise beyond the range and fail in places."""

    def loss(options: dict[str, Any]) -> float | None:
        chance = random.Random(f"{seed} {options}")
        if chance.random() < failing:
            return None
        return (
            slope * math.log10(options.get("lr", 1.0))
            - slope * options.get("momentum", 0.0)
            + roughness * chance.random()
        )

    tried = search(method, space, settings, loss)
    chosen, marked = setting(space, best(tried).position), edges(space, tried)
    for index, part in enumerate(space):
        if part.ordered:
            values = [part.value(point.position[index]) for point in tried]
            outermost = [side for side, end in ((-1, min(values)), (1, max(values))) if chosen[part.option] == end]
            bound = chosen[part.option] in (part.floor, part.ceiling)
            assert bound or [side for at, side in marked if at == index] == outermost
    assert not marked or len(tried) == settings


def test_a_spent_budget_leaves_the_best_at_the_edge() -> None:
    tried = search("grid", (RATE,), 10, valley(9))
    assert edges((RATE,), tried) == [(0, 1)]
    assert tried[-1] is best(tried)


def test_at_a_natural_bound_nothing_lies_beyond() -> None:
    tried = search("grid", (MOMENTUM,), 10, lambda options: -options["momentum"])
    assert MOMENTUM.value(best(tried).position[0]) == 0.99
    assert edges((MOMENTUM,), tried) == []
    tried = search("grid", (MOMENTUM,), 10, lambda options: options["momentum"])
    assert MOMENTUM.value(best(tried).position[0]) == 0.0
    assert edges((MOMENTUM,), tried) == []


def test_a_grid_that_diverges_everywhere_goes_on_below() -> None:
    tried = search("grid", (RATE,), 12, lambda options: None if options["lr"] > 1e-5 else 1.0)
    assert RATE.value(best(tried).position[0]) < 1e-5


def test_two_options_widen_along_the_one_whose_best_is_at_the_edge() -> None:
    def loss(options: dict[str, Any]) -> float:
        return (math.log10(options["lr"]) - 0.9) ** 2 + (options["momentum"] - 0.45) ** 2

    tried = search("grid", (RATE, MOMENTUM), 20, loss)
    (wider,) = METHODS["grid"]((RATE, MOMENTUM), tried[:12], 20, "seed")
    assert RATE.value(wider[0]) > 1.0
    assert wider[1] == best(tried[:12]).position[1]
    assert edges((RATE, MOMENTUM), tried) == []
    assert {MOMENTUM.value(point.position[1]) for point in tried} <= {0.0, 0.225, 0.45, 0.675, 0.9}
    assert RATE.value(best(tried).position[0]) == pytest.approx(10, rel=0.6)


def test_choices_have_no_edge_and_are_all_tried() -> None:
    tried = search("grid", (BETA,), 10, lambda options: float(options["beta"] == "fr"))
    assert [BETA.value(point.position[0]) for point in tried] == ["fr", "pr"]
    assert edges((BETA,), tried) == []


def test_whole_numbers_are_tried_once_each() -> None:
    history = Dimension(option="history", scale="log", low=1, high=4, floor=1, ceiling=6, whole=True)
    tried = search("grid", (history,), 12, lambda options: float(options["history"]))
    assert [type(history.value(point.position[0])) for point in tried] == [int] * len(tried)
    assert sorted(history.value(point.position[0]) for point in tried) == [1, 2, 3, 4]


def test_random_settings_depend_on_the_tuning_alone() -> None:
    one, other = (METHODS["random"]((RATE,), [], 8, seed) for seed in ("0 problem", "1 problem"))
    assert len(one) == 4
    assert one == METHODS["random"]((RATE,), [], 8, "0 problem")
    assert not set(one) & set(other)
