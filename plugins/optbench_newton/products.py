"""Products of a vector with the curvature of f. Shapes: n parameters, m residuals."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from optbench.api import Refused
from optbench.numerics.position import Visit
from optbench.numerics.scalars import read

if TYPE_CHECKING:
    from optbench.api import Oracle

Product = Callable[[Tensor], Tensor]  # v (n,) -> the product (n,)

_HALVED = 0.75  # between the values of f/‖r‖² where f = ½‖r‖² and where f = ‖r‖²


def hessian_products(oracle: Oracle, here: Visit) -> Product:
    """Return v ↦ H·v, each product one Hessian-vector product of the oracle."""
    return lambda v: oracle.hessian_vector(here.point, v)


def gauss_newton_products(oracle: Oracle, here: Visit) -> Product:
    """Return v ↦ JᵀJ·v where f = ½‖r‖², 2JᵀJ·v where f = ‖r‖²; raises Refused where there are no residuals.

    One Jacobian (m, n), held during the step, serves all products. It is never indefinite.
    """
    if not {"residuals", "jacobian"} <= oracle.offers:
        message = "newton-cg(curvature='gauss-newton') needs residuals, which this problem does not offer"
        raise Refused(message)
    residuals, jacobian = oracle.residuals(here.point), oracle.jacobian(here.point)
    (squared,) = read(torch.dot(residuals, residuals))
    factor = multiple(here.value, squared)
    return lambda v: (jacobian @ v).mul_(factor) @ jacobian


def multiple(value: float, squared: float) -> int:
    """Return f over ½‖r‖² from f and ‖r‖² at one point: 1 or 2, the two that problems may choose from."""
    return 1 if value < _HALVED * squared else 2


PRODUCTS = {"hessian": hessian_products, "gauss-newton": gauss_newton_products}
