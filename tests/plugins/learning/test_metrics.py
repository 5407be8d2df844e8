"""Metrics of the parts of a data set."""

from __future__ import annotations

import pytest
import torch
from optbench_learning import metrics
from optbench_learning.problems import softmax_digits

from optbench.api import Block, Point, Refused, SupervisedProblem
from optbench.api.streams import SeededStreams


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


@pytest.fixture
def two_layers() -> SupervisedProblem:
    """4 inputs, 3 units with tanh, 2 classes."""
    inputs = torch.arange(40, dtype=torch.float64).view(10, 4).sin()
    blocks = (
        Block(name="hidden1", role="hidden", build=lambda: torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.Tanh())),
        Block(name="output", role="output", build=lambda: torch.nn.Linear(3, 2)),
    )
    return SupervisedProblem(blocks=blocks, data={"train": (inputs, torch.arange(10) % 2)})


def test_gradient_norms_by_layer_are_those_of_each_blocks_tensors(two_layers: SupervisedProblem) -> None:
    point = two_layers.start(SeededStreams(0))
    found = metrics.layer_gradient_norms()(two_layers, point)
    gradient = two_layers.gradient(point.parameters)
    assert found == pytest.approx({"hidden1": float(gradient[:15].norm()), "output": float(gradient[15:].norm())})


def test_activation_spreads_by_layer_are_of_what_the_blocks_put_out(two_layers: SupervisedProblem) -> None:
    point = two_layers.start(SeededStreams(0))
    found = metrics.layer_activation_spreads()(two_layers, point)
    inputs, _ = two_layers.data["train"]
    weight, bias, last, offset = point.parameters.split([12, 3, 6, 2])
    hidden = (inputs @ weight.view(3, 4).T + bias).tanh()
    outputs = hidden @ last.view(2, 3).T + offset
    spreads = {"hidden1": hidden.std(correction=0), "output": outputs.std(correction=0)}
    assert found == pytest.approx({name: float(spread) for name, spread in spreads.items()})


def test_metrics_by_layer_are_refused_where_there_are_no_blocks() -> None:
    problem = softmax_digits(
        device=torch.device("cpu"), dtype=torch.float64, streams=SeededStreams(0), l2=1e-3, batch_size=0
    )
    for metric in (metrics.layer_gradient_norms(), metrics.layer_activation_spreads()):
        with pytest.raises(Refused, match="blocks"):
            metric(problem, problem.start(SeededStreams(0)))


def test_loss_and_accuracy_of_a_point_are_one_evaluation_and_a_changed_point_is_another(
    two_layers: SupervisedProblem, monkeypatch: pytest.MonkeyPatch
) -> None:
    point, asked = two_layers.start(SeededStreams(0)), []
    evaluate = SupervisedProblem.evaluate
    monkeypatch.setattr(SupervisedProblem, "evaluate", lambda *given: asked.append(given) or evaluate(*given))
    before = metrics.train_loss()(two_layers, point), metrics.train_accuracy()(two_layers, point)
    assert len(asked) == 1
    point.parameters.add_(1.0)
    assert metrics.train_loss()(two_layers, point) == two_layers.evaluate(point, "train")["loss"] != before[0]
    other = two_layers.with_blocks(two_layers.blocks)
    metrics.train_accuracy()(other, point)
    assert len(asked) == 4
