"""Checks of what a data set's factory makes, whatever is cached. Shapes: N examples."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from optbench.api.weighting import IGNORED
from optbench.testing.blame import defined_at
from optbench.testing.framework import DoesNotApply, Subject, require
from optbench.testing.process_state import require_untouched

if TYPE_CHECKING:
    from optbench.api.data import Array

PARTS = ("train", "validation", "test")


def check_parts(subject: Subject) -> None:
    """Look at the arrays of each part, and compare their forms with those of the training part."""
    made, at = _made(subject)
    for kind in ("x", "y", *(("difficulty",) if subject.record.difficulty else ())):
        for part in PARTS:
            name = f"{kind}_{part}"
            require(name in made, f"it makes no {name}{at}")
            inputs, array = made[f"x_{part}"], made[name]
            require(len(array), f"{name} is empty{at}")
            require(len(array) == len(inputs), f"{name} has {len(array)} rows, x_{part} {len(inputs)}{at}")
            first, form = _form(made[f"{kind}_train"]), _form(array)
            require(form == first, f"an example of {name} is {form}, one of {kind}_train {first}{at}")


def check_finite(subject: Subject) -> None:
    """Look for what is no number."""
    made, at = _made(subject)
    for name, array in made.items():
        if array.dtype.kind in "fc":
            count = int(array.size - np.isfinite(array).sum())
            require(not count, f"{count} of {array.size} numbers of {name} are not finite{at}")


def check_classes(subject: Subject) -> None:
    """Compare integer targets with the classes that the record states, or with none below 0."""
    made, at = _made(subject)
    targets = {name: array for name, array in made.items() if name.startswith("y_") and array.dtype.kind in "iu"}
    if not targets:
        raise DoesNotApply("its targets are no classes")
    count = len(made["alphabet"]) if "alphabet" in made else subject.record.classes
    for name, array in targets.items():
        counted = array[array != IGNORED]
        low, high = int(counted.min()), int(counted.max())
        require(low >= 0, f"the lowest class of {name} is {low}{at}")
        require(not count or high < count, f"the highest class of {name} is {high}; there are {count}{at}")


def check_disjoint(subject: Subject) -> None:
    """Compare the examples of each two parts, inputs and targets together."""
    made, at = _made(subject)
    for first, second in combinations([part for part in PARTS if f"x_{part}" in made], 2):
        shared = len(_examples(made, first) & _examples(made, second))
        require(not shared, f"{shared} examples are in {first} and in {second}{at}")


def check_repeats(subject: Subject) -> None:
    """Make it twice and compare every bit."""
    (first, at), (second, _) = _made(subject), _made(subject)
    require(set(first) == set(second), f"made twice, it has {sorted(first)} and {sorted(second)}{at}")
    for name, array in first.items():
        require(_same(array, second[name]), f"made twice, {name} differs{at}")


def check_seed(subject: Subject) -> None:
    """Make it with another seed; the training inputs differ."""
    if "seed" not in subject.options:
        raise DoesNotApply("it has no option seed")
    (first, at), (second, _) = _made(subject), _made(subject, seed=subject.options["seed"] + 1)
    require(not _same(first["x_train"], second["x_train"]), f"another seed makes the same x_train{at}")


def check_sizes(subject: Subject) -> None:
    """Make it with its default options and compare with the record."""
    record = subject.record
    made, at = _made(subject, **{name: option.default for name, option in record.options.items()})
    for part, count in record.examples.items():
        found = len(made[f"x_{part}"])
        require(found == count, f"the record states {count} examples of {part}; there are {found}{at}")
    shape, inputs = tuple(made["x_train"].shape[1:]), tuple(record.shape)
    require(not inputs or shape == inputs, f"the record states inputs of shape {inputs}; they have {shape}{at}")
    if record.classes:
        found = 1 + max(int(made[f"y_{part}"].max()) for part in PARTS if f"y_{part}" in made)
        require(found == record.classes, f"the record states {record.classes} classes; there are {found}{at}")


def check_global_randomness(subject: Subject) -> None:
    """Make it with an eye on the global generators; what libraries draw as they are imported is theirs."""
    _made(subject)
    require_untouched(subject, lambda: _made(subject))


def _made(subject: Subject, **options: Any) -> tuple[Mapping[str, Array], str]:
    """Return the arrays as the factory makes them now, and where that is."""
    return subject.data_set(**options).made(), defined_at(subject.factory())


def _form(array: Array) -> str:
    return f"{array.dtype} of shape {array.shape[1:]}"


def _examples(made: Mapping[str, Array], part: str) -> set[bytes]:
    """Return what each example is made of."""
    inputs, targets = (np.ascontiguousarray(made[f"{kind}_{part}"]) for kind in "xy")
    return {x.tobytes() + y.tobytes() for x, y in zip(inputs, targets, strict=True)}


def _same(first: Array, second: Array) -> bool:
    return _form(first) == _form(second) and first.tobytes() == second.tobytes()
