"""The factories of data sets that users have in files. Shapes: N examples."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from io import BytesIO
from zipfile import BadZipFile

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
        if inputs in read and (read[labels].ndim != 1 or read[labels].dtype.kind == "f"):
            raise UserError(f"{labels} are {read[labels].dtype} of shape {read[labels].shape}", "an integer an image")
        _require_pairs(read, inputs, labels)
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
    except (ValueError, OverflowError) as error:
        raise UserError(f"no file in LIBSVM's format: {error}", "lines of: label index:value index:value …") from None
    tables, labels = read[::2], read[1::2]
    if not all(np.isfinite(numbers).all() for numbers in (*labels, *(table.data for table in tables))):
        raise UserError("a file in LIBSVM's format holds what is no finite number", "finite labels and values")
    if (size := sum(table.shape[0] for table in tables) * tables[0].shape[1] * 8) > LARGEST:
        raise UserError(f"the table takes {size / 2**30:.1f} GiB", f"at most {LARGEST / 2**30:.0f} GiB, zeros too")
    if targets == "classes":
        known = np.unique(np.concatenate(labels))
        labels = [np.searchsorted(known, label).astype(np.int64) for label in labels]
    parts = [(table.toarray(), label) for table, label in zip(tables, labels, strict=True)]
    return _cut(*parts[0], parts[1] if len(parts) > 1 else None)


def npz(*, files: Mapping[str, bytes]) -> Arrays:
    """Return the arrays of a file of numpy: x and y, or parts by their names; what is not held out there is cut off.

    Without x_test, every fourth example (of a class) is for testing, without x_validation every fifth of the others.
    """
    read = _unpacked(files["path"])
    for part in ("", "_train", "_validation", "_test"):
        _require_pairs(read, f"x{part}", f"y{part}")
    if "x" in read:
        return _cut(read["x"], read["y"], None)
    if "x_train" not in read:
        raise UserError(f"the file has {', '.join(read) or 'nothing'}", "x and y, or x_train, y_train, x_test, …")
    if "x_validation" in read and "x_test" in read:
        return read
    if "x_validation" in read:
        raise UserError("the file has x_validation and no x_test", "both, x_test alone, or neither")
    return _cut(read["x_train"], read["y_train"], (read["x_test"], read["y_test"]) if "x_test" in read else None)


def _unpacked(content: bytes) -> Arrays:
    """Return what a file of numpy holds; raises UserError where it is none."""
    try:
        with np.load(BytesIO(content), allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}
    except (ValueError, OSError, EOFError, AttributeError, TypeError, BadZipFile, zlib.error) as error:
        raise UserError(
            f"no file in numpy's format npz: {error}", "what numpy.savez writes, of plain numbers"
        ) from None


def _require_pairs(read: Mapping[str, Array], inputs: str, targets: str) -> None:
    """Raise UserError where there is one without the other, or another number of them."""
    if (inputs in read) != (targets in read):
        raise UserError(f"there is one of {inputs} and {targets}", "both or neither")
    if inputs in read and (not read[inputs].ndim or not read[targets].ndim or len(read[inputs]) != len(read[targets])):
        shapes = f"{read[inputs].shape} and {read[targets].shape}"
        raise UserError(f"{inputs} and {targets} have shapes {shapes}", "as many of each")


def _cut(inputs: Array, targets: Array, test: tuple[Array, Array] | None) -> Arrays:
    if test is not None:
        return with_test(inputs, targets, test=test)
    return three_parts(inputs, targets, every(TEST, groups_of(targets)))
