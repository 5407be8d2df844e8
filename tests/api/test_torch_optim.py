"""The adapter of classes with the torch.optim interface."""

from __future__ import annotations

import functools
import itertools
import math
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from optbench.api import Refused, TorchOptimizer, UserError
from optbench.api.problems import layout_views
from optbench.measure.factories import build_optimizer
from optbench.numerics.parts import build_part
from optbench.numerics.schedules import SCHEDULES

LAYOUT = {"matrix": (0, (2, 2)), "vector": (4, (3,))}


class Slope:
    """f(x) = Σ x over two tensors: the gradient is 1 everywhere, so that a step shows its rate."""

    layout = LAYOUT

    def value_and_gradient(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return x.sum(), torch.ones_like(x)

    def gradient_tensors(self, x: Tensor) -> tuple[Tensor, ...]:
        return torch.ones(2, 2, dtype=x.dtype), torch.ones(3, dtype=x.dtype)


class Bowl:
    """f(x) = ½ Σ kₖ xₖ², evaluated as an oracle does."""

    layout = LAYOUT
    curvature = torch.arange(1.0, 8.0, dtype=torch.float64)

    def value_and_gradient(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return 0.5 * (self.curvature * x * x).sum(), self.gradient(x)

    def gradient(self, x: Tensor) -> Tensor:
        return self.curvature * x

    def gradient_tensors(self, x: Tensor) -> tuple[Tensor, ...]:
        return layout_views(self.gradient(x), self.layout)


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


class Unrelated:
    """The interface of torch.optim without its base class."""

    def __init__(self, params: Any, lr: float = 0.1) -> None:
        self.param_groups = [{"params": list(params), "lr": lr}]

    def zero_grad(self) -> None:
        for parameter in self.param_groups[0]["params"]:
            parameter.grad = None

    def step(self) -> None:
        for parameter in self.param_groups[0]["params"]:
            parameter.data.sub_(self.param_groups[0]["lr"] * parameter.grad)


class Groupless:
    """One that keeps its parameters otherwise."""

    def __init__(self, params: Any) -> None:
        self.params = list(params)

    def step(self, closure: Any) -> None:
        closure()
        for parameter in self.params:
            parameter.data.sub_(0.5 * parameter.grad)


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


def test_a_class_that_does_not_derive_from_torchs_is_driven_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    module = SimpleNamespace(Unrelated=Unrelated, Groupless=Groupless)
    monkeypatch.setitem(__import__("sys").modules, "their_module", module)
    made = build_optimizer("their_module:Unrelated", {"lr": 0.5, "schedule": "exponential(by=0.5)"})
    assert moves(made, 3) == [0.5, 0.25, 0.125]
    assert moves(build_optimizer("their_module:Groupless", {}), 2) == [0.5, 0.5]
    scheduled = build_optimizer("their_module:Groupless", {"schedule": "exponential(by=0.5)"})
    with pytest.raises(UserError, match="Groupless has no lr"):
        scheduled.init(Slope(), torch.zeros(7, dtype=torch.float64))


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
    with pytest.raises(UserError, match="exponential: option by: got -1"):
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


def test_a_class_that_calls_itself_elementwise_gets_the_point_as_one_parameter() -> None:
    class Whole(Plain):
        elementwise = True

    ends = []
    for cls in (Plain, Whole):
        optimizer = TorchOptimizer(cls, {"lr": 0.1})
        state = optimizer.init(Bowl(), torch.ones(7, dtype=torch.float64))
        for _ in range(5):
            state = optimizer.step(Bowl(), state)
        ends.append(state)
    (parameter,) = ends[1].parameters
    assert parameter.data_ptr() == ends[1].point.data_ptr()
    assert parameter.shape == (7,)
    assert torch.equal(ends[0].point, ends[1].point)


def test_a_class_that_puts_other_memory_below_its_parameters_moves_the_point() -> None:
    class Rebinding(Plain):
        def step(self, closure: Any = None) -> None:
            for group in self.param_groups:
                for parameter in group["params"]:
                    parameter.data = parameter.data - group["lr"] * parameter.grad

    optimizer = TorchOptimizer(Rebinding, {"lr": 0.25})
    assert moves(optimizer, 3) == [0.25] * 3


# ---- how `step` is called


class Sharp(torch.optim.Optimizer):
    """Sharpness-aware descent as its authors write it: gradients are there, and a closure is asked for them again."""

    def __init__(self, params: Any, lr: float = 0.1, rho: float = 0.05) -> None:
        super().__init__(params, {"lr": lr, "rho": rho})

    @torch.no_grad()
    def first_step(self) -> None:
        gradients = [parameter.grad for group in self.param_groups for parameter in group["params"]]
        norm = torch.stack([gradient.norm() for gradient in gradients]).norm()
        for group in self.param_groups:
            for parameter in group["params"]:
                self.state[parameter]["before"] = parameter.data.clone()
                parameter.add_(parameter.grad, alpha=group["rho"] / float(norm))
        self.zero_grad()

    @torch.no_grad()
    def second_step(self) -> None:
        for group in self.param_groups:
            for parameter in group["params"]:
                parameter.data = self.state[parameter]["before"]
                parameter.add_(parameter.grad, alpha=-group["lr"])

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:
        assert closure is not None, "needs a closure"
        self.first_step()
        torch.enable_grad()(closure)()
        self.second_step()


class InPlace(Sharp):
    """The same, keeping the tensors that its parameters look at."""

    @torch.no_grad()
    def second_step(self) -> None:
        for group in self.param_groups:
            for parameter in group["params"]:
                parameter.copy_(self.state[parameter]["before"])
                parameter.add_(parameter.grad, alpha=-group["lr"])


class Demanding(InPlace):
    """Its closure has no default."""

    def step(self, closure: Any) -> None:
        super().step(closure)


@pytest.mark.parametrize("cls", [Sharp, InPlace, Demanding])
def test_sharpness_aware_classes_get_gradients_and_a_closure(cls: type[torch.optim.Optimizer]) -> None:
    optimizer, x = TorchOptimizer(cls, {"lr": 0.1, "rho": 0.5}), torch.ones(7, dtype=torch.float64)
    state = optimizer.init(Bowl(), x)
    for _ in range(6):
        state = optimizer.step(Bowl(), state)
        gradient = Bowl().gradient(x)
        x = x - 0.1 * Bowl().gradient(x + 0.5 * gradient / gradient.norm())
        torch.testing.assert_close(state.point, x, rtol=1e-14, atol=1e-14)


class TwoSteps(torch.optim.Optimizer):
    def __init__(self, params: Any) -> None:
        super().__init__(params, {})

    def first_step(self) -> None: ...

    def second_step(self) -> None: ...


class Pointing(TwoSteps):
    def step(self, closure: Any = None) -> None:
        raise NotImplementedError("call first_step\nand second_step")


def test_a_class_of_two_steps_is_told_in_one_line_that_it_needs_one() -> None:
    with pytest.raises(UserError, match=r"^TwoSteps has no step\(\); .*closure.*; give it a step\(closure\)"):
        TorchOptimizer(TwoSteps, {})
    pointing = TorchOptimizer(Pointing, {})
    with pytest.raises(UserError, match=r"^Pointing\.step is not implemented \(call first_step and second_step\); "):
        pointing.step(Bowl(), pointing.init(Bowl(), torch.ones(7, dtype=torch.float64)))


def test_what_a_class_raises_by_mistake_is_raised() -> None:
    class Mistaken(Plain):
        def step(self, closure: Any = None) -> Any:
            return {}[closure]

    optimizer = TorchOptimizer(Mistaken, {})
    with pytest.raises(KeyError):
        optimizer.step(Bowl(), optimizer.init(Bowl(), torch.ones(7, dtype=torch.float64)))


def test_a_class_with_an_optional_closure_that_it_needs_not_evaluates_once_a_step() -> None:
    class Counted(Slope):
        asked = 0

        def gradient_tensors(self, x: Tensor) -> tuple[Tensor, ...]:
            self.asked += 1
            return super().gradient_tensors(x)

        def value_and_gradient(self, x: Tensor) -> tuple[Tensor, Tensor]:
            raise AssertionError

    oracle, optimizer = Counted(), TorchOptimizer(torch.optim.SGD, {})
    state = optimizer.init(oracle, torch.zeros(7, dtype=torch.float64))
    for _ in range(3):
        optimizer.step(oracle, state)
    assert oracle.asked == 3


def test_gradients_of_the_last_step_are_gone_when_the_next_are_asked_for() -> None:
    optimizer = TorchOptimizer(Plain, {})
    state = optimizer.init(Slope(), torch.zeros(7, dtype=torch.float64))

    class Looking(Slope):
        def gradient_tensors(self, x: Tensor) -> tuple[Tensor, ...]:
            assert [parameter.grad for parameter in state.parameters] == [None, None]
            return super().gradient_tensors(x)

    for _ in range(2):
        optimizer.step(Looking(), state)


def test_hooks_of_a_step_are_called_and_torchs_profiling_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[str] = []

    class Hooking(Plain):
        def __init__(self, params: Any) -> None:
            super().__init__(params)
            self.register_step_pre_hook(lambda *_: called.append("before"))
            self.register_step_post_hook(lambda *_: called.append("after"))

    for cls in (Hooking, torch.optim.SGD):
        profiled: list[str] = []
        with monkeypatch.context() as patch:
            patch.setattr(torch.autograd.profiler, "record_function", lambda name, into=profiled: _Noted(into, name))
            assert moves(TorchOptimizer(cls, {}), 1)[0] > 0
        assert bool(profiled) == (cls is Hooking)
    assert called == ["before", "after"]


class _Noted:
    def __init__(self, into: list[str], name: str) -> None:
        into.append(name)

    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...


def test_what_a_class_puts_around_its_step_itself_is_kept() -> None:
    torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))])  # from now on torch's own wrapping is on SGD.step

    def twice(step: Any) -> Any:
        @functools.wraps(step)
        def wrapped(self: Any, *given: Any) -> None:
            step(self, *given)
            step(self, *given)

        return wrapped

    class Doubled(torch.optim.SGD):
        step = twice(torch.optim.SGD.step)

    assert moves(TorchOptimizer(Doubled, {"lr": 0.1}), 2) == pytest.approx([0.2, 0.2])


# ---- another stage


@pytest.mark.parametrize("elementwise", [False, True])
def test_restart_keeps_momentum_and_schedule_and_takes_the_new_start(elementwise: bool) -> None:
    class Momentum(torch.optim.SGD):
        pass

    Momentum.elementwise = elementwise  # type: ignore[attr-defined]
    schedule = build_part("exponential(by=0.9)", SCHEDULES, "schedule")
    optimizer = TorchOptimizer(Momentum, {"lr": 0.01, "momentum": 0.9}, schedule)
    starts = [torch.ones(7, dtype=torch.float64), torch.linspace(-1, 1, 7, dtype=torch.float64)]
    state = optimizer.init(Bowl(), starts[0])
    velocity, rate = torch.zeros(7, dtype=torch.float64), 0.01
    for stage, start in enumerate(starts):
        x = start.clone()
        if stage:
            finished = state.point
            state = optimizer.restart(state, Bowl(), start)
        for _ in range(4):
            state = optimizer.step(Bowl(), state)
            velocity = 0.9 * velocity + Bowl().gradient(x)
            x, rate = x - rate * velocity, 0.9 * rate
            torch.testing.assert_close(state.point, x, rtol=1e-13, atol=1e-15)
    assert torch.equal(starts[1], torch.linspace(-1, 1, 7, dtype=torch.float64))
    assert finished.data_ptr() != state.point.data_ptr()
    assert state.parameters[0].data_ptr() == state.point.data_ptr()


def test_restart_is_refused_where_shapes_or_the_class_differ() -> None:
    optimizer = TorchOptimizer(Plain, {})
    state = optimizer.init(Bowl(), torch.ones(7, dtype=torch.float64))

    class Longer(Bowl):
        layout = {"matrix": (0, (2, 2)), "vector": (4, (4,))}  # noqa: RUF012 -- a fake's

    class Turned(Bowl):
        layout = {"vector": (0, (3,)), "matrix": (3, (2, 2))}  # noqa: RUF012 -- a fake's

    for oracle, size in ((Longer(), 8), (Turned(), 7)):
        with pytest.raises(Refused, match="the tensors of the model have other shapes"):
            optimizer.restart(state, oracle, torch.ones(size, dtype=torch.float64))
    with pytest.raises(Refused, match="SGD can't go on with the state of Plain"):
        TorchOptimizer(torch.optim.SGD, {}).restart(state, Bowl(), torch.ones(7, dtype=torch.float64))


MADE = """
import functools

import torch


def rated(parameters, lr=0.1):
    return torch.optim.SGD(parameters, lr=lr)


def nothing(parameters):
    return None


def searching(parameters, lr=0.1):
    return torch.optim.LBFGS(parameters, lr=lr)


partial = functools.partial(torch.optim.SGD, lr=0.1, momentum=0.9)
SETTINGS = {"lr": 0.1}
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the name of a module with functions that make optimizers."""
    name = f"makers_of_{tmp_path.name}"
    (tmp_path / f"{name}.py").write_text(MADE)
    monkeypatch.syspath_prepend(tmp_path)
    return name


@pytest.mark.parametrize(
    ("maker", "options", "cls", "same"),
    [
        ("rated", {"lr": 0.05}, torch.optim.SGD, {"lr": 0.05}),
        ("rated", {"schedule": "exponential(by=0.5)"}, torch.optim.SGD, {"lr": 0.1, "schedule": "exponential(by=0.5)"}),
        ("searching", {}, torch.optim.LBFGS, {"lr": 0.1}),
        ("partial", {"lr": 0.02}, torch.optim.SGD, {"lr": 0.02, "momentum": 0.9}),
    ],
)
def test_a_function_that_returns_an_optimizer_works_as_its_class_does(
    own: str, maker: str, options: dict[str, Any], cls: Any, same: dict[str, Any]
) -> None:
    made, direct = build_optimizer(f"{own}:{maker}", options), build_optimizer(f"torch.optim:{cls.__name__}", same)
    ends = []
    for optimizer in (made, direct):
        state = optimizer.init(Bowl(), torch.ones(7, dtype=torch.float64))
        for _ in range(3):
            state = optimizer.step(Bowl(), state)
        ends.append(optimizer.restart(state, Bowl(), state.point).point)
    assert torch.equal(*ends)
    assert not torch.equal(ends[0], torch.ones(7, dtype=torch.float64))


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("rated", {"lrr": 1}, "rated: got an unexpected keyword argument 'lrr'; options: lr"),
        ("nothing", {"lr": 1}, "nothing: got an unexpected keyword argument 'lr'; options: none"),
        ("nothing", {}, "nothing made a NoneType; expected a torch.optim.Optimizer"),
        ("SETTINGS", {}, "SETTINGS is of type dict; expected a class, or a function that makes one"),
    ],
)
def test_what_makes_no_optimizer_is_told_in_one_line(
    own: str, name: str, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(UserError, match=re.escape(message)):
        build_optimizer(f"{own}:{name}", options).init(Bowl(), torch.ones(7, dtype=torch.float64))


def test_a_class_that_takes_sparse_gradients_is_refused_before_a_step() -> None:
    with pytest.raises(UserError, match=r"^SparseAdam takes sparse gradients only; all gradients here are dense"):
        TorchOptimizer(torch.optim.SparseAdam, {}).init(Bowl(), torch.ones(7, dtype=torch.float64))


def test_a_function_goes_on_with_its_own_state_only() -> None:
    first, second = (TorchOptimizer(functools.partial(Plain, lr=lr), {}) for lr in (0.1, 0.2))
    state = first.init(Bowl(), torch.ones(7, dtype=torch.float64))
    with pytest.raises(Refused, match="can't go on with the state of"):
        second.restart(state, Bowl(), state.point)
