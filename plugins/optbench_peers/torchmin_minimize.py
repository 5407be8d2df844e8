"""Methods of pytorch-minimize, set so that the trial's budget or target ends them.

- They take f as an object of `torchmin.optim.Minimizer`, whose `closure` and `dir_evaluate` are made to ask the
  oracle: values with gradients, Hessian-vector products and Hessians are the oracle's, no graph is built.
- To such an object trust-region methods go back after a rejected step, since a model would have overwritten what they
  had: that question is answered here from what they had asked before, so that it counts nothing, as with a plain
  function.
- newton-cg and newton-exact ask for f and the gradient once more at the end of each line search: so they do with a
  plain function, too, and it counts.
- `gtol` is 0, the largest number of iterations never reached. `xtol` of bfgs and l-bfgs also ends them where f no
  longer changes, though the gradient still falls: −1 switches it off. `gtd_tol` is 0: only a direction that ascends
  ends them. The line search (25 trial points, c1 = 1e-4, c2 = 0.9; 0.4 in cg) has no options.
- The largest radius of trust regions is 1e10 instead of 1000, as for the other peers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
import torchmin
from torch import Tensor
from torchmin.optim import Minimizer

if TYPE_CHECKING:
    from optbench.api import Oracle

_ENDLESS = 2**31 - 1
_WIDEST = 1e10


class _Products(NamedTuple):
    """The Hessian at a point, as a linear map."""

    oracle: Oracle
    x: Tensor

    def mv(self, v: Tensor) -> Tensor:
        """Return the Hessian times v (n,)."""
        return self.oracle.hessian_vector(self.x, v)


class _Asked(NamedTuple):
    """What `closure` returns, in torchmin's order."""

    value: Tensor
    gradient: Tensor
    products: _Products | None
    hessian: Tensor | None


class _OracleFunction(Minimizer):  # type: ignore[misc]  # torchmin has no types
    """The oracle in the place of a function."""

    def __init__(self, oracle: Oracle, start: Tensor, method: str) -> None:
        super().__init__([start.clone()], method=method)
        self._oracle = oracle
        self._endless = method == "trust-exact"  # on a Hessian that is not finite
        self._models: list[tuple[Tensor, _Asked]] = []  # of the last two points, the latest first

    def closure(self, x: Tensor) -> _Asked:
        """Return f(x), the gradient and what the method takes of the Hessian; torchmin writes into the first two."""
        known = next((found for found in self._models if found[0] is x), None)
        found = known or (x, self._ask(x))
        if self._hess or self._hessp:
            self._models = [found, *(other for other in self._models if other is not found)][:2]
        return found[1]

    def dir_evaluate(self, x: Tensor, t: Any, d: Tensor) -> tuple[float, Tensor]:
        """Return f(x + t·d) and the gradient there."""
        self._nfev[0] += 1
        value, gradient = self._oracle.value_and_gradient(x + d.mul(t))
        return float(value), gradient

    def _ask(self, x: Tensor) -> _Asked:
        self._nfev[0] += 1
        value, gradient = self._oracle.value_and_gradient(x)
        hessian = self._oracle.hessian(x) if self._hess else None
        if hessian is not None and self._endless and not hessian.isfinite().all():
            message = "the Hessian is not finite: torchmin's trust-exact would never return"
            raise FloatingPointError(message)
        products = _Products(self._oracle, x) if self._hessp else None
        return _Asked(value.clone(), gradient.clone(), products, hessian)


class TorchMinimizer:
    """Runs one method on the trial's device, in its precision."""

    def __init__(self, method: str, options: Mapping[str, Any]) -> None:
        """Keep the method's name and options."""
        self.method, self.options = method, dict(options)
        self.message = ""

    def minimize(self, oracle: Oracle, start: Tensor, observe: Callable[[Tensor], None]) -> Tensor:
        """Return torchmin's point; its iterations are the steps."""

        def callback(x: Tensor) -> None:
            observe(x.detach())

        function = _OracleFunction(oracle, start, self.method)
        options = {**self.options, "max_iter": _ENDLESS}
        result = torchmin.minimize(function, start.clone(), self.method, options=options, callback=callback)
        self.message = str(result.message)
        return torch.as_tensor(result.x).detach()


def bfgs() -> TorchMinimizer:
    """Return BFGS."""
    return TorchMinimizer("bfgs", {"gtol": 0.0, "xtol": -1.0, "gtd_tol": 0.0})


def l_bfgs(*, history: int) -> TorchMinimizer:
    """Return L-BFGS."""
    return TorchMinimizer("l-bfgs", {"gtol": 0.0, "xtol": -1.0, "gtd_tol": 0.0, "history_size": history})


def cg() -> TorchMinimizer:
    """Return nonlinear conjugate gradients."""
    return TorchMinimizer("cg", {"gtol": 0.0})


def newton_cg() -> TorchMinimizer:
    """Return the line-search Newton-CG method."""
    return TorchMinimizer("newton-cg", {"xtol": 0.0})


def newton_exact(*, indefinite: str) -> TorchMinimizer:
    """Return Newton's method with a Cholesky factorisation and a line search."""
    return TorchMinimizer("newton-exact", {"xtol": 0.0, "handle_npd": indefinite})


def trust_exact(*, radius: float) -> TorchMinimizer:
    """Return the trust-region method with nearly exact steps."""
    return TorchMinimizer("trust-exact", _trust_region(radius))


def trust_ncg(*, radius: float) -> TorchMinimizer:
    """Return the trust-region method whose steps come from truncated conjugate gradients."""
    return TorchMinimizer("trust-ncg", _trust_region(radius))


def _trust_region(radius: float) -> dict[str, Any]:
    return {"gtol": 0.0, "initial_trust_radius": radius, "max_trust_radius": _WIDEST}
