"""Real data that ship with scikit-learn, split once and cached: every fourth example is for testing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from optbench.api import DataSet, dataset

Array = np.ndarray[Any, np.dtype[Any]]


def breast_cancer() -> DataSet:
    """Return 569 tumours of 30 measurements each and whether they are benign (1): 427 to train, 142 to test."""
    return dataset("breast-cancer", _build_breast_cancer)


def digits() -> DataSet:
    """Return 1797 images of 8 × 8 pixels in [0, 1] and their digits: 1348 to train, 449 to test."""
    return dataset("digits", _build_digits)


def standardised(data: Mapping[str, Array]) -> dict[str, Array]:
    """Return the data with inputs of mean 0 and variance 1 over the training set; constant inputs become 0."""
    mean, deviation = data["x_train"].mean(axis=0), data["x_train"].std(axis=0)
    scale = np.where(deviation > 0, deviation, 1.0)
    return {name: (array - mean) / scale if name.startswith("x_") else array for name, array in data.items()}


def _build_breast_cancer() -> dict[str, Array]:
    from sklearn.datasets import load_breast_cancer

    return _split(*load_breast_cancer(return_X_y=True))


def _build_digits() -> dict[str, Array]:
    from sklearn.datasets import load_digits

    pixels, labels = load_digits(return_X_y=True)
    return _split(pixels / 16.0, labels)


def _split(inputs: Array, targets: Array) -> dict[str, Array]:
    """Cut without drawing: the same split whatever the versions of the libraries."""
    test = np.arange(len(inputs)) % 4 == 3
    inputs, targets = inputs.astype(np.float64), targets.astype(np.int64)
    return {"x_train": inputs[~test], "y_train": targets[~test], "x_test": inputs[test], "y_test": targets[test]}
