"""Methods of scipy.optimize.minimize, set so that they go on until the trial's budget or target ends them.

- Value and gradient come from one question (`jac=True`); scipy remembers its last point, so nothing is asked twice.
- Tolerances of the gradient, of f and of the step are 0, limits of iterations and evaluations the largest integer:
  what still ends a method by itself is a line search that fails at f's rounding ("precision loss", "ABNORMAL") or a
  trust-region model that predicts no decrease.
- trust-krylov stops at |g| = 1e-8: beyond, scipy's Krylov solver reads memory that it never wrote, so that two runs
  differ, and points become NaN.
- c1 and c2 are scipy's own defaults. L-BFGS-B may try 50 points a line search instead of 20, its history is 10.
- Newton-CG, trust-krylov and trust-ncg are given Hessian-vector products, which are all that they use of a Hessian;
  trust-exact is given the Hessian. The largest radius of trust regions is 1e10 instead of 1000, which is smaller than
  the way to some minima; the first radius is scipy's 1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal

from scipy import optimize
from torch import Tensor

from optbench_peers.host import Array, HostOracle, on_host

if TYPE_CHECKING:
    from optbench.api import Oracle

_ENDLESS = 2**31 - 1  # larger than any budget; Fortran's largest integer
_WIDEST = 1e10
_KRYLOV = 1e-8  # the smallest |g| at which trust-krylov is sound


class ScipyMinimizer:
    """Runs one method; scipy sees float64 on the host, whatever the oracle's dtype and device."""

    def __init__(
        self, method: str, options: Mapping[str, Any], second: Literal["", "hessian", "products"] = ""
    ) -> None:
        """Keep the method's name, its options and what it takes of second derivatives."""
        self.method, self.options, self.second = method, dict(options), second
        self.message = ""

    def minimize(self, oracle: Oracle, start: Tensor, observe: Callable[[Tensor], None]) -> Tensor:
        """Return scipy's point; its iterations are the steps."""
        host = HostOracle(oracle)

        def callback(x: Array) -> None:
            observe(host.copied(x))

        result = optimize.minimize(
            host.value_and_gradient,
            on_host(start).copy(),
            jac=True,
            hess=host.hessian if self.second == "hessian" else None,
            hessp=host.hessian_vector if self.second == "products" else None,
            method=self.method,
            callback=callback,
            options=self.options,
        )
        self.message = str(result.message)
        return host.copied(result.x)


def l_bfgs_b(*, history: int, max_search: int) -> ScipyMinimizer:
    """Return L-BFGS-B without bounds and without tolerances."""
    limits = {"maxiter": _ENDLESS, "maxfun": _ENDLESS, "maxls": max_search}
    return ScipyMinimizer("L-BFGS-B", {"maxcor": history, "ftol": 0.0, "gtol": 0.0, **limits})


def bfgs(*, c1: float, c2: float) -> ScipyMinimizer:
    """Return BFGS without a tolerance."""
    return ScipyMinimizer("BFGS", {"gtol": 0.0, "maxiter": _ENDLESS, "c1": c1, "c2": c2})


def cg(*, c1: float, c2: float) -> ScipyMinimizer:
    """Return nonlinear conjugate gradients without a tolerance."""
    return ScipyMinimizer("CG", {"gtol": 0.0, "maxiter": _ENDLESS, "c1": c1, "c2": c2})


def newton_cg(*, c1: float, c2: float) -> ScipyMinimizer:
    """Return the line-search Newton-CG method without a tolerance."""
    return ScipyMinimizer("Newton-CG", {"xtol": 0.0, "maxiter": _ENDLESS, "c1": c1, "c2": c2}, "products")


def trust_exact(*, radius: float) -> ScipyMinimizer:
    """Return the trust-region method with nearly exact steps."""
    return ScipyMinimizer("trust-exact", _trust_region(radius), "hessian")


def trust_krylov(*, radius: float) -> ScipyMinimizer:
    """Return the trust-region method whose steps come from a Krylov subspace."""
    return ScipyMinimizer("trust-krylov", {**_trust_region(radius), "gtol": _KRYLOV}, "products")


def trust_ncg(*, radius: float) -> ScipyMinimizer:
    """Return the trust-region method whose steps come from truncated conjugate gradients."""
    return ScipyMinimizer("trust-ncg", _trust_region(radius), "products")


def _trust_region(radius: float) -> dict[str, Any]:
    return {"gtol": 0.0, "maxiter": _ENDLESS, "initial_trust_radius": radius, "max_trust_radius": _WIDEST}
