"""Data that ship with scikit-learn, whole: every fourth example is for testing, the others are for training.

Convex problems are certified on these: there is nothing to tune, so none of the examples is held out for validation.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from optbench.api import DataSet, dataset
from optbench_learning.data import readers
from optbench_learning.data.readers import Examples
from optbench_learning.data.splits import TEST, Array

PATCH = 8  # pixels of a patch, in width and in height


def breast_cancer() -> DataSet:
    """Return 569 tumours of 30 measurements each and whether they are benign (1): 427 to train, 142 to test."""
    return dataset("breast-cancer", lambda: _split(readers.breast_cancer()))


def digits() -> DataSet:
    """Return 1797 images of 8 × 8 pixels in [0, 1] and their digits: 1348 to train, 449 to test."""
    return dataset("digits", lambda: _split(readers.digits()))


def diabetes() -> DataSet:
    """Return 442 patients, 64 features each, and how their diabetes progressed: 332 to train, 110 to test."""
    return dataset("diabetes", lambda: _split(readers.diabetes()))


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


def every_fourth(count: int) -> Array:
    """Return the mask of the examples for testing, (count,)."""
    mask: Array = np.arange(count) % TEST == TEST - 1
    return mask


def _build_patches() -> dict[str, Array]:
    from sklearn.datasets import load_sample_image

    grey = load_sample_image("china.jpg").mean(axis=2) / 255.0
    down, across = (length // PATCH for length in grey.shape)
    tiles = grey[: down * PATCH, : across * PATCH].reshape(down, PATCH, across, PATCH).swapaxes(1, 2)
    flat = tiles.reshape(-1, PATCH * PATCH)
    flat = flat - flat.mean(axis=1, keepdims=True)
    contrast = flat.std(axis=1)
    return {"x": flat[contrast > np.median(contrast)]}


def _split(examples: Examples) -> dict[str, Array]:
    """Cut without drawing: the same split whatever the versions of the libraries."""
    inputs, targets = examples[0].astype(np.float64), examples[1]
    test = every_fourth(len(inputs))
    return {"x_train": inputs[~test], "y_train": targets[~test], "x_test": inputs[test], "y_test": targets[test]}
