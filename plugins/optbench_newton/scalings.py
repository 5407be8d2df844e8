"""The units that a Gauss-Newton step's length is measured in. Shapes: n parameters, m residuals."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

Scaling = Callable[[Tensor, Tensor], None]  # updates the scale (n,) in place from a Jacobian (m, n)


def unscaled(scale: Tensor, _: Tensor) -> None:
    """Make it ones: a length is that of the parameters' change."""
    scale.fill_(1.0)


def largest_columns(scale: Tensor, jacobian: Tensor) -> None:
    """Raise it to the norms of the Jacobian's columns: steps do not depend on the units of the parameters.

    Moré, Lecture Notes in Mathematics 630 (1978), section 6.
    """
    torch.maximum(scale, torch.linalg.vector_norm(jacobian, dim=0), out=scale)


SCALINGS: Mapping[str, Scaling] = {"identity": unscaled, "moré": largest_columns}
