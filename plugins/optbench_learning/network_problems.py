"""The factories of the problems whose models are nets."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from optbench.api import Block, DataSet, Streams, SupervisedProblem, UserError, load_dataset
from optbench.api.initializing import Initialization, Initializer
from optbench.api.sampling import SAMPLINGS
from optbench_learning import chosen, tasks
from optbench_learning.models import networks
from optbench_learning.models.layers import Activation
from optbench_learning.models.recurrent import recurrent_net
from optbench_learning.some_classes import of_classes
from optbench_learning.tasks import Load, Place, Task


def _perceptron(
    task: Task, *, hidden: list[int], depth: int, examples: int, activation: str, pieces: int, **rest: Any
) -> SupervisedProblem:
    """Return a multilayer perceptron."""
    made = Activation(activation, pieces)
    blocks = networks.multilayer_perceptron(task.inputs, hidden * depth, task.outputs, made)
    return _trained(blocks, lambda place: tasks.reshaped(task.load(examples, place), task.inputs), task.loss, **rest)


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
    made, shape = Activation(activation, pieces), task.picture
    _, height, width = shape
    if not min(height, width) >> len(channels):
        raise UserError(f"channels={channels}", f"each halves the picture of {height} × {width}", "fewer channels")
    blocks = networks.convolutional_net(shape, channels, hidden * depth, task.outputs, made)
    return _trained(blocks, lambda place: tasks.reshaped(task.load(examples, place), *shape), task.loss, **rest)


def _residual_perceptron(
    task: Task, *, width: int, units: int, skip: bool, examples: int, activation: str, pieces: int, **rest: Any
) -> SupervisedProblem:
    """Return residual units of two dense layers, or plain ones."""
    made = Activation(activation, pieces)
    blocks = networks.residual_perceptron(task.inputs, width, units, task.outputs, made, skip=skip)
    return _trained(blocks, lambda place: tasks.reshaped(task.load(examples, place), task.inputs), task.loss, **rest)


def _residual_net(
    task: Task, *, channels: int, units: int, skip: bool, examples: int, activation: str, pieces: int, **rest: Any
) -> SupervisedProblem:
    """Return residual units of two convolutions, or plain ones."""
    made, shape = Activation(activation, pieces), task.picture
    if min(shape[1:]) < networks.STEM_POOL:
        raise UserError(
            f"pictures of {shape[1]} × {shape[2]}", f"{networks.STEM_POOL} × {networks.STEM_POOL} or larger"
        )
    blocks = networks.residual_net(shape[0], channels, units, task.outputs, made, skip=skip)
    return _trained(blocks, lambda place: tasks.reshaped(task.load(examples, place), *shape), task.loss, **rest)


def _autoencoder(
    task: Task, *, hidden: list[int], code: int, examples: int, activation: str, pieces: int, **rest: Any
) -> SupervisedProblem:
    """Return an autoencoder; its loss, which is the task's, compares with the inputs."""
    blocks = networks.autoencoder(task.inputs, hidden, code, Activation(activation, pieces))

    def load(place: Place) -> tasks.Splits:
        return tasks.their_own_targets(tasks.reshaped(task.load(examples, place), task.inputs))

    return _trained(blocks, load, task.loss, **rest)


def autoencoder_curves(*, examples: int, **rest: Any) -> SupervisedProblem:
    """Return an autoencoder of so many drawn curves."""
    return _autoencoder(_pixels(tasks.classes(f"curves(n={examples})", (28, 28), 0)), examples=0, **rest)


def _pixels(task: Task) -> Task:
    """Return the task whose loss is the cross entropy of each pixel."""
    return replace(task, loss=functional.binary_cross_entropy_with_logits)


def _recurrent(
    data: str, options: Sequence[str], *, cell: str, hidden: list[int], depth: int, examples: int, **rest: Any
) -> SupervisedProblem:
    """Return a recurrent net that says the answer character by character; `options` are the data set's."""
    chosen = {name: rest.pop(name) for name in options}
    told = ", ".join(f"{name}={str(value).lower()}" for name, value in {"n": examples, **chosen}.items())
    arrays = load_dataset(f"{data}({told})")
    symbols = len(arrays["alphabet"])
    blocks = recurrent_net(symbols, hidden * depth, symbols, cell=cell, symbols=True, each_step=True)
    problem = _trained(blocks, lambda place: tasks.as_tensors(arrays, place, "none"), **rest)
    return _with_difficulty(problem, arrays)


def mlp_shapes(**options: Any) -> SupervisedProblem:
    """Return a multilayer perceptron on drawn shapes, basic ones and harder ones."""
    return _with_difficulty(_perceptron(tasks.SHAPES, **options), tasks.SHAPES.arrays())


def _with_difficulty(problem: SupervisedProblem, arrays: Mapping[str, Any]) -> SupervisedProblem:
    return replace(problem, difficulty=torch.tensor(arrays["difficulty_train"][: problem.examples]))


def mlp(*, data: DataSet, shape: list[int], scaling: str, **rest: Any) -> SupervisedProblem:
    """Return a multilayer perceptron on any data."""
    return of_classes(_perceptron, chosen.supervised(data, shape, scaling), **rest)


def convnet(*, data: DataSet, shape: list[int], scaling: str, **rest: Any) -> SupervisedProblem:
    """Return a convolutional net on any pictures."""
    return of_classes(_convolutional_net, chosen.supervised(data, shape, scaling), **rest)


def resnet(*, data: DataSet, shape: list[int], scaling: str, width: int, **rest: Any) -> SupervisedProblem:
    """Return residual units on any data: of convolutions on pictures, else of dense layers."""
    task = chosen.supervised(data, shape, scaling)
    if len(task.shape) == 1:
        return of_classes(_residual_perceptron, task, width=width, **rest)
    return of_classes(_residual_net, task, channels=width, **rest)


def autoencoder(*, data: DataSet, shape: list[int], scaling: str, **rest: Any) -> SupervisedProblem:
    """Return an autoencoder of any data."""
    return _autoencoder(chosen.reproduced(data, shape, scaling), **rest)


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


mlp_digits = partial(of_classes, _perceptron, tasks.DIGITS)
mlp_mnist5k = partial(of_classes, _perceptron, tasks.MNIST_5K)
mlp_mnist1d = partial(of_classes, _perceptron, tasks.MNIST_1D)
mlp_fashion_mnist = partial(of_classes, _perceptron, tasks.FASHION_MNIST)
convnet_digits = partial(of_classes, _convolutional_net, tasks.DIGITS)
convnet_mnist5k = partial(of_classes, _convolutional_net, tasks.MNIST_5K)
convnet_fashion_mnist = partial(of_classes, _convolutional_net, tasks.FASHION_MNIST)
resnet_digits = partial(of_classes, _residual_perceptron, tasks.DIGITS)
resnet_fashion_mnist = partial(of_classes, _residual_net, tasks.FASHION_MNIST)
autoencoder_digits = partial(_autoencoder, _pixels(tasks.DIGITS))
recurrent_addition = partial(_recurrent, "addition", ("digits", "mixed"))
recurrent_copy = partial(_recurrent, "copy", ("digits", "mixed"))
recurrent_programs = partial(_recurrent, "programs", ("length", "nesting", "mixed"))
