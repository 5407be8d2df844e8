"""Tasks on a data set that the user names: its form is read off its arrays, and what no net can take is refused."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from torch.nn import functional

from optbench.api import UserError
from optbench_learning.data.splits import Array
from optbench_learning.tasks import Task

if TYPE_CHECKING:
    from optbench.api.examples import Scaling

_BYTES = 255  # the brightest pixel
_PARTS = ("train", "validation", "test")


def supervised(data: Mapping[str, Array], shape: Sequence[Any], scaling: str) -> Task:
    """Return the task of telling the targets: classes where they are integers, else numbers (mean squared error).

    Args:
        data: `x_train` (N, …), `y_train` (N,) or, of numbers, (N, …), and so on.
        shape: of one input as the model gets it; empty: as it comes.
        scaling: "auto", or as `split_tensors` has it, but integers are numbers, too.

    Raises UserError where the arrays do not fit together or hold what is no number.
    """
    arrays = _examples(data)
    taken, scaled = _shape(arrays["x_train"].shape[1:], shape), _scaling(arrays, scaling)
    if scaled == "none":  # bytes would be tokens
        arrays |= {name: array.astype(np.float64) for name, array in arrays.items() if _is_byte_input(name, array)}
    targets = {part: arrays[f"y_{part}"] for part in _PARTS if f"y_{part}" in arrays}
    if _are_classes(targets["train"]):
        count = _count_classes(targets)
        return Task(arrays=lambda: arrays, shape=taken, outputs=count, scaling=scaled)
    flat = {f"y_{part}": array.reshape(len(array), -1) for part, array in targets.items()}
    outputs = flat["y_train"].shape[1]
    return Task(
        arrays=lambda: {**arrays, **flat}, shape=taken, outputs=outputs, scaling=scaled, loss=functional.mse_loss
    )


def reproduced(data: Mapping[str, Array], shape: Sequence[Any], scaling: str) -> Task:
    """Return the task of telling the inputs: by cross entropy where they are from 0 to 1, else by squared errors."""
    task = supervised(data, shape, scaling)
    if task.scaling == "unit" or (task.scaling == "none" and _within(task.arrays(), 1)):
        return replace(task, loss=functional.binary_cross_entropy_with_logits)
    return replace(task, loss=functional.mse_loss)


def _examples(data: Mapping[str, Array]) -> dict[str, Array]:
    """Return inputs and targets of each part that has examples, as numbers that are finite and of one shape."""
    if not {"x_train", "y_train"} <= set(data) or not len(data["x_train"]):
        raise UserError("a net learns nothing from this data set", "x_train and y_train with examples")
    parts = [part for part in _PARTS if {f"x_{part}", f"y_{part}"} <= set(data) and len(data[f"x_{part}"])]
    found = {f"{kind}_{part}": _numbers(data[f"{kind}_{part}"], f"{kind}_{part}") for part in parts for kind in "xy"}
    for name, array in found.items():
        first = found[f"{name[0]}_train"]
        if _form(array) != _form(first):
            given = f"an example of {name} is {_form(array)}, one of {name[0]}_train {_form(first)}"
            raise UserError(given, "one form in all parts")
    return found


def _form(array: Array) -> str:
    return f"{'x'.join(map(str, array.shape[1:])) or 1} {'integers' if _are_classes(array) else 'numbers'}"


def _is_byte_input(name: str, array: Array) -> bool:
    return name.startswith("x_") and array.dtype == np.uint8


def _numbers(array: Array, name: str) -> Array:
    """Return the array in a type that torch has; bytes stay bytes."""
    if array.dtype.kind not in "buif":
        raise UserError(f"{name} holds {array.dtype}", "numbers")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise UserError(f"{name} holds what is no finite number", "finite numbers")
    if array.dtype == np.uint8 or array.dtype in (np.float32, np.float64):
        return array
    return array.astype(np.float64 if name.startswith("x") or array.dtype.kind == "f" else np.int64)


def _shape(given: tuple[int, ...], wanted: Sequence[Any]) -> tuple[int, ...]:
    """Return the shape of one input, checked against how many numbers there are."""
    if any(type(length) is not int or length < 1 for length in wanted):
        raise UserError(f"shape={list(wanted)}", "lengths of 1 or more")
    if wanted and math.prod(wanted) != math.prod(given):
        raise UserError(f"shape={list(wanted)} holds {math.prod(wanted)} numbers", f"an input has {math.prod(given)}")
    return tuple(wanted) or given or (1,)


def _scaling(arrays: Mapping[str, Array], wanted: str) -> Scaling:
    if wanted == "auto":
        return "unit" if arrays["x_train"].dtype == np.uint8 else "standardised"
    if wanted == "unit" and not _within(arrays, _BYTES):
        raise UserError("scaling=unit, and inputs below 0 or above 255", "auto, standardised or none")
    return cast("Scaling", wanted)


def _within(arrays: Mapping[str, Array], highest: float) -> bool:
    inputs = [array for name, array in arrays.items() if name.startswith("x_")]
    return all(array.min() >= 0 and array.max() <= highest for array in inputs)


def _are_classes(targets: Array) -> bool:
    return targets.dtype.kind != "f"


def _count_classes(targets: Mapping[str, Array]) -> int:
    """Return how many classes there are, of all parts; raises UserError where targets are none."""
    if targets["train"].ndim != 1:
        given = f"targets are integers of shape {targets['train'].shape[1:]}"
        raise UserError(given, "one class an example; sequences have problems of their own")
    lowest = min(int(array.min()) for array in targets.values())
    if lowest < 0:
        raise UserError(f"the lowest class is {lowest}", "classes 0, 1, …")
    return 1 + max(int(array.max()) for array in targets.values())
