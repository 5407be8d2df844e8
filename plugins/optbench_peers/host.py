"""The oracle as solvers outside of torch see it: points are numpy float64 on the host. Shapes: n parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

if TYPE_CHECKING:
    from optbench.api import Oracle

Array = NDArray[np.float64]


@dataclass(frozen=True)
class HostOracle:
    """Asks in the trial's precision and answers in float64; the oracle knows numpy points by their bytes."""

    oracle: Oracle

    def value_and_gradient(self, x: Array) -> tuple[float, Array]:
        """Return f(x) and the gradient (n,), from one question."""
        value, gradient = self.oracle.value_and_gradient(self._asked(x))
        return float(value), on_host(gradient)

    def hessian(self, x: Array) -> Array:
        """Return the Hessian (n, n)."""
        return on_host(self.oracle.hessian(self._asked(x)))

    def hessian_vector(self, x: Array, v: Array) -> Array:
        """Return the Hessian times v (n,)."""
        vector = torch.as_tensor(v, dtype=self.oracle.dtype, device=self.oracle.device)
        return on_host(self.oracle.hessian_vector(self._asked(x), vector))

    def copied(self, x: Array) -> Tensor:
        """Return the point as the trial's tensor: a copy, since solvers go on writing into theirs."""
        return torch.tensor(x, dtype=self.oracle.dtype, device=self.oracle.device)

    def _asked(self, x: Array) -> Any:
        dtype = self.oracle.dtype
        return x if dtype == torch.float64 else x.astype(torch.empty((), dtype=dtype).numpy().dtype)


def on_host(tensor: Tensor) -> Array:
    """Return a tensor as numpy float64; on the CPU in float64 it is the same memory."""
    return tensor.detach().to("cpu", torch.float64).numpy()
