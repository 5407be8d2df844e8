"""Some of a task's classes, and the others as another task."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from optbench_learning.some_classes import only
from optbench_learning.tasks import DIGITS, Task

from optbench.api import SupervisedProblem, UserError
from optbench.registry import load_catalogue
from optbench.testing.subject import Subject
from optbench.testing.trials import place

CATALOGUE = load_catalogue()


def built(name: str, **options: Any) -> SupervisedProblem:
    subject = Subject.with_options(CATALOGUE.get("problems", name), options, CATALOGUE)
    problem: SupervisedProblem = subject.problem(place())
    return problem


def test_classes_are_numbered_anew_in_the_order_given() -> None:
    arrays = {
        "x_train": np.arange(6.0)[:, None],
        "y_train": np.array([0, 1, 2, 3, 1, 0]),
        "difficulty_train": np.arange(6),
        "x_test": np.arange(2.0)[:, None],
        "y_test": np.array([3, 0]),
    }
    task = only(Task(arrays=lambda: arrays, shape=(1,), outputs=4), [3, 1])

    found = task.arrays()
    assert task.outputs == 2
    assert found["y_train"].tolist() == [1, 0, 1]
    assert found["x_train"].ravel().tolist() == [1.0, 3.0, 4.0]
    assert found["difficulty_train"].tolist() == [1, 3, 4]
    assert (found["x_test"].ravel().tolist(), found["y_test"].tolist()) == ([0.0], [0])


def test_a_net_learns_the_classes_and_its_other_task_the_others_with_all_their_examples() -> None:
    problem = built("mlp-digits", classes=[5, 6, 7, 8, 9], examples=40, batch_size=20, hidden=[6, 5])
    other = problem.other_task()
    labels = DIGITS.arrays()["y_train"]

    assert (problem.examples, problem.layout["output.linear.weight"][1]) == (40, (5, 5))
    assert other.examples == int((labels < 5).sum())
    assert sorted(set(other.data["train"][1].tolist())) == [0, 1, 2, 3, 4]
    assert other.layout == problem.layout


def test_with_all_classes_there_is_no_other_task() -> None:
    assert built("mlp-digits", examples=40, batch_size=0).other_task is None
    assert built("mlp-digits", classes=list(range(10)), examples=40, batch_size=0).other_task is None


@pytest.mark.parametrize("classes", [[10, 1], [1, 1], [-1, 2], [3], [0.5, 1]])
def test_what_are_no_classes_is_told(classes: list[Any]) -> None:
    with pytest.raises(UserError, match="two or more of 0 to 9, each once"):
        built("mlp-digits", classes=classes)
