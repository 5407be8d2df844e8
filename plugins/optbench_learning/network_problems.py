"""The factories of the problems whose models are nets."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from optbench.api import Block, Streams, SupervisedProblem, load_dataset
from optbench.api.examples import split_tensors
from optbench.api.initializing import Initialization, Initializer
from optbench.api.learning import Examples, Split
from optbench.api.sampling import SAMPLINGS
from optbench_learning.models import networks
from optbench_learning.models.layers import Activation

PIXELS = 64
SIDE = 8
DIGITS = 10


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a problem is built, as the contract's factories are told."""

    device: torch.device
    dtype: torch.dtype
    streams: Streams


def mlp_digits(*, hidden: list[int], depth: int, activation: str, pieces: int, **rest: Any) -> SupervisedProblem:
    """Return a multilayer perceptron on the digits' pixels."""
    blocks = networks.multilayer_perceptron(PIXELS, hidden * depth, DIGITS, Activation(activation, pieces))
    return _trained(blocks, _digits, **rest)


def resnet_digits(
    *, width: int, units: int, skip: bool, activation: str, pieces: int, **rest: Any
) -> SupervisedProblem:
    """Return units of two dense layers on the digits' pixels."""
    made = Activation(activation, pieces)
    return _trained(networks.residual_perceptron(PIXELS, width, units, DIGITS, made, skip=skip), _digits, **rest)


def convnet_digits(
    *, channels: list[int], hidden: list[int], depth: int, activation: str, pieces: int, **rest: Any
) -> SupervisedProblem:
    """Return a convolutional net on the digits' pixels."""
    shape = (1, SIDE, SIDE)
    blocks = networks.convolutional_net(shape, channels, hidden * depth, DIGITS, Activation(activation, pieces))
    return _trained(blocks, lambda place: _pictures(_digits(place), shape), **rest)


def autoencoder_digits(*, hidden: list[int], code: int, activation: str, pieces: int, **rest: Any) -> SupervisedProblem:
    """Return an autoencoder of the digits' pixels."""
    blocks = networks.autoencoder(PIXELS, hidden, code, Activation(activation, pieces))
    loss = functional.binary_cross_entropy_with_logits
    return _trained(blocks, lambda place: _their_own_targets(_digits(place)), loss=loss, **rest)


def _trained(
    blocks: Sequence[Block],
    data: Callable[[Place], Mapping[Split, Examples]],
    *,
    device: torch.device,
    dtype: torch.dtype,
    streams: Streams,
    l2: float,
    batch_size: int,
    sampling: str,
    weights: Initializer,
    biases: Initializer,
    loss: Callable[..., Tensor] = functional.cross_entropy,
) -> SupervisedProblem:
    """Return the problem of a model, with the options that all nets have."""
    return SupervisedProblem(
        blocks=tuple(blocks),
        data=data(Place(device=device, dtype=dtype, streams=streams)),
        dtype=dtype,
        loss=loss,
        batch_size=batch_size or None,
        l2=l2,
        sampling=SAMPLINGS[sampling],
        initialize=Initialization(weights=weights, biases=biases),
    )


def _digits(place: Place) -> Mapping[Split, Examples]:
    return split_tensors(load_dataset("digits"), device=place.device, dtype=place.dtype)


def _pictures(data: Mapping[Split, Examples], shape: tuple[int, int, int]) -> dict[Split, Examples]:
    """Return the data with inputs of channels, rows and columns."""
    return {split: (inputs.reshape(-1, *shape), targets) for split, (inputs, targets) in data.items()}


def _their_own_targets(data: Mapping[Split, Examples]) -> dict[Split, Examples]:
    """Return the data with the inputs as targets."""
    return {split: (inputs, inputs) for split, (inputs, _) in data.items()}
