"""The adapter of classes with the torch.optim interface."""

from __future__ import annotations

import itertools
import math
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from optbench.api import TorchOptimizer, UserError
from optbench.measure.factories import build_optimizer
from optbench.numerics.parts import build_part
from optbench.numerics.schedules import SCHEDULES


class Slope:
    """f(x) = Σ x over two tensors: the gradient is 1 everywhere, so that a step shows its rate."""

    layout = {"matrix": (0, (2, 2)), "vector": (4, (3,))}  # noqa: RUF012 -- a fake's

    def value_and_gradient(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return x.sum(), torch.ones_like(x)

    def gradient_tensors(self, x: Tensor) -> tuple[Tensor, ...]:
        return torch.ones(2, 2, dtype=x.dtype), torch.ones(3, dtype=x.dtype)


class Plain(torch.optim.Optimizer):
    """θ ← θ − lr g, as a third party writes it."""

    def __init__(self, params: Any, lr: float = 0.1) -> None:
        super().__init__(params, {"lr": lr})

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        for group in self.param_groups:
            for parameter in group["params"]:
                parameter.sub_(group["lr"] * parameter.grad)


class Searching(Plain):
    """The same, asking by its closure, as L-BFGS does."""

    def step(self, closure: Any) -> Any:
        loss = closure()
        super().step()
        return loss


class Scheduled(Plain):
    """A class with an option `schedule` of its own."""

    def __init__(self, params: Any, lr: float = 0.1, schedule: str = "") -> None:
        super().__init__(params, lr)
        self.schedule = schedule


class Rateless(torch.optim.Optimizer):
    def __init__(self, params: Any) -> None:
        super().__init__(params, {})

    def step(self, closure: Any = None) -> Any:
        return None


def moves(optimizer: Any, steps: int) -> list[float]:
    """Return by how much each step moves the last coordinate."""
    state = optimizer.init(Slope(), torch.zeros(7, dtype=torch.float64))
    points = [0.0]
    for _ in range(steps):
        state = optimizer.step(Slope(), state)
        points.append(float(state.point[-1]))
        assert len(set(state.point.tolist())) == 1
    return [before - after for before, after in itertools.pairwise(points)]


@pytest.mark.parametrize("cls", [Plain, Searching, torch.optim.SGD])
def test_a_step_of_the_schedule_is_a_step_of_the_optimizer(cls: type[torch.optim.Optimizer]) -> None:
    optimizer = TorchOptimizer(cls, {"lr": 0.1}, build_part("linear(steps=4)", SCHEDULES, "schedule"))
    assert moves(optimizer, 6) == pytest.approx([0.1, 0.075, 0.05, 0.025, 0.0, 0.0], abs=1e-15)


def test_without_a_schedule_the_rate_stays() -> None:
    for schedule in (None, build_part("constant", SCHEDULES, "schedule")):
        assert moves(TorchOptimizer(Plain, {"lr": 0.1}, schedule), 3) == pytest.approx([0.1] * 3)


@pytest.mark.parametrize(
    ("made", "lacking"),
    [
        (SimpleNamespace(), "has no init and no step"),
        (SimpleNamespace(init=None), "has no step"),
    ],
)
def test_what_is_no_optimizer_is_told(made: object, lacking: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "their_module", SimpleNamespace(Thing=lambda: made))
    with pytest.raises(UserError, match=f"their_module:Thing made a SimpleNamespace, which {lacking}"):
        build_optimizer("their_module:Thing", {})


def test_a_schedule_is_the_adapters_unless_the_class_has_one(monkeypatch: pytest.MonkeyPatch) -> None:
    module = SimpleNamespace(Plain=Plain, Scheduled=Scheduled)
    monkeypatch.setitem(__import__("sys").modules, "their_module", module)
    ours = build_optimizer("their_module:Plain", {"lr": 1.0, "schedule": "exponential(by=0.5)"})
    theirs = build_optimizer("their_module:Scheduled", {"lr": 1.0, "schedule": "their own words"})
    assert moves(ours, 3) == pytest.approx([1.0, 0.5, 0.25])
    assert theirs.options["schedule"] == "their own words"
    with pytest.raises(UserError, match=r"exponential\(by\)"):
        build_optimizer("their_module:Plain", {"schedule": "exponential(by=-1.0)"})


def test_what_the_class_refuses_is_the_users_mistake_in_one_line() -> None:
    with pytest.raises(UserError, match=r"SGD: Invalid learning rate: -1\.0"):
        TorchOptimizer(torch.optim.SGD, {"lr": -1.0}).init(Slope(), torch.zeros(7))


def test_a_class_without_a_rate_takes_no_schedule() -> None:
    schedule = build_part("cosine", SCHEDULES, "schedule")
    with pytest.raises(UserError, match="Rateless has no lr"):
        TorchOptimizer(Rateless, {}, schedule).init(Slope(), torch.zeros(7))
    TorchOptimizer(Rateless, {}).init(Slope(), torch.zeros(7))


def test_parameters_share_the_points_memory() -> None:
    state = TorchOptimizer(Plain, {}).init(Slope(), torch.zeros(7))
    matrix, vector = state.parameters
    assert (matrix.shape, vector.shape) == ((2, 2), (3,))
    assert matrix.data_ptr() == state.point.data_ptr()
    assert vector.data_ptr() == state.point.data_ptr() + math.prod(matrix.shape) * state.point.element_size()
