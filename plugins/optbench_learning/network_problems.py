"""The factories of the problems whose models are nets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from optbench.api import Block, Streams, SupervisedProblem, UserError, load_dataset
from optbench.api.initializing import Initialization, Initializer
from optbench.api.sampling import SAMPLINGS
from optbench_learning import tasks
from optbench_learning.models import networks
from optbench_learning.models.layers import Activation
from optbench_learning.models.recurrent import recurrent_net
from optbench_learning.tasks import Load, Place, Task


def _perceptron(
    task: Task, *, hidden: list[int], depth: int, examples: int, activation: str, pieces: int, **rest: Any
) -> SupervisedProblem:
    """Return a multilayer perceptron."""
    made = Activation(activation, pieces)
    blocks = networks.multilayer_perceptron(task.inputs, hidden * depth, task.classes, made)
    return _trained(blocks, lambda place: tasks.reshaped(task.load(examples, place), task.inputs), **rest)


def _convolutional_net(
    task: Task,
    *,
    channels: list[int],
    hidden: list[int],
    depth: int,
    examples: int,
    activation: str,
    pieces: int,
    **rest: Any,
) -> SupervisedProblem:
    """Return a convolutional net."""
    height, width = task.shape
    if not min(height, width) >> len(channels):
        raise UserError(f"channels={channels}", f"each halves the picture of {height} × {width}", "fewer channels")
    made, shape = Activation(activation, pieces), (1, height, width)
    blocks = networks.convolutional_net(shape, channels, hidden * depth, task.classes, made)
    return _trained(blocks, lambda place: tasks.reshaped(task.load(examples, place), *shape), **rest)


def _residual_perceptron(
    task: Task, *, width: int, units: int, skip: bool, examples: int, activation: str, pieces: int, **rest: Any
) -> SupervisedProblem:
    """Return residual units of two dense layers, or plain ones."""
    made = Activation(activation, pieces)
    blocks = networks.residual_perceptron(task.inputs, width, units, task.classes, made, skip=skip)
    return _trained(blocks, lambda place: tasks.reshaped(task.load(examples, place), task.inputs), **rest)


def _residual_net(
    task: Task, *, channels: int, units: int, skip: bool, examples: int, activation: str, pieces: int, **rest: Any
) -> SupervisedProblem:
    """Return residual units of two convolutions, or plain ones."""
    made, shape = Activation(activation, pieces), (1, *task.shape)
    blocks = networks.residual_net(shape[0], channels, units, task.classes, made, skip=skip)
    return _trained(blocks, lambda place: tasks.reshaped(task.load(examples, place), *shape), **rest)


def _autoencoder(
    inputs: int, load: Load, *, hidden: list[int], code: int, activation: str, pieces: int, **rest: Any
) -> SupervisedProblem:
    """Return an autoencoder; its loss is the cross entropy of each pixel."""
    blocks = networks.autoencoder(inputs, hidden, code, Activation(activation, pieces))
    loss = functional.binary_cross_entropy_with_logits
    return _trained(blocks, lambda place: tasks.their_own_targets(tasks.reshaped(load(place), inputs)), loss, **rest)


def autoencoder_digits(*, examples: int, **rest: Any) -> SupervisedProblem:
    """Return an autoencoder of the digits' pixels."""
    return _autoencoder(tasks.DIGITS.inputs, lambda place: tasks.DIGITS.load(examples, place), **rest)


def autoencoder_curves(*, examples: int, **rest: Any) -> SupervisedProblem:
    """Return an autoencoder of drawn curves."""
    curves = f"curves(n={examples})"
    return _autoencoder(28 * 28, lambda place: tasks.as_tensors(load_dataset(curves), place, "unit"), **rest)


def _recurrent(
    data: str, options: Sequence[str], *, cell: str, hidden: list[int], depth: int, examples: int, **rest: Any
) -> SupervisedProblem:
    """Return a recurrent net that says the answer character by character; `options` are the data set's."""
    chosen = {name: rest.pop(name) for name in options}
    told = ", ".join(f"{name}={str(value).lower()}" for name, value in {"n": examples, **chosen}.items())
    arrays = load_dataset(f"{data}({told})")
    symbols = len(arrays["alphabet"])
    blocks = recurrent_net(symbols, hidden * depth, symbols, cell=cell, symbols=True, each_step=True)
    return _trained(blocks, lambda place: tasks.as_tensors(arrays, place, "none"), **rest)


def depth_chain(*, depth: int, examples: int, factor: float, **rest: Any) -> SupervisedProblem:
    """Return the chain ŷ = x w₁ … w_depth on Gaussian x, whose targets are `factor` times x; mean of squared errors."""
    load = partial(tasks.multiples, examples=examples, factor=factor)
    exact = {"f_star": 0.0, "f_star_source": "exact"} if not rest["l2"] else {}
    return _trained(networks.depth_chain(depth), load, functional.mse_loss, exact, **rest)


def _trained(
    blocks: Sequence[Block],
    load: Load,
    loss: Callable[..., Tensor] = functional.cross_entropy,
    known: dict[str, Any] | None = None,
    *,
    device: torch.device,
    dtype: torch.dtype,
    streams: Streams,
    l2: float,
    batch_size: int,
    sampling: str,
    weights: Initializer,
    biases: Initializer,
) -> SupervisedProblem:
    """Return the problem of a model, with the options that all nets have."""
    return SupervisedProblem(
        blocks=tuple(blocks),
        data=load(Place(device=device, dtype=dtype, streams=streams)),
        dtype=dtype,
        loss=loss,
        batch_size=batch_size or None,
        l2=l2,
        sampling=SAMPLINGS[sampling],
        initialize=Initialization(weights=weights, biases=biases),
        **(known or {}),
    )


mlp_digits = partial(_perceptron, tasks.DIGITS)
mlp_mnist5k = partial(_perceptron, tasks.MNIST_5K)
mlp_mnist1d = partial(_perceptron, tasks.MNIST_1D)
mlp_fashion_mnist = partial(_perceptron, tasks.FASHION_MNIST)
mlp_shapes = partial(_perceptron, tasks.SHAPES)
convnet_digits = partial(_convolutional_net, tasks.DIGITS)
convnet_mnist5k = partial(_convolutional_net, tasks.MNIST_5K)
convnet_fashion_mnist = partial(_convolutional_net, tasks.FASHION_MNIST)
resnet_digits = partial(_residual_perceptron, tasks.DIGITS)
resnet_fashion_mnist = partial(_residual_net, tasks.FASHION_MNIST)
recurrent_addition = partial(_recurrent, "addition", ("digits", "mixed"))
recurrent_copy = partial(_recurrent, "copy", ("digits", "mixed"))
recurrent_programs = partial(_recurrent, "programs", ("length", "nesting", "mixed"))
