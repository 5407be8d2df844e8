"""Methods of scipy.optimize.minimize at their tightest settings: the budget ends them, or no further progress does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import optimize
from torch import Tensor

if TYPE_CHECKING:
    from optbench.api import Oracle

Array = NDArray[np.float64]

_ENDLESS = 2**31 - 1  # larger than any budget; Fortran's largest integer


class ScipyMinimizer:
    """Runs one method; scipy sees float64 on the host, whatever the oracle's dtype and device."""

    def __init__(self, method: str, options: Mapping[str, Any]) -> None:
        """Keep the method's name and options."""
        self.method, self.options = method, dict(options)

    def minimize(self, oracle: Oracle, start: Tensor, observe: Callable[[Tensor], None]) -> Tensor:
        """Return scipy's point; its iterations are the steps."""

        def function(x: Array) -> tuple[float, Array]:
            value, gradient = oracle.value_and_gradient(_shared(x, oracle))
            return float(value), gradient.to("cpu", torch.float64).numpy()

        def callback(x: Array) -> None:
            observe(_copied(x, oracle))

        first = start.to("cpu", torch.float64).numpy().copy()
        result = optimize.minimize(
            function, first, jac=True, method=self.method, callback=callback, options=self.options
        )
        return _copied(result.x, oracle)


def l_bfgs_b(*, maxcor: int, maxls: int) -> ScipyMinimizer:
    """Return L-BFGS-B without bounds and without tolerances."""
    limits = {"maxiter": _ENDLESS, "maxfun": _ENDLESS}
    return ScipyMinimizer("L-BFGS-B", {"maxcor": maxcor, "maxls": maxls, "ftol": 0.0, "gtol": 0.0, **limits})


def bfgs() -> ScipyMinimizer:
    """Return BFGS without a tolerance."""
    return ScipyMinimizer("BFGS", {"gtol": 0.0, "maxiter": _ENDLESS})


def cg() -> ScipyMinimizer:
    """Return nonlinear conjugate gradients without a tolerance."""
    return ScipyMinimizer("CG", {"gtol": 0.0, "maxiter": _ENDLESS})


def _shared(x: Array, oracle: Oracle) -> Any:
    """Return scipy's point in the oracle's precision; the oracle knows numpy points by their bytes."""
    return x if oracle.dtype == torch.float64 else x.astype(torch.empty((), dtype=oracle.dtype).numpy().dtype)


def _copied(x: Array, oracle: Oracle) -> Tensor:
    """Return a copy, since scipy goes on writing into its own."""
    return torch.tensor(x, dtype=oracle.dtype, device=oracle.device)
