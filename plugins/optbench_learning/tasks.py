"""What nets learn: a data set with the form in which a model takes it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from optbench.api import Streams, load_dataset
from optbench.api.examples import Scaling, split_tensors
from optbench.api.learning import Examples, Split

Splits = Mapping[Split, Examples]


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a problem is built, as the contract's factories are told."""

    device: torch.device
    dtype: torch.dtype
    streams: Streams


@dataclass(frozen=True)
class Task:
    """A data set of classes by its name, the shape of one input, and how inputs are scaled."""

    data: str
    shape: tuple[int, ...]
    classes: int
    scaling: Scaling = "unit"

    @property
    def inputs(self) -> int:
        """How many numbers an input has."""
        return math.prod(self.shape)

    def load(self, examples: int, place: Place) -> Splits:
        """Return tensors of the first so many examples of each part, 0: all; raises MissingData where it must."""
        found = load_dataset(self.data)
        cut = {name: array[:examples] if examples else array for name, array in found.items()}
        return as_tensors(cut, place, self.scaling)


DIGITS = Task("digits", (8, 8), 10, "none")
MNIST_5K = Task("mnist-5k", (28, 28), 10)
MNIST_1D = Task("mnist-1d", (40,), 10, "none")
FASHION_MNIST = Task("fashion-mnist", (28, 28), 10)
SHAPES = Task("shapes", (32, 32), 3)


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
