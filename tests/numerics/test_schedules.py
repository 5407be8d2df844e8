"""Schedules follow torch's own, and hold where those do not."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch.optim import lr_scheduler as own

from optbench.api import UserError
from optbench.numerics.parts import build_part
from optbench.numerics.schedules import SCHEDULES

LR = 0.5


def build(expression: str) -> Any:
    return build_part(expression, SCHEDULES, "schedule")


def warmed(optimizer: torch.optim.Optimizer) -> own.LRScheduler:
    line = own.LinearLR(optimizer, 0.1, 1.0, total_iters=7)
    return own.SequentialLR(optimizer, [line, own.CosineAnnealingLR(optimizer, 12)], [7])


TORCHS: dict[str, Callable[[torch.optim.Optimizer], own.LRScheduler]] = {
    "step(every=4, by=0.3)": lambda optimizer: own.StepLR(optimizer, 4, 0.3),
    "multi-step(at=[9, 3], by=0.5)": lambda optimizer: own.MultiStepLR(optimizer, [9, 3], 0.5),
    "exponential(by=0.9)": lambda optimizer: own.ExponentialLR(optimizer, 0.9),
    "linear(steps=12, start=0.25, end=0.5)": lambda optimizer: own.LinearLR(optimizer, 0.25, 0.5, 12),
    "cosine(steps=19, end=0.1)": lambda optimizer: own.CosineAnnealingLR(optimizer, 19, 0.1 * LR),
    "cosine-restarts(steps=3, growth=2)": lambda optimizer: own.CosineAnnealingWarmRestarts(optimizer, 3, 2),
    "polynomial(steps=12, power=2)": lambda optimizer: own.PolynomialLR(optimizer, 12, 2.0),
    "one-cycle(steps=20, rise=0.4, start=0.1, end=0.01)": lambda optimizer: own.OneCycleLR(
        optimizer, LR, 20, pct_start=0.4, div_factor=10, final_div_factor=10, cycle_momentum=False
    ),
    "warm-up(steps=7, start=0.1, then='cosine(steps=12)')": warmed,
}


def rates(make: Callable[[torch.optim.Optimizer], own.LRScheduler]) -> Iterator[float]:
    """Yield the rate of each step."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=LR)
    scheduler = make(optimizer)
    while True:
        yield optimizer.param_groups[0]["lr"]
        optimizer.step()
        scheduler.step()


@pytest.mark.parametrize("expression", TORCHS)
def test_rates_are_those_of_torchs_schedule(expression: str) -> None:
    expected = list(itertools.islice(rates(TORCHS[expression]), 20))
    schedule = build(expression)
    assert [LR * schedule.factor(step) for step in range(20)] == pytest.approx(expected, rel=1e-12, abs=1e-15)


@pytest.mark.parametrize(
    ("expression", "end"),
    [
        ("constant", 1.0),
        ("multi-step(at=[9, 3], by=0.5)", 0.25),
        ("linear(steps=12, start=0.25, end=0.5)", 0.5),
        ("cosine(steps=12, end=0.1)", 0.1),
        ("polynomial(steps=12)", 0.0),
        ("one-cycle(steps=12, end=0.001)", 0.001),
        ("one-cycle(steps=1, end=0.001)", 0.001),
        ("warm-up(steps=3, then='cosine(steps=9, end=0.5)')", 0.5),
        ("warm-up(steps=3)", 1.0),
    ],
)
def test_an_end_is_held(expression: str, end: float) -> None:
    schedule = build(expression)
    assert schedule.lasts <= 12
    held = [schedule.factor(step) for step in range(int(schedule.lasts), 40)]
    assert held == pytest.approx([end] * len(held), rel=1e-12)


@pytest.mark.parametrize(
    "expression", ["step", "exponential", "cosine-restarts", "inverse-time", "warm-up(then='step')"]
)
def test_a_schedule_without_end_lasts(expression: str) -> None:
    assert build(expression).lasts == math.inf


def test_inverse_time_halves_after_its_steps() -> None:
    schedule = build("inverse-time(steps=10)")
    assert [schedule.factor(step) for step in (0, 10, 30)] == [1.0, 0.5, 0.25]
    assert build("inverse-time(steps=10, power=0.5)").factor(30) == 0.5


def test_a_sequence_of_steps_is_checked_item_by_item() -> None:
    with pytest.raises(UserError, match="multi-step: option at: got 0"):
        build("multi-step(at=[5, 0])")


def test_a_misspelt_schedule_that_follows_names_what_there_is() -> None:
    with pytest.raises(UserError, match="cosine"):
        build("warm-up(then='cosin')")
