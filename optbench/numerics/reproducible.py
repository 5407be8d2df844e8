"""Inner products that are the same to the last digit in whatever order their terms come. Shapes: n = their number."""

from __future__ import annotations

import math
from typing import Any, overload

import numpy as np
import torch
from scipy.linalg import blas
from torch import Tensor

from optbench.numerics.vectors import SHORT, View, are_short

_LARGEST = 2.0**960  # product that is left room for
_ONES = np.ones(SHORT)


@overload
def dot(a: Tensor, b: Tensor) -> Tensor: ...
@overload
def dot(a: View, b: View) -> Any: ...
def dot(a: Any, b: Any) -> Any:
    """Return a·b of two vectors (n,) of one dtype: of tensors one of shape (), of arrays of short ones a float.

    Of long vectors, and on a device, it is rounded as torch does.
    """
    if not isinstance(a, Tensor):
        return _summed(a, b)
    if not are_short(a):
        return torch.dot(a, b)
    with np.errstate(over="ignore", invalid="ignore"):
        return torch.tensor(_summed(a.numpy(), b.numpy()), dtype=a.dtype)


def _summed(a: View, b: View) -> float:
    """Return a·b of arrays.

    Products are split at one digit for all, 51 − log₂ n binary ones below the largest of them, and what lies below once
    more: adding the parts then rounds nothing (Demmel & Nguyen, Fast reproducible floating-point summation, ARITH 21
    (2013)), so that BLAS may add them as it likes: times one each.
    """
    products = np.multiply(a, b, dtype=np.float64)
    size = abs(products.item(blas.idamax(products)))
    if not 0 < size < _LARGEST:
        return float(np.dot(a, b))
    count = len(products)
    bits = count.bit_length() + 1
    carry = math.ldexp(1.5, math.frexp(size)[1] + bits)  # adding it rounds
    upper = products + carry
    upper -= carry
    products -= upper
    carry = math.ldexp(carry, bits - 53)
    products += carry
    products -= carry
    ones = _ONES[:count]
    both: float = blas.ddot(upper, ones) + blas.ddot(products, ones)
    return both
