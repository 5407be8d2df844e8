"""Feedforward models as named blocks. Shapes: B examples of d inputs, or of c channels of h × w pixels."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from torch import nn

from optbench.api import Block
from optbench_learning.models.layers import Activation, Build, Skip, convolutional, dense, stack

STEM_POOL = 4  # pixels, in height and width, of which the stem of a residual net takes the largest


def multilayer_perceptron(
    inputs: int, hidden: Sequence[int], outputs: int, activation: Activation
) -> tuple[Block, ...]:
    """Return blocks hidden1, hidden2, … and output."""
    widths = (inputs, *hidden)
    layers = [dense(first, second, activation) for first, second in pairwise(widths)]
    return (*numbered("hidden", layers), _output(widths[-1], outputs))


def residual_perceptron(
    inputs: int, width: int, units: int, outputs: int, activation: Activation, *, skip: bool
) -> tuple[Block, ...]:
    """Return blocks stem, unit1, … of two layers each, and output; without `skip` the plain net of the same size."""
    stem = Block(name="stem", role="hidden", build=dense(inputs, width, activation))
    unit = _unit(
        lambda: nn.Linear(width, activation.channels(width)),
        activation,
        lambda: nn.Linear(width, width),
        skip=skip,
    )
    return (stem, *numbered("unit", [unit] * units), _output(width, outputs))


def convolutional_net(
    shape: tuple[int, int, int], channels: Sequence[int], hidden: Sequence[int], outputs: int, activation: Activation
) -> tuple[Block, ...]:
    """Return blocks convolution1, …, each halving the picture, then hidden1, … and output (LeCun et al., 1998).

    Kernels are 3 × 3 places wide; inputs are (B, c, h, w).
    """
    depth, height, width = shape
    filters = [
        convolutional(first, second, activation, kernel=3, pool=2) for first, second in pairwise((depth, *channels))
    ]
    flat = Block(name="flatten", role="hidden", build=nn.Flatten)
    places = (height >> len(channels)) * (width >> len(channels))
    top = multilayer_perceptron((channels[-1] if channels else depth) * places, hidden, outputs, activation)
    return (*numbered("convolution", filters), flat, *top)


def residual_net(
    depth: int, channels: int, units: int, outputs: int, activation: Activation, *, skip: bool
) -> tuple[Block, ...]:
    """Return blocks stem, unit1, … of two convolutions each, and output, which takes the mean over the picture.

    He et al. (2016) without normalisation, which is a matter of its own; the stem halves the picture twice. Inputs are
    (B, c, h, w).
    """
    stem = Block(name="stem", role="hidden", build=convolutional(depth, channels, activation, kernel=3, pool=STEM_POOL))
    unit = _unit(
        lambda: nn.Conv2d(channels, activation.channels(channels), 3, padding="same"),
        activation,
        lambda: nn.Conv2d(channels, channels, 3, padding="same"),
        skip=skip,
    )

    def output() -> nn.Module:
        return stack(mean=nn.AdaptiveAvgPool2d(1), flatten=nn.Flatten(), linear=nn.Linear(channels, outputs))

    return (stem, *numbered("unit", [unit] * units), Block(name="output", role="output", build=output))


def autoencoder(inputs: int, hidden: Sequence[int], code: int, activation: Activation) -> tuple[Block, ...]:
    """Return blocks encoder1, …, a linear code, decoder1, … in the opposite order, and output: logits of the inputs."""
    down = [dense(first, second, activation) for first, second in pairwise((inputs, *hidden))]
    up = [dense(first, second, activation) for first, second in pairwise((code, *reversed(hidden)))]
    width = hidden[-1] if hidden else inputs
    middle = Block(name="code", role="hidden", build=lambda: stack(linear=nn.Linear(width, code)))
    last = hidden[0] if hidden else code
    return (*numbered("encoder", down), middle, *numbered("decoder", up), _output(last, inputs))


def depth_chain(depth: int) -> tuple[Block, ...]:
    """Return blocks weight1, …, of one weight each: ŷ = x w₁ w₂ … (Goodfellow et al., 2016, before 8.34)."""
    *below, last = [Block(name=f"weight{k}", role="hidden", build=_weight) for k in range(1, depth + 1)]
    return (*below, Block(name=last.name, role="output", build=_weight))


def numbered(name: str, builds: Sequence[Build]) -> tuple[Block, ...]:
    """Return hidden blocks name1, name2, …."""
    return tuple(Block(name=f"{name}{k}", role="hidden", build=build) for k, build in enumerate(builds, start=1))


def _unit(first: Build, activation: Activation, second: Build, *, skip: bool) -> Build:
    """Return what builds a unit of two layers; its last activation is one that keeps the width."""
    last = Activation("relu") if activation.name == "maxout" else activation

    def build() -> nn.Module:
        body = stack(first=first(), activation=activation(), second=second())
        return Skip(body, last(), skip=skip)

    return build


def _output(width: int, outputs: int) -> Block:
    return Block(name="output", role="output", build=lambda: stack(linear=nn.Linear(width, outputs)))


def _weight() -> nn.Module:
    return stack(linear=nn.Linear(1, 1, bias=False))
