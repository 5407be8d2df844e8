"""The factories of data sets that users have in files. Shapes: N examples."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO

import numpy as np

from optbench.api import UserError
from optbench_learning.data.idx import parse_idx
from optbench_learning.data.splits import TEST, Array, Arrays, every, groups_of, three_parts, with_test

LARGEST = 2**31  # bytes of a table


def idx(*, files: Mapping[str, bytes]) -> Arrays:
    """Return inputs and integer labels from idx files; without files to test, every fourth example of a class is."""
    read = {name: parse_idx(content, f"the file of {name}") for name, content in files.items()}
    if missing := [name for name in ("images", "labels") if name not in read]:
        allowed = "images and labels, and perhaps test_images and test_labels"
        raise UserError(f"data set idx wants {missing[0]}", allowed)
    if ("test_images" in read) != ("test_labels" in read):
        raise UserError("data set idx has one of test_images and test_labels", "both or neither")
    for inputs, labels in (("images", "labels"), ("test_images", "test_labels")):
        if inputs in read and (read[labels].ndim != 1 or len(read[inputs]) != len(read[labels])):
            shapes = f"{read[inputs].shape} and {read[labels].shape}"
            raise UserError(f"{inputs} and {labels} have shapes {shapes}", "one label an image")
    read = {name: array.astype(np.int64) if "labels" in name else array for name, array in read.items()}
    test = (read["test_images"], read["test_labels"]) if "test_images" in read else None
    return _cut(read["images"], read["labels"], test)


def libsvm(*, files: Mapping[str, bytes], targets: str) -> Arrays:
    """Return a dense table from files in LIBSVM's format; labels become classes 0, 1, … in their order.

    Without a file to test, every fourth example (of a class) is.
    """
    from sklearn.datasets import load_svmlight_files

    try:
        read = load_svmlight_files([BytesIO(content) for content in files.values()])
    except ValueError as error:
        raise UserError(f"no file in LIBSVM's format: {error}", "lines of: label index:value index:value …") from None
    tables, labels = read[::2], read[1::2]
    if (size := sum(table.shape[0] for table in tables) * tables[0].shape[1] * 8) > LARGEST:
        raise UserError(f"the table takes {size / 2**30:.1f} GiB", f"at most {LARGEST / 2**30:.0f} GiB, zeros too")
    if targets == "classes":
        known = np.unique(np.concatenate(labels))
        labels = [np.searchsorted(known, label).astype(np.int64) for label in labels]
    parts = [(table.toarray(), label) for table, label in zip(tables, labels, strict=True)]
    return _cut(*parts[0], parts[1] if len(parts) > 1 else None)


def _cut(inputs: Array, targets: Array, test: tuple[Array, Array] | None) -> Arrays:
    if test is not None:
        return with_test(inputs, targets, test=test)
    return three_parts(inputs, targets, every(TEST, groups_of(targets)))
