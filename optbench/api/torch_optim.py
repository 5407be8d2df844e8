"""The adapter that makes what has the torch.optim interface an Optimizer; one step = one call of its `step`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

import torch
from torch import Tensor
from torch.autograd.graph import increment_version

from optbench.api.errors import Refused, UserError
from optbench.api.problems import Layout, layout_views
from optbench.api.torch_steps import Way, bare_step, checked, told, ways

if TYPE_CHECKING:
    from optbench.api.optimizers import Oracle


class Schedule(Protocol):
    """How the learning rate changes; `optbench.numerics.schedules` has them."""

    @property
    def lasts(self) -> float:
        """Return the number of steps after which the factor stays; 0: it never changes."""
        ...

    def factor(self, step: int) -> float:
        """Return what `lr` is multiplied by once so many steps are done."""
        ...


Make = Callable[..., torch.optim.Optimizer]  # of parameters and options: a class, or a function


@dataclass
class TorchState:
    """State of a torch optimizer. `point` is updated in place through the parameters, which are views of it."""

    point: Tensor  # (n,)
    layout: Layout  # of the problem
    parameters: tuple[torch.nn.Parameter, ...]
    optimizer: torch.optim.Optimizer
    make: Make  # what made the optimizer
    take: Callable[..., Any]  # the optimizer's step
    addresses: list[int]  # of the parameters
    rates: tuple[float, ...]  # lr of the optimizer's groups before the schedule
    steps: int = 0  # that the schedule has gone
    ways: tuple[Way, ...] = ()  # in which a step may want to be called
    way: Way | None = None  # in which a step is called; None before the first one
    finished: Literal["converged", "stalled", "unbounded"] | None = None


class TorchOptimizer:
    """Drives `make(parameters, **options)`; the parameters are views of the flat point, one a tensor of the layout.

    `make` is a class, or a function that returns an optimizer. A class whose attribute `elementwise` is true moves each
    number by that number's own gradients alone: it gets the point as one parameter, so that what it does for each
    parameter is done once.
    """

    def __init__(self, make: Make, options: Mapping[str, Any], schedule: Schedule | None = None) -> None:
        """Keep what makes it and its options; lists become tuples, as torch's betas want."""
        self.make, self.name = make, name_of(make)
        self.schedule = schedule if schedule is not None and schedule.lasts else None
        self.options: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in options.items()
        }
        try:
            inspect.signature(make).bind((), **self.options)
        except TypeError as error:
            raise UserError(f"{self.name}: {error}", f"options: {', '.join(_option_names(make)) or 'none'}") from None
        if isinstance(make, type):
            ways(make)  # what can't be called is refused at once
        loops = inspect.signature(make).parameters.get("foreach")
        self._chooses = loops is not None and loops.default is None and not {"foreach", "fused"} & {*self.options}
        self._whole: bool = getattr(make, "elementwise", False)

    def init(self, oracle: Oracle, start: Tensor) -> TorchState:
        """Copy the start and give torch views of the copy; raises UserError where that refuses its options."""
        point = start.clone()
        parameters = tuple(torch.nn.Parameter(view) for view in self._views(point, oracle.layout))
        try:
            optimizer = checked(self.make(parameters, **{**self._implementation(point), **self.options}), self.name)
        except ValueError as error:
            raise UserError(f"{self.name}: {' '.join(str(error).split())}") from error
        groups = getattr(optimizer, "param_groups", ())
        if self.schedule is not None and not (groups and all("lr" in group for group in groups)):
            raise UserError(f"{self.name} has no lr", "a schedule changes lr", "leave the schedule out")
        rates = tuple(group.get("lr", 0.0) for group in groups)
        step, addresses = bare_step(optimizer), _addresses(parameters)
        made = optimizer, self.make, step
        state = TorchState(point, oracle.layout, parameters, *made, addresses, rates, ways=ways(type(optimizer)))
        self._set_rates(state)
        return state

    def restart(self, state: TorchState, oracle: Oracle, start: Tensor) -> TorchState:
        """Go on from `start` with what the optimizer has gathered, its options, and the schedule where it stands.

        Raises Refused where another class or function made the state, or the tensors have other places or shapes.
        """
        if state.make is not self.make:
            message = f"{self.name} can't go on with the state of {name_of(state.make)}"
            raise Refused(message)
        if start.shape != state.point.shape or list(oracle.layout.values()) != list(state.layout.values()):
            message = f"{self.name} can't keep its state: the tensors of the model have other shapes"
            raise Refused(message)
        state.point, state.layout, state.finished = start.clone(), oracle.layout, None
        for parameter, view in zip(state.parameters, self._views(state.point, oracle.layout), strict=True):
            parameter.data, parameter.grad = view, None
        state.addresses = _addresses(state.parameters)
        return state

    def step(self, oracle: Oracle, state: TorchState) -> TorchState:
        """Call the optimizer's step, then advance the schedule."""
        if state.way is None:
            self._find_way(oracle, state)
        else:
            self._go(state.way, oracle, state)
        self._moved(state)
        if self.schedule is not None and state.steps < self.schedule.lasts:
            state.steps += 1
            self._set_rates(state)
        return state

    def _find_way(self, oracle: Oracle, state: TorchState) -> None:
        """Take the first step, in the first way that the class does not fail in."""
        for way in state.ways:
            try:
                self._go(way, oracle, state)
            except NotImplementedError as error:
                raise told(type(state.optimizer), error) from error
            except Exception:
                if way is state.ways[-1]:
                    raise
            else:
                state.way = way
                return

    def _go(self, way: Way, oracle: Oracle, state: TorchState) -> None:
        if way.gradients:
            for parameter in state.parameters:
                parameter.grad = None  # its memory is taken for the next one
            gradient = (oracle.gradient(state.point),) if self._whole else oracle.gradient_tensors(state.point)
            self._hand_over(state, gradient)
        if way.closure:
            state.take(lambda: self._evaluated(oracle, state))
        else:
            state.take()

    def _evaluated(self, oracle: Oracle, state: TorchState) -> Tensor:
        """Return the value where the parameters are, and hand their gradients over: a closure."""
        self._moved(state)
        value, gradient = oracle.value_and_gradient(state.point)
        self._hand_over(state, self._views(gradient, oracle.layout))
        return value

    def _moved(self, state: TorchState) -> None:
        """Make the point what the parameters are; a class may put other memory below them, as in `p.data = …`."""
        increment_version(state.point)  # writing through `.data` moves no counter: the oracle's memo must not be fooled
        if _addresses(state.parameters) != state.addresses:
            for parameter, view in zip(state.parameters, self._views(state.point, state.layout), strict=True):
                parameter.data = view.copy_(parameter.data)

    def _implementation(self, point: Tensor) -> dict[str, Any]:
        """Return the choice that torch's classes come to at each step on the CPU."""
        return {"foreach": False} if self._chooses and point.device.type == "cpu" else {}

    def _views(self, flat: Tensor, layout: Layout) -> tuple[Tensor, ...]:
        return (flat,) if self._whole else layout_views(flat, layout)

    def _set_rates(self, state: TorchState) -> None:
        if self.schedule is not None:
            factor = self.schedule.factor(state.steps)
            for group, rate in zip(state.optimizer.param_groups, state.rates, strict=True):
                group["lr"] = rate * factor

    @staticmethod
    def _hand_over(state: TorchState, gradient: tuple[Tensor, ...]) -> None:
        for parameter, tensor in zip(state.parameters, gradient, strict=True):
            parameter.grad = tensor


def _addresses(tensors: Iterable[Tensor]) -> list[int]:
    return [tensor.data_ptr() for tensor in tensors]


def name_of(make: Make) -> str:
    """Return the name of a class or a function, or of what a partial one fills in."""
    found: Any = getattr(make, "func", make)
    return str(getattr(found, "__name__", found))


def _option_names(make: Make) -> list[str]:
    """Return the names of what follows the parameters."""
    return list(inspect.signature(make).parameters)[1:]
