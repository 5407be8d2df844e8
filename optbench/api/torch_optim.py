"""The adapter that makes any class with the torch.optim interface an Optimizer; one step = one call of its `step`."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor
from torch.autograd.graph import increment_version

from optbench.api.errors import UserError
from optbench.api.problems import layout_views

if TYPE_CHECKING:
    from optbench.api.optimizers import Oracle


@dataclass
class TorchState:
    """State of a torch optimizer. `point` is updated in place through the parameters, which are views of it."""

    point: Tensor  # (n,)
    parameters: tuple[torch.nn.Parameter, ...]
    optimizer: torch.optim.Optimizer
    finished: Literal["converged", "stalled", "unbounded"] | None = None


class TorchOptimizer:
    """Drives `cls(parameters, **options)`; the parameters are views of the flat point, one a tensor of the layout."""

    def __init__(self, cls: type[torch.optim.Optimizer], options: Mapping[str, Any]) -> None:
        """Keep the class and its options; lists become tuples, as torch's betas want."""
        self.cls = cls
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
        """Copy the start and give torch views of the copy."""
        point = start.clone()
        parameters = tuple(torch.nn.Parameter(view) for view in layout_views(point, oracle.layout))
        return TorchState(point, parameters, self.cls(parameters, **self.options))

    def step(self, oracle: Oracle, state: TorchState) -> TorchState:
        """Hand over the gradient as views (no copy) and call the optimizer's step."""

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
        return state

    @staticmethod
    def _hand_over(state: TorchState, gradient: tuple[Tensor, ...]) -> None:
        for parameter, tensor in zip(state.parameters, gradient, strict=True):
            parameter.grad = tensor


def _option_names(cls: type) -> list[str]:
    return [name for name in inspect.signature(cls).parameters if name not in {"self", "params"}]
