"""Products of a vector with the curvature of f. Shapes: n = number of parameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from torch import Tensor

from optbench.api import Refused
from optbench.numerics.position import Visit

if TYPE_CHECKING:
    from optbench.api import Oracle

Product = Callable[[Tensor], Tensor]  # v (n,) -> the product (n,)


def hessian_products(oracle: Oracle, here: Visit) -> Product:
    """Return v ↦ H·v, each product one Hessian-vector product of the oracle."""
    return lambda v: oracle.hessian_vector(here.point, v)


def gauss_newton_products(oracle: Oracle, here: Visit) -> Product:
    """Return v ↦ G·v with the Gauss-Newton matrix of f, never indefinite; raises Refused where there is none."""
    if "gauss_newton_vector" not in oracle.offers:
        message = (
            "newton-cg(curvature='gauss-newton') needs residuals, or a model with a loss, which this problem does not "
            "offer"
        )
        raise Refused(message)
    return lambda v: oracle.gauss_newton_vector(here.point, v)


PRODUCTS = {"hessian": hessian_products, "gauss-newton": gauss_newton_products}
