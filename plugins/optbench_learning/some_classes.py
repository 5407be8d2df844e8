"""Some of a task's classes, and the others as another task beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from optbench.api import SupervisedProblem, UserError
from optbench_learning.data.splits import Array
from optbench_learning.tasks import Task

Make = Callable[..., SupervisedProblem]


def of_classes(make: Make, task: Task, *, classes: list[int], **options: Any) -> SupervisedProblem:
    """Return the problem of telling these classes apart, all where none is given.

    The other classes, with all their examples, are its other task; raises UserError where the classes are none.
    """
    if not classes:
        return make(task, **options)
    others = [each for each in range(_count(task)) if each not in _checked(classes, task)]
    problem = make(only(task, classes), **options)
    if not others:
        return problem
    return replace(problem, other_task=lambda: make(only(task, others), **{**options, "examples": 0}))


def only(task: Task, classes: Sequence[int]) -> Task:
    """Return the task with the examples of these classes, numbered anew in this order."""
    return replace(task, arrays=lambda: _filtered(task.arrays(), classes), outputs=len(classes))


def _filtered(arrays: Mapping[str, Array], classes: Sequence[int]) -> dict[str, Array]:
    found = dict(arrays)
    for part in (name.removeprefix("y_") for name in arrays if name.startswith("y_")):
        targets = arrays[f"y_{part}"]
        chosen = np.isin(targets, classes)
        found |= {name: array[chosen] for name, array in arrays.items() if name.endswith(f"_{part}")}
        found[f"y_{part}"] = _numbered(targets[chosen], classes)
    return found


def _numbered(targets: Array, classes: Sequence[int]) -> Array:
    numbers = np.zeros(max(classes) + 1, dtype=np.int64)
    numbers[list(classes)] = np.arange(len(classes))
    return np.asarray(numbers[targets.astype(np.int64)])


def _count(task: Task) -> int:
    """Return how many classes there are; raises UserError where targets are numbers."""
    if task.arrays()["y_train"].dtype.kind == "f":
        raise UserError("classes, and targets that are numbers", "data of classes", "leave the option out")
    return task.outputs


def _checked(classes: Sequence[Any], task: Task) -> Sequence[int]:
    known = all(type(each) is int and 0 <= each < task.outputs for each in classes)
    if not known or len(set(classes)) < len(classes) or len(classes) == 1:
        raise UserError(f"classes={list(classes)}", f"two or more of 0 to {task.outputs - 1}, each once")
    return classes
