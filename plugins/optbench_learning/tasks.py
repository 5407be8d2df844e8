"""What nets learn: a data set with the form in which a model takes it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional

from optbench.api import Streams, UserError, load_dataset
from optbench.api.examples import Scaling, split_tensors
from optbench.api.learning import Examples, Loss, Split

Splits = Mapping[Split, Examples]


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a problem is built, as the contract's factories are told."""

    device: torch.device
    dtype: torch.dtype
    streams: Streams


@dataclass(frozen=True, kw_only=True)
class Task:
    """Examples in the form in which a model takes them."""

    arrays: Callable[[], Mapping[str, Any]]  # as `load_dataset` gives them; raises MissingData where it must
    shape: tuple[int, ...]  # of one input
    outputs: int  # classes, or numbers to be told
    scaling: Scaling = "unit"
    loss: Loss = functional.cross_entropy

    @property
    def inputs(self) -> int:
        """How many numbers an input has."""
        return math.prod(self.shape)

    @property
    def picture(self) -> tuple[int, int, int]:
        """Channels, height and width of an input; raises UserError where inputs are no pictures."""
        if len(self.shape) not in _PICTURES:
            wanted = "(height, width) or (channels, height, width)"
            raise UserError(f"inputs of shape {self.shape} are no pictures", wanted, "the option shape may cut them so")
        channels, height, width = (1, *self.shape)[-_PICTURES[1] :]
        return channels, height, width

    def load(self, examples: int, place: Place) -> Splits:
        """Return tensors of the first so many examples of each part, 0: all."""
        cut = {name: array[:examples] if examples else array for name, array in self.arrays().items()}
        return as_tensors(cut, place, self.scaling)


_PICTURES = (2, 3)  # axes of a picture's shape


def classes(data: str, shape: tuple[int, ...], count: int, scaling: Scaling = "unit") -> Task:
    """Return the task of telling the classes of a data set."""
    return Task(arrays=lambda: load_dataset(data), shape=shape, outputs=count, scaling=scaling)


DIGITS = classes("digits", (8, 8), 10, "none")
MNIST_5K = classes("mnist-5k", (28, 28), 10)
MNIST_1D = classes("mnist-1d", (40,), 10, "none")
FASHION_MNIST = classes("fashion-mnist", (28, 28), 10)
SHAPES = classes("shapes", (32, 32), 3)


def as_tensors(arrays: Mapping[str, Any], place: Place, scaling: Scaling) -> Splits:
    """Return (inputs, targets) of each split at a place."""
    return split_tensors(arrays, device=place.device, dtype=place.dtype, scaling=scaling)


def reshaped(data: Splits, *shape: int) -> Splits:
    """Return the data with inputs of another shape."""
    return {split: (inputs.reshape(-1, *shape), targets) for split, (inputs, targets) in data.items()}


def their_own_targets(data: Splits) -> Splits:
    """Return the data with the inputs as targets."""
    return {split: (inputs, inputs) for split, (inputs, _) in data.items()}


def multiples(place: Place, examples: int, factor: float) -> Splits:
    """Return Gaussian numbers and `factor` times each: so many to train, half as many to validate and to test."""
    counts: dict[Split, int] = {"train": examples, "validation": -(-examples // 2), "test": -(-examples // 2)}
    drawn = {
        split: torch.randn(count, 1, generator=place.streams("data", split), dtype=torch.float64)
        for split, count in counts.items()
    }
    return {
        split: (inputs.to(place.device, place.dtype), (factor * inputs).to(place.device, place.dtype))
        for split, inputs in drawn.items()
    }


Load = Callable[[Place], Splits]
