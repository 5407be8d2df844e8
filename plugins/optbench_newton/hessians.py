"""Ways to have a Hessian. Shapes: n = number of parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from optbench.numerics.position import Visit

if TYPE_CHECKING:
    from optbench.api import Oracle

Hessian = Callable[["Oracle", Visit], Tensor]  # at a visited point; the result is never written into


def asked(oracle: Oracle, here: Visit) -> Tensor:
    """Return the oracle's own Hessian (n, n): the problem's closed form, or built by automatic differentiation."""
    return oracle.hessian(here.point)


def from_products(oracle: Oracle, here: Visit) -> Tensor:
    """Return the Hessian (n, n) column by column, by n Hessian-vector products, each of them counted."""
    columns = here.gradient.new_empty(oracle.size, oracle.size)
    unit = torch.zeros_like(here.gradient)
    for index in range(oracle.size):
        unit.zero_()[index] = 1.0
        columns[index] = oracle.hessian_vector(here.point, unit)
    return symmetric(columns)


def from_differences(oracle: Oracle, here: Visit) -> Tensor:
    """Return the Hessian (n, n) from differences with n further gradients, each of them counted.

    The displacement √eps·|xᵢ| balances truncation and rounding (Nocedal & Wright 2006, section 8.1); near zero 1 takes
    the place of |xᵢ|, or the largest entry of x where all are smaller.
    """
    columns = here.gradient.new_empty(oracle.size, oracle.size)
    step = torch.finfo(here.point.dtype).eps ** 0.5
    apart = here.point.abs()
    least = apart.max().clamp_(max=1.0)
    apart = torch.maximum(apart, torch.where(least > 0, least, 1.0)).mul_(step)
    point = here.point.clone()
    for index in range(oracle.size):
        point[index] += apart[index]
        shift = point[index] - here.point[index]  # what rounding has left of it
        columns[index] = (oracle.gradient(point) - here.gradient) / shift
        point[index] = here.point[index]
    return symmetric(columns)


def symmetric(matrix: Tensor) -> Tensor:
    """Return the symmetric part."""
    return (matrix + matrix.T).mul_(0.5)


HESSIANS: Mapping[str, Hessian] = {"auto": asked, "products": from_products, "differences": from_differences}
