"""Real data that ship with scikit-learn, split once and cached: every fourth example is for testing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from optbench.api import DataSet, dataset

Array = np.ndarray[Any, np.dtype[Any]]

PATCH = 8  # pixels of a patch, in width and in height


def breast_cancer() -> DataSet:
    """Return 569 tumours of 30 measurements each and whether they are benign (1): 427 to train, 142 to test."""
    return dataset("breast-cancer", _build_breast_cancer)


def digits() -> DataSet:
    """Return 1797 images of 8 × 8 pixels in [0, 1] and their digits: 1348 to train, 449 to test."""
    return dataset("digits", _build_digits)


def diabetes() -> DataSet:
    """Return 442 patients, 64 features each, and how their diabetes progressed: 332 to train, 110 to test.

    The features are those of Efron et al. (2004), section 1: ten measurements, their 45 products in pairs and the nine
    squares of all but the sex.
    """
    return dataset("diabetes", _build_diabetes)


def patches() -> DataSet:
    """Return 2120 grey patches of 8 × 8 pixels in [0, 1], each less its mean, cut from one photograph of a temple.

    They are the half with more contrast of those that tile the picture, from left to right and top to bottom.
    """
    return dataset("china-patches", _build_patches)


def standardised(data: Mapping[str, Array]) -> dict[str, Array]:
    """Return the data with inputs of mean 0 and variance 1 over the training set; constant inputs become 0."""
    mean, deviation = data["x_train"].mean(axis=0), data["x_train"].std(axis=0)
    scale = np.where(deviation > 0, deviation, 1.0)
    return {name: (array - mean) / scale if name.startswith("x_") else array for name, array in data.items()}


def _build_breast_cancer() -> dict[str, Array]:
    from sklearn.datasets import load_breast_cancer

    inputs, classes = load_breast_cancer(return_X_y=True)
    return _split(inputs, classes.astype(np.int64))


def _build_digits() -> dict[str, Array]:
    from sklearn.datasets import load_digits

    pixels, labels = load_digits(return_X_y=True)
    return _split(pixels / 16.0, labels.astype(np.int64))


def _build_diabetes() -> dict[str, Array]:
    from sklearn.datasets import load_diabetes

    data = load_diabetes(scaled=False)
    measured = (data.data - data.data.mean(axis=0)) / data.data.std(axis=0)
    first, second = np.triu_indices(measured.shape[1])
    products = (first != second) | (first != data.feature_names.index("sex"))
    pairs = measured[:, first[products]] * measured[:, second[products]]
    return _split(np.hstack((measured, pairs)), data.target.astype(np.float64))


def _build_patches() -> dict[str, Array]:
    from sklearn.datasets import load_sample_image

    grey = load_sample_image("china.jpg").mean(axis=2) / 255.0
    down, across = (length // PATCH for length in grey.shape)
    tiles = grey[: down * PATCH, : across * PATCH].reshape(down, PATCH, across, PATCH).swapaxes(1, 2)
    flat = tiles.reshape(-1, PATCH * PATCH)
    flat = flat - flat.mean(axis=1, keepdims=True)
    contrast = flat.std(axis=1)
    return {"x": flat[contrast > np.median(contrast)]}


def _split(inputs: Array, targets: Array) -> dict[str, Array]:
    """Cut without drawing: the same split whatever the versions of the libraries."""
    test = np.arange(len(inputs)) % 4 == 3
    inputs = inputs.astype(np.float64)
    return {"x_train": inputs[~test], "y_train": targets[~test], "x_test": inputs[test], "y_test": targets[test]}
