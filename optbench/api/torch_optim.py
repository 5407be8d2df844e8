"""The adapter that makes any class with the torch.optim interface an Optimizer; one step = one call of its `step`."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

import torch
from torch import Tensor
from torch.autograd.graph import increment_version
from torch.optim.lr_scheduler import LambdaLR

from optbench.api.errors import UserError
from optbench.api.problems import layout_views

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


@dataclass
class TorchState:
    """State of a torch optimizer. `point` is updated in place through the parameters, which are views of it."""

    point: Tensor  # (n,)
    parameters: tuple[torch.nn.Parameter, ...]
    optimizer: torch.optim.Optimizer
    scheduler: LambdaLR | None  # None: the rate is constant
    finished: Literal["converged", "stalled", "unbounded"] | None = None


class TorchOptimizer:
    """Drives `cls(parameters, **options)`; the parameters are views of the flat point, one a tensor of the layout."""

    def __init__(
        self, cls: type[torch.optim.Optimizer], options: Mapping[str, Any], schedule: Schedule | None = None
    ) -> None:
        """Keep the class and its options; lists become tuples, as torch's betas want."""
        self.cls, self.schedule = cls, schedule
        self.options: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in options.items()
        }
        try:
            inspect.signature(cls).bind((), **self.options)
        except TypeError as error:
            raise UserError(f"{cls.__name__}: {error}", f"options: {', '.join(_option_names(cls))}") from None
        closure = inspect.signature(cls.step).parameters.get("closure")
        self._needs_closure = closure is not None and closure.default is inspect.Parameter.empty

    def init(self, oracle: Oracle, start: Tensor) -> TorchState:
        """Copy the start and give torch views of the copy; raises UserError where the class refuses its options."""
        point = start.clone()
        parameters = tuple(torch.nn.Parameter(view) for view in layout_views(point, oracle.layout))
        try:
            optimizer = self.cls(parameters, **self.options)
        except ValueError as error:
            raise UserError(f"{self.cls.__name__}: {' '.join(str(error).split())}") from error
        return TorchState(point, parameters, optimizer, self._scheduler(optimizer))

    def step(self, oracle: Oracle, state: TorchState) -> TorchState:
        """Hand over the gradient, ungathered, and call the optimizer's step, then the schedule's."""

        def closure() -> Tensor:
            # A class may write through `.data`, which moves no version counter: the oracle's memo must not be fooled.
            increment_version(state.point)
            value, gradient = oracle.value_and_gradient(state.point)
            self._hand_over(state, layout_views(gradient, oracle.layout))
            return value

        if self._needs_closure:
            state.optimizer.step(closure)  # type: ignore[arg-type]  # torch types closures as returning float
        else:
            self._hand_over(state, oracle.gradient_tensors(state.point))
            state.optimizer.step()
        increment_version(state.point)
        if state.scheduler is not None:
            self._advance(state.scheduler)
        return state

    def _scheduler(self, optimizer: torch.optim.Optimizer) -> LambdaLR | None:
        if self.schedule is None or not self.schedule.lasts:
            return None
        if not all("lr" in group for group in optimizer.param_groups):
            raise UserError(f"{self.cls.__name__} has no lr", "a schedule changes lr", "leave the schedule out")
        return LambdaLR(optimizer, self.schedule.factor)

    def _advance(self, scheduler: LambdaLR) -> None:
        if self.schedule is not None and scheduler.last_epoch < self.schedule.lasts:
            scheduler.step()

    @staticmethod
    def _hand_over(state: TorchState, gradient: tuple[Tensor, ...]) -> None:
        for parameter, tensor in zip(state.parameters, gradient, strict=True):
            parameter.grad = tensor


def _option_names(cls: type) -> list[str]:
    return [name for name in inspect.signature(cls).parameters if name not in {"self", "params"}]
