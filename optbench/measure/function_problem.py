"""Makes a Problem of tensors from a FunctionProblem of plain torch or numpy functions."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from optbench.api import Point

if TYPE_CHECKING:
    from optbench.api import FunctionProblem, Problem, Streams


class TensorFunctions:
    """A FunctionProblem on a device and dtype. `gradient` and `hessian` exist only where the functions give them."""

    f_star_from_start: float | None = None

    def __init__(self, functions: FunctionProblem, device: torch.device, dtype: torch.dtype) -> None:
        """Wrap the functions; numpy ones see float64 on the host."""
        self.size = functions.size
        self.f_star = functions.f_star
        self.f_star_source = functions.f_star_source
        self.differentiable = not functions.numpy
        self._start = torch.tensor(functions.start_point, dtype=dtype, device=device)
        if self._start.shape != (functions.size,):
            message = f"start_point has shape {tuple(self._start.shape)}, size is {functions.size}"
            raise ValueError(message)
        wrap = _from_numpy if functions.numpy else _as_tensor
        self.value = wrap(functions.value, device, dtype)
        if functions.gradient is not None:
            self.gradient = wrap(functions.gradient, device, dtype)
        if functions.hessian is not None:
            self.hessian = wrap(functions.hessian, device, dtype)

    def start(self, streams: Streams) -> Point:
        """Return the start point."""
        return Point(parameters=self._start.clone())


def as_problem(made: Any, device: torch.device, dtype: torch.dtype) -> Problem:
    """Return what a problem's factory made, wrapped where it is a FunctionProblem."""
    from optbench.api import FunctionProblem

    return TensorFunctions(made, device, dtype) if isinstance(made, FunctionProblem) else made


def _from_numpy(function: Callable[[Any], Any], device: torch.device, dtype: torch.dtype) -> Callable[[Tensor], Tensor]:
    @functools.wraps(function)  # whoever asks where it is defined is to hear of the user's line
    def call(x: Tensor) -> Tensor:
        result = function(x.detach().cpu().numpy().astype(np.float64))
        return torch.as_tensor(np.asarray(result, dtype=np.float64)).to(device=device, dtype=dtype)

    return call


def _as_tensor(function: Callable[[Any], Any], device: torch.device, dtype: torch.dtype) -> Callable[[Tensor], Tensor]:
    @functools.wraps(function)
    def call(x: Tensor) -> Tensor:
        result = function(x)
        return result if isinstance(result, Tensor) else torch.as_tensor(result, device=device, dtype=dtype)

    return call
