"""What of an inner product is the same in whatever order its terms were added."""

from __future__ import annotations

from torch import Tensor

from optbench.numerics.scalars import limits


def leading(number: Tensor) -> Tensor:
    """Return a number rounded to the first half of its digits: those that rounding of its terms does not reach.

    T. J. Dekker, Numerische Mathematik 18 (1971), section 5, after G. W. Veltkamp; a power of two scales it.
    """
    shifted = number * (round(limits(number.dtype).eps ** -0.5) + 1)
    return shifted - (shifted - number)
