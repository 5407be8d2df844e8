"""The factories of real data sets, cut into three parts without drawing."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from optbench_learning.data import readers
from optbench_learning.data.bundled import every_fourth
from optbench_learning.data.idx import parse_idx
from optbench_learning.data.readers import Examples
from optbench_learning.data.splits import TEST, Arrays, every, groups_of, three_parts, with_test

MNIST_TEST, MNIST_VALIDATION = 5, 8  # 1000 of 5000, 500 of the 4000 others
FASHION_VALIDATION = 6  # 10 000 of 60 000, as many as there are to test


def breast_cancer() -> Arrays:
    """Return the tumours; the test set is that of the convex problems."""
    return _with_their_test(readers.breast_cancer())


def digits() -> Arrays:
    """Return the digits; the test set is that of the convex problems."""
    return _with_their_test(readers.digits())


def diabetes() -> Arrays:
    """Return the patients; the test set is that of the convex problems."""
    return _with_their_test(readers.diabetes())


def iris() -> Arrays:
    """Return the flowers."""
    return _cut(readers.iris())


def linnerud() -> Arrays:
    """Return the men."""
    return _cut(readers.linnerud())


def wine() -> Arrays:
    """Return the wines."""
    return _cut(readers.wine())


def mnist_5k() -> Arrays:
    """Return MNIST's digits."""
    inputs, targets = readers.mnist_5k()
    return three_parts(inputs, targets, every(MNIST_TEST, targets), MNIST_VALIDATION)


def mnist_1d() -> Arrays:
    """Return the signals; the test set is the published one, validation is a fifth of the training set."""
    (inputs, targets), test = readers.mnist_1d()
    return with_test(inputs, targets, test=test)


def fashion_mnist(*, files: Mapping[str, bytes]) -> Arrays:
    """Return Fashion-MNIST's images and labels, the test set as published."""
    read = {
        name.partition("-idx")[0]: parse_idx(content, name).astype(np.int64 if "labels" in name else np.uint8)
        for name, content in files.items()
    }
    test = (read["t10k-images"], read["t10k-labels"])
    return with_test(read["train-images"], read["train-labels"], test=test, validation=FASHION_VALIDATION)


def _with_their_test(examples: Examples) -> Arrays:
    return three_parts(*examples, every_fourth(len(examples[0])))


def _cut(examples: Examples) -> Arrays:
    return three_parts(*examples, every(TEST, groups_of(examples[1])))
