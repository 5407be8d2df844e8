"""Going on from another point, or with another problem: as a fresh start there would with what is kept.

Nothing of how the last run went on may count: not how steep f was, how far steps led or how steadily f fell.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from optbench.api.streams import SeededStreams
from optbench.measure.derivatives import Derivatives

KEPT: Mapping[str, tuple[str, ...]] = {  # what a state takes along
    "DescentState": ("memory", "steepest"),
    "SweepState": ("generator",),
    "FixedStepState": (),
    "FixedNewtonState": (),
}
TRUSTED: Mapping[str, tuple[str, ...]] = {  # what it takes along unless it had finished
    "NewtonCGState": ("trust",),
    "SearchingState": ("damping",),
    "TrialState": ("control",),
    "GaussNewtonState": ("trust", "scale"),
}
ELSEWHERE = torch.tensor([40.0, -7.0], dtype=torch.float64)
STEPS = 25


def valley(x: Tensor) -> Tensor:
    return torch.stack((x[1] - x[0] ** 2, 1 - x[0]))


@dataclass(frozen=True)
class Before:
    """What was worked on before: residuals, or a value, from a start, for so many steps (or until it finished)."""

    function: Callable[[Tensor], Tensor]
    steps: int
    start: tuple[float, float] = (-1.2, 1.0)


BEFORE = {
    "to the end": Before(valley, 60),
    "in part": Before(valley, 4),
    "where f falls steadily": Before(lambda x: x.sum(), 3),
    "where f is steeper by far": Before(lambda x: 1e60 * valley(x), 5),
    "in a unit of its own": Before(lambda x: 1e-110 * valley(x), 5),
    "in another place": Before(lambda x: valley(1e-9 * x), 5, (1e9, -1e9)),
}


class Asked:
    """An oracle of a function of two variables; where that has more than one number, of their squares' sum."""

    size, batch = 2, 0
    device, dtype = torch.device("cpu"), torch.float64

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        self.layout: Mapping[str, Any] = {}
        self.panels: Mapping[str, Any] = {}
        self.coordinate_blocks = ()
        self.streams = SeededStreams(0)
        problem = SimpleNamespace(size=2, value=lambda x: function(x).square().sum(), residuals=function)
        if not function(ELSEWHERE).shape:
            problem = SimpleNamespace(size=2, value=function)
        self._derivatives = Derivatives(problem, takes_batch=False)  # type: ignore[arg-type]
        self.offers = self._derivatives.offers()

    def gradient(self, x: Tensor) -> Tensor:
        return self._derivatives.value_and_gradient(x)[1]

    def __getattr__(self, name: str) -> Any:
        """Pass evaluations on."""
        return getattr(self.__dict__["_derivatives"], name)


def worked_before(optimizer: Any, before: Before) -> Any:
    oracle = Asked(before.function)
    state = optimizer.init(oracle, torch.tensor(before.start, dtype=torch.float64))
    for _ in range(before.steps):
        if state.finished is None:
            state = optimizer.step(oracle, state)
    return state


def take_along(state: Any, fresh: Any) -> None:
    """Give a fresh state what it would have kept; of a cg that starts warm, the state of its method."""
    if hasattr(state, "method"):
        fresh.left = state.left
        return take_along(state.method, fresh.method)
    name = type(state).__name__
    in_unit = getattr(state, "unit", 1.0) != 1  # what was learnt in a unit of its own is of no use
    trusted = () if state.finished or name not in TRUSTED else TRUSTED[name]
    for kept in trusted + (() if in_unit else KEPT.get(name, ())):
        setattr(fresh, kept, getattr(state, kept))
    return None


def course(optimizer: Any, oracle: Asked, state: Any) -> tuple[list[Tensor], Any]:
    points: list[Tensor] = []
    while state.finished is None and len(points) < STEPS:
        state = optimizer.step(oracle, state)
        points.append(state.point.clone())
    return points, state.finished


def check_restart(variant: Any, before: Before) -> None:
    optimizer, oracle = variant.subject.optimizer(), Asked(valley)
    fresh = optimizer.init(oracle, ELSEWHERE)
    take_along(worked_before(optimizer, before), fresh)
    expected, ends = course(optimizer, oracle, fresh)
    state = optimizer.restart(worked_before(optimizer, before), oracle, ELSEWHERE)
    points, finished = course(optimizer, oracle, state)
    assert finished == ends
    assert len(points) == len(expected)
    assert all(torch.equal(a, b) or (a.isnan() | b.isnan()).any() for a, b in zip(points, expected, strict=True))


def needs_residuals(variant: Any, before: Before) -> bool:
    return "gauss-newton" in variant.text and not before.function(ELSEWHERE).shape


@pytest.mark.parametrize("name", BEFORE)
def test_after_a_restart_a_method_goes_on_as_from_a_start(method: Any, name: str) -> None:
    if needs_residuals(method, BEFORE[name]):
        pytest.skip("it needs residuals")
    check_restart(method, BEFORE[name])


@pytest.mark.slow
@pytest.mark.parametrize("name", BEFORE)
def test_after_a_restart_a_method_goes_on_as_from_a_start_whatever_the_options(variant: Any, name: str) -> None:
    if needs_residuals(variant, BEFORE[name]):
        pytest.skip("it needs residuals")
    check_restart(variant, BEFORE[name])


@pytest.mark.parametrize(
    "text", ['newton(line_search="armijo")', 'newton-cg(line_search="armijo")', 'bfgs(line_search="armijo")']
)
def test_that_f_fell_steadily_promises_nothing_of_another_point(text: str, build_variant: Any) -> None:
    check_restart(build_variant(text), BEFORE["where f falls steadily"])
