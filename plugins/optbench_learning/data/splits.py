"""Training, validation and test parts of fixed data, cut without drawing: the same whatever the libraries' versions.

Shapes: N examples.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
Arrays = dict[str, Array]

TEST = 4  # every fourth example
VALIDATION = 5  # every fifth of the others


def generated_sizes(n: int, share: int) -> dict[str, int]:
    """Return n examples for training, and one in `share` as many for validation and for testing, rounded up."""
    return {"train": n, "validation": -(-n // share), "test": -(-n // share)}


def ranks(classes: Array) -> Array:
    """Return how many examples of the same class come before each, (N,)."""
    order = np.argsort(classes, kind="stable")
    ordered = classes[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    counts = np.diff(np.r_[starts, len(classes)])
    found = np.empty(len(classes), dtype=np.int64)
    found[order] = np.arange(len(classes)) - np.repeat(starts, counts)
    return found


def every(number: int, groups: Array) -> Array:
    """Return a mask of every `number`-th example of each group, (N,)."""
    return ranks(groups) % number == number - 1


def groups_of(targets: Array) -> Array:
    """Return what is to be cut evenly: classes where the targets are integers, else one group of all, (N,)."""
    if targets.ndim == 1 and np.issubdtype(targets.dtype, np.integer):
        return targets
    return np.zeros(len(targets), dtype=np.int64)


def in_turns(targets: Array) -> Array:
    """Return an order of one example a class in turns, so that any beginning is balanced, (N,)."""
    groups = groups_of(targets)
    return np.lexsort((groups, ranks(groups)))


def three_parts(inputs: Array, targets: Array, test: Array, validation: int = VALIDATION) -> Arrays:
    """Return the arrays of the splits: `test` (N,) masks one, every `validation`-th of each class else is another."""
    return with_test(inputs[~test], targets[~test], test=(inputs[test], targets[test]), validation=validation)


def with_test(inputs: Array, targets: Array, *, test: tuple[Array, Array], validation: int = VALIDATION) -> Arrays:
    """Return the arrays of the splits: the test set as it is given, validation is every `validation`-th of a class."""
    held_out = every(validation, groups_of(targets))
    return arrays(
        train=(inputs[~held_out], targets[~held_out]),
        validation=(inputs[held_out], targets[held_out]),
        test=test,
    )


def arrays(**splits: tuple[Array, Array]) -> Arrays:
    """Return `x_train`, `y_train` and so on, each split with its classes in turns."""
    found = {}
    for name, (inputs, targets) in splits.items():
        order = in_turns(targets)
        found[f"x_{name}"], found[f"y_{name}"] = inputs[order], targets[order]
    return found
