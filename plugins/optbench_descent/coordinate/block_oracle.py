"""One block of a problem as a problem of its own. Shapes: n coordinates, b of them in the block."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from optbench.numerics.position import Visit

if TYPE_CHECKING:
    from optbench.api import Layout, Oracle, Panel


@dataclass(frozen=True)
class _Known:
    """A tensor as it was when it was seen."""

    tensor: Tensor
    version: int

    def is_same(self, x: Tensor) -> bool:
        """Tell whether x is that tensor, not written to since."""
        return x is self.tensor and x._version == self.version


class BlockOracle:
    """An oracle over the coordinates of a block, the others fixed; the whole problem's oracle counts.

    It has no layout and no panels, whatever the whole problem has. Points are known again by tensor and version,
    not by their numbers, for which the host would have to wait.
    """

    def __init__(self, whole: Oracle, here: Visit, block: slice, buffer: Tensor) -> None:
        """Stand at a point; `buffer` (n,) takes the points that are asked about."""
        self._whole, self._block = whole, block
        self._here, self.point = here, buffer.copy_(here.point)
        self.size = block.stop - block.start
        self.device, self.dtype, self.streams, self.batch = whole.device, whole.dtype, whole.streams, whole.batch
        self.layout: Layout = {}
        self.panels: Mapping[str, Panel] = {}
        self.coordinate_blocks: Sequence[slice] = ()
        self.offers = whole.offers
        self._start: _Known | None = None
        self._at: _Known | None = None  # the block that `point` has now

    def begin(self, x: Tensor) -> None:
        """Be told that x (b,) holds the block of the point that is known."""
        self._start = self._at = _Known(x, x._version)

    def is_start(self, x: Tensor) -> bool:
        """Tell whether x (b,) is what it began with."""
        return self._start is not None and self._start.is_same(x)

    def value(self, x: Tensor) -> Tensor:
        """Return f, shape ()."""
        return self._whole.value(self._placed(x))

    def gradient(self, x: Tensor) -> Tensor:
        """Return the block's gradient, (b,)."""
        return self.value_and_gradient(x)[1]

    def value_and_gradient(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return f and the block's gradient, (b,)."""
        value, gradient = self.whole(x)
        return value, gradient[self._block]

    def gradient_tensors(self, x: Tensor) -> tuple[Tensor, ...]:
        """Return the block's gradient as the one tensor that it is."""
        return (self.gradient(x),)

    def whole(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return f and the gradient of all coordinates, (n,), with the block at x; afterwards `point` is there."""
        if self.is_start(x):
            self._placed(x)
            return torch.full_like(self._here.gradient[0], self._here.value), self._here.gradient
        return self._whole.value_and_gradient(self._placed(x))

    def hessian_vector(self, x: Tensor, v: Tensor) -> Tensor:
        """Return the block of the Hessian times v, (b,)."""
        return self._whole.hessian_vector(self._placed(x), self._spread(v))[self._block]

    def gauss_newton_vector(self, x: Tensor, v: Tensor) -> Tensor:
        """Return the block of the Gauss-Newton matrix times v, (b,)."""
        return self._whole.gauss_newton_vector(self._placed(x), self._spread(v))[self._block]

    def hessian(self, x: Tensor) -> Tensor:
        """Return the block of the Hessian, (b, b)."""
        return self._whole.hessian(self._placed(x))[self._block, self._block]

    def residuals(self, x: Tensor) -> Tensor:
        """Return all residuals, (m,)."""
        return self._whole.residuals(self._placed(x))

    def jacobian(self, x: Tensor) -> Tensor:
        """Return the residuals' Jacobian by the block, (m, b)."""
        return self._whole.jacobian(self._placed(x))[:, self._block]

    def gram(self, x: Tensor, name: str) -> Tensor:
        """Raise KeyError: there are no panels."""
        raise KeyError(name)

    def line_minimum(self, x: Tensor, direction: Tensor) -> Tensor:
        """Return the step () that minimises f along a direction within the block."""
        return self._whole.line_minimum(self._placed(x), self._spread(direction))

    def _placed(self, x: Tensor) -> Tensor:
        """Return the whole point; left as it is where it is there already, so that the oracle remembers it."""
        if self._at is None or not self._at.is_same(x):
            self.point[self._block] = x
            self._at = _Known(x, x._version)
        return self.point

    def _spread(self, v: Tensor) -> Tensor:
        """Return v with zeros for all other coordinates."""
        spread = torch.zeros_like(self.point)
        spread[self._block] = v
        return spread
