"""What linear models have in common: their examples, their minibatches and a start at zero.

Shapes: N examples, B examples of a minibatch, p inputs of an example, n parameters.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping

from torch import Tensor

from optbench.api import Layout, Point, Streams
from optbench.api.sampling import check_batch_size, reshuffled

Data = Mapping[str, tuple[Tensor, Tensor]]  # "train", "test": inputs (N, p), targets (N,)


class LinearModel(ABC):
    """A mean loss over the training examples plus a penalty, from θ = 0; `batch` (B,) takes the mean over some."""

    f_star: float | None = None
    f_star_source = ""
    f_star_from_start = None

    def __init__(self, data: Data, *, batch_size: int | None = None) -> None:
        """Keep the data; `batch_size` None means that every evaluation uses all examples."""
        self.data, self.batch_size = data, batch_size
        self.examples, self.inputs = data["train"][0].shape
        check_batch_size(batch_size, self.examples)

    @property
    @abstractmethod
    def layout(self) -> Layout:
        """Where the one tensor of weights lies."""

    @abstractmethod
    def value_and_gradient(self, x: Tensor, batch: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return the objective and its gradient, (n,)."""

    @abstractmethod
    def hessian_vector(self, x: Tensor, v: Tensor, batch: Tensor | None = None) -> Tensor:
        """Return the Hessian times v, (n,)."""

    @property
    def size(self) -> int:
        """The number of parameters."""
        ((_, shape),) = self.layout.values()
        return math.prod(shape)

    @property
    def forward_flops(self) -> int:
        """Two for each weight."""
        return 2 * self.size

    def start(self, streams: Streams) -> Point:
        """Return θ = 0."""
        inputs, _ = self.data["train"]
        return Point(parameters=inputs.new_zeros(self.size), layout=self.layout)

    def gradient(self, x: Tensor, batch: Tensor | None = None) -> Tensor:
        """Return the gradient, (n,)."""
        return self.value_and_gradient(x, batch)[1]

    def gauss_newton_vector(self, x: Tensor, v: Tensor, batch: Tensor | None = None) -> Tensor:
        """Return the Gauss-Newton matrix times v, (n,): the Hessian's product, for the outputs are linear in θ."""
        return self.hessian_vector(x, v, batch)

    def batches(self, streams: Streams) -> Iterator[Tensor] | None:
        """Return minibatches without end, or None where every evaluation uses all examples."""
        return None if self.batch_size is None else reshuffled(streams, self.examples, self.batch_size)
