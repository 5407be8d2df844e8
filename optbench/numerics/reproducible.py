"""Inner products that are the same to the last digit in whatever order their terms come. Shapes: n = their number."""

from __future__ import annotations

import math

import numpy as np
import torch
from scipy.linalg import blas
from torch import Tensor

from optbench.numerics.vectors import are_short

_LARGEST = 2.0**960  # product that is left room for


def dot(a: Tensor, b: Tensor) -> Tensor:
    """Return a·b, shape (), of two vectors (n,) of one dtype; of long ones, and on a device, rounded as torch does.

    Products are split at one digit for all, 51 − log₂ n binary ones below the largest of them, and what lies below once
    more: adding the parts then rounds nothing (Demmel & Nguyen, Fast reproducible floating-point summation, ARITH 21
    (2013)).
    """
    if not are_short(a):
        return torch.dot(a, b)
    with np.errstate(over="ignore", invalid="ignore"):
        products = np.multiply(a.numpy(), b.numpy(), dtype=np.float64)
    size = abs(products.item(blas.idamax(products)))
    if not 0 < size < _LARGEST:
        return torch.dot(a, b)
    bits = len(products).bit_length() + 1
    carry = math.ldexp(1.5, math.frexp(size)[1] + bits)  # adding it rounds
    upper = products + carry
    upper -= carry
    products -= upper
    carry = math.ldexp(carry, bits - 53)
    products += carry
    products -= carry
    return torch.tensor(upper.sum().item() + products.sum().item(), dtype=a.dtype)
