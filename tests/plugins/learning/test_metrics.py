"""Metrics of the parts of a data set."""

from __future__ import annotations

import pytest
import torch
from optbench_learning import metrics
from optbench_learning.problems import softmax_digits

from optbench.api import Block, Point, Refused, SupervisedProblem
from optbench.measure.streams import SeededStreams


@pytest.fixture
def problem() -> SupervisedProblem:
    """A linear map of one number to two classes; the parts differ in their share of class 1."""
    inputs = torch.ones(4, 1, dtype=torch.float64)
    shares = {"train": [0, 0, 0, 1], "validation": [0, 0, 1, 1], "test": [1, 1, 1, 1]}
    data = {split: (inputs, torch.tensor(classes)) for split, classes in shares.items()}
    block = Block(name="out", role="output", build=lambda: torch.nn.Linear(1, 2))
    return SupervisedProblem(
        blocks=(block,), data=data, loss=torch.nn.functional.cross_entropy, dtype=torch.float64, batch_size=None
    )


@pytest.mark.parametrize(("split", "share"), [("train", 0.25), ("validation", 0.5), ("test", 1.0)])
def test_each_part_has_its_accuracy_and_loss(problem: SupervisedProblem, split: str, share: float) -> None:
    ones = Point(parameters=torch.tensor([0.0, 1.0, 0.0, 0.0], dtype=torch.float64))  # class 1 is e times as likely
    found = {quantity: getattr(metrics, f"{split}_{quantity}")()(problem, ones) for quantity in ("loss", "accuracy")}
    right = torch.log(torch.tensor(1 + torch.e)).item()
    assert found["accuracy"] == share
    assert found["loss"] == pytest.approx(right - share)


def test_a_part_that_a_problem_does_not_hold_back_is_refused() -> None:
    problem = softmax_digits(
        device=torch.device("cpu"), dtype=torch.float64, streams=SeededStreams(0), l2=1e-3, batch_size=0
    )
    point = problem.start(SeededStreams(0))
    with pytest.raises(Refused, match="holds none back"):
        metrics.validation_loss()(problem, point)
    assert metrics.test_accuracy()(problem, point) >= 0.0
