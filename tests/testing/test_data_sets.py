"""Sound data sets pass every check; each planted mistake is caught by the check named for it."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from optbench.api import DataSetPlugin, Option
from optbench.testing import check_data_set
from optbench.testing.datasets import DATA_SET_CHECKS
from optbench.testing.framework import Finding, Subject, attempt

STATED: dict[str, Any] = {"summary": "", "licence": "none", "source": "a test"}
DRAWN: dict[str, Any] = {"generated": True, "options": {"seed": Option(default=0, doc="", low=0)}}
SIZES = {"examples": {"train": 6, "validation": 2, "test": 2}, "shape": (3,), "classes": 2}
COUNT = itertools.count()


def sound() -> dict[str, Any]:
    """Ten examples of three numbers, and two classes."""
    x, y = np.arange(30.0).reshape(10, 3), np.arange(10) % 2
    cuts = {"train": slice(0, 6), "validation": slice(6, 8), "test": slice(8, 10)}
    return {f"{kind}_{part}": array[cut] for part, cut in cuts.items() for kind, array in (("x", x), ("y", y))}


def changed(**arrays: Any) -> Callable[[], Mapping[str, Any]]:
    """Return a factory of the sound arrays with others in their place; None: without."""
    return lambda: {name: array for name, array in {**sound(), **arrays}.items() if array is not None}


def drawn(*, streams: Any) -> dict[str, Any]:
    return {**sound(), "x_train": streams("data", "train").initial_seed() % 1000 + np.arange(18.0).reshape(6, 3)}


def deaf(*, streams: Any) -> dict[str, Any]:
    return sound()


def moody() -> dict[str, Any]:
    return {**sound(), "x_test": np.full((2, 3), float(next(COUNT)))}


def reordered() -> dict[str, Any]:
    return {**sound(), **({"extra": np.zeros(1)} if next(COUNT) % 2 else {})}


def careless() -> dict[str, Any]:
    return {**sound(), "x_test": np.random.rand(2, 3)}  # noqa: NPY002 -- what is wrong here is wrong on purpose


no_test = changed(x_test=None)
no_validation_targets = changed(y_validation=None)
empty = changed(x_test=np.zeros((0, 3)), y_test=np.zeros(0, int))
other_shape = changed(x_test=np.zeros((2, 4)))
other_type = changed(x_test=np.zeros((2, 3), int))
infinite = changed(x_validation=np.full((2, 3), np.inf))
missing = changed(y_test=np.array([0.0, np.nan]))
below = changed(y_test=np.array([0, -1]))
beyond = changed(y_test=np.array([0, 2]))
leaking = changed(x_test=sound()["x_train"][:2], y_test=sound()["y_train"][:2])
easy = changed()

MISTAKES: list[tuple[str, str, dict[str, Any], str]] = [
    ("parts-fit", "no_test", {}, "it makes no x_test"),
    ("parts-fit", "no_validation_targets", {}, "it makes no y_validation"),
    ("parts-fit", "empty", {}, "x_test is empty"),
    ("parts-fit", "other_shape", {}, r"an example of x_test is float64 of shape \(4,\), one of x_train .* \(3,\)"),
    ("parts-fit", "other_type", {}, "an example of x_test is int64"),
    ("parts-fit", "easy", {"difficulty": "how hard"}, "it makes no difficulty_train"),
    ("numbers-are-finite", "infinite", {}, "6 of 6 numbers of x_validation are not finite"),
    ("numbers-are-finite", "missing", {}, "1 of 2 numbers of y_test are not finite"),
    ("classes-in-range", "below", {}, "the lowest class of y_test is -1"),
    ("classes-in-range", "beyond", {"classes": 2}, "the highest class of y_test is 2; there are 2"),
    ("parts-share-no-example", "leaking", {}, "2 examples are in train and in test"),
    ("making-repeats", "moody", {}, "made twice, x_test differs"),
    ("making-repeats", "reordered", {}, "made twice, it has"),
    ("seed-draws-others", "deaf", DRAWN, "another seed makes the same x_train"),
    ("leaves-global-random-state", "careless", {}, "global random generator of numpy"),
]


def record_of(made: str, **fields: Any) -> DataSetPlugin:
    return DataSetPlugin(name=made.replace("_", "-"), factory=f"{__name__}:{made}", **{**STATED, **fields})


def finding_of(name: str, subject: Subject) -> Finding:
    (check,) = [check for check in DATA_SET_CHECKS if check.name == name]
    return attempt(check, subject)


@pytest.mark.parametrize(("check", "made", "fields", "message"), MISTAKES, ids=[f"{it[1]}-{it[0]}" for it in MISTAKES])
def test_a_mistake_is_caught_by_the_check_named_for_it(
    check: str, made: str, fields: dict[str, Any], message: str
) -> None:
    found = finding_of(check, Subject.of_record(record_of(made, **fields)))
    assert found.failed
    assert re.search(message, found.message), found.message


@pytest.mark.parametrize(
    ("stated", "message"),
    [
        ({"examples": {"test": 3}}, "the record states 3 examples of test; there are 2"),
        ({"shape": (4,)}, r"the record states inputs of shape \(4,\); they have \(3,\)"),
        ({"classes": 3}, "the record states 3 classes; there are 2"),
    ],
)
def test_sizes_that_are_stated_wrong_are_caught(stated: dict[str, Any], message: str) -> None:
    found = finding_of("sizes-as-stated", Subject.of_record(record_of("sound", **stated)))
    assert found.failed
    assert re.search(message, found.message), found.message


@pytest.mark.parametrize(("made", "fields"), [("sound", SIZES), ("drawn", DRAWN)])
def test_a_sound_data_set_passes_every_check_that_applies(made: str, fields: dict[str, Any]) -> None:
    findings = check_data_set(Subject.of_record(record_of(made, **fields)), isolate=False)
    other = {finding.check for finding in findings if finding.status != "ok"}
    assert other == {"loads-lazily"} | (
        {"sizes-as-stated"} if made == "drawn" else {"options-hold", "seed-draws-others"}
    )


def test_users_files_that_are_not_named_are_not_looked_at() -> None:
    path = {"path": Option(default="", doc="file")}
    found = finding_of("parts-fit", Subject.of_record(record_of("sound", options=path, inputs=("path",))))
    assert (found.status, found.message) == (
        "not applicable",
        'data set sound wants path; a path, as in sound(path="FILE")',
    )
