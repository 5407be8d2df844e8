"""Layers: a linear map or a convolution, then an activation. Shapes: B examples."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import Tensor, nn

from optbench.api.modules import Maxout

Build = Callable[[], nn.Module]

ELEMENTWISE: Mapping[str, Build] = {"relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid}
MAXOUT = "maxout"


@dataclass(frozen=True)
class Activation:
    """An activation by its name, and what it wants of the linear map before it."""

    name: str  # of ELEMENTWISE, or MAXOUT
    pieces: int = 2  # of maxout

    def __call__(self) -> nn.Module:
        """Return a new module."""
        return Maxout(self.pieces) if self.name == MAXOUT else ELEMENTWISE[self.name]()

    def channels(self, width: int) -> int:
        """Return how many channels it takes to make `width`."""
        return width * self.pieces if self.name == MAXOUT else width


def dense(inputs: int, outputs: int, activation: Activation) -> Build:
    """Return what builds a linear map of (B, inputs) with an activation, to (B, outputs)."""
    return lambda: stack(linear=nn.Linear(inputs, activation.channels(outputs)), activation=activation())


def convolutional(inputs: int, outputs: int, activation: Activation, *, kernel: int, pool: int = 1) -> Build:
    """Return what builds a convolution of the same size with an activation and, with `pool` > 1, maxima of squares."""

    def build() -> nn.Module:
        layers: dict[str, nn.Module] = {
            "convolution": nn.Conv2d(inputs, activation.channels(outputs), kernel, padding="same"),
            "activation": activation(),
        }
        return stack(**layers, **({"pooling": nn.MaxPool2d(pool)} if pool > 1 else {}))

    return build


def stack(**modules: nn.Module) -> nn.Sequential:
    """Return the modules, one after the other, by their names."""
    return nn.Sequential(OrderedDict(modules))


class Skip(nn.Module):
    """A unit of two layers whose input is added to what goes into its last activation (He et al., 2016).

    Without `skip` it is the plain unit of the same size: the same tensors by the same names.
    """

    def __init__(self, body: nn.Module, activation: nn.Module, *, skip: bool) -> None:
        """Keep the layers up to the last activation, and that."""
        super().__init__()
        self.body, self.activation, self.skip = body, activation, skip

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the activations, in the shape of the inputs."""
        outputs = self.body(inputs)
        outputs = self.activation(outputs + inputs if self.skip else outputs)
        return outputs
