"""What is measured on snapshots of the point, after the loop."""

from __future__ import annotations

import math
import weakref
from collections.abc import Callable
from typing import Any

import torch

from optbench.api import Point, Problem, Refused

Metric = Callable[[Problem, Point], float]
MetricByLayer = Callable[[Problem, Point], dict[str, float]]


def full_objective() -> Metric:
    """Return the metric f: the objective over all examples."""
    return lambda problem, point: float(problem.value(point.parameters))


def gradient_norm() -> Metric:
    """Return the metric |∇f|∞ over all examples."""
    return lambda problem, point: float(_gradient(problem, point.parameters).abs().max())


def train_loss() -> Metric:
    """Return the mean loss on the training examples, without penalty."""
    return _of_split("train", "loss")


def train_accuracy() -> Metric:
    """Return the share of training examples that are classified right."""
    return _of_split("train", "accuracy")


def validation_loss() -> Metric:
    """Return the mean loss on the validation examples, without penalty."""
    return _of_split("validation", "loss")


def validation_accuracy() -> Metric:
    """Return the share of validation examples that are classified right."""
    return _of_split("validation", "accuracy")


def test_loss() -> Metric:
    """Return the mean loss on the test examples, without penalty."""
    return _of_split("test", "loss")


def test_accuracy() -> Metric:
    """Return the share of test examples that are classified right."""
    return _of_split("test", "accuracy")


def layer_gradient_norms() -> MetricByLayer:
    """Return the metric ‖∇f‖₂ over all examples, by the parameters of each block."""

    def measure(problem: Any, point: Point) -> dict[str, float]:
        blocks = _blocks(problem, "layer-gradient-norms")
        gradient, squares = _gradient(problem, point.parameters), dict.fromkeys(blocks, 0.0)
        for name, (offset, shape) in problem.layout.items():
            part = gradient[offset : offset + math.prod(shape)]
            squares[name.partition(".")[0]] += float(part.double().square().sum())
        return {block: square**0.5 for block, square in squares.items()}

    return measure


def layer_activation_spreads() -> MetricByLayer:
    """Return the metric of standard deviations of what each block puts out on the training examples."""

    def measure(problem: Any, point: Point) -> dict[str, float]:
        _blocks(problem, "layer-activation-spreads")
        outputs = problem.outputs_by_block(point, "train")
        return {block: float(output.double().std(correction=0)) for block, output in outputs.items()}

    return measure


def _blocks(problem: Any, metric: str) -> list[str]:
    """Return the names of the blocks that have parameters; raises Refused where there are none."""
    if not hasattr(problem, "outputs_by_block"):
        message = f"{metric} wants a model of blocks"
        raise Refused(message)
    return list(dict.fromkeys(name.partition(".")[0] for name in problem.layout))


def _of_split(split: str, quantity: str) -> Metric:
    def measure(problem: Any, point: Point) -> float:
        if not hasattr(problem, "evaluate"):
            message = f"{split}-{quantity} wants a problem with data"
            raise Refused(message)
        if split not in problem.data:
            message = f"{split}-{quantity} wants {split} examples, and the problem holds none back"
            raise Refused(message)
        measured = _evaluated(problem, point, split)
        if quantity not in measured:
            message = f"{split}-{quantity} wants targets that are classes"
            raise Refused(message)
        return measured[quantity]

    return measure


_last: dict[str, tuple[Callable[[], Any], Callable[[], Any], int, dict[str, float]]] = {}  # by split


def _evaluated(problem: Any, point: Point, split: str) -> dict[str, float]:
    """Return loss and accuracy of a split; of the point that was asked about last they are remembered."""
    version = point.parameters._version
    if split in _last:
        of_problem, of_point, seen, measured = _last[split]
        if of_problem() is problem and of_point() is point and seen == version:
            return measured
    measured = problem.evaluate(point, split)
    _last[split] = weakref.ref(problem), weakref.ref(point), version, measured
    return measured


def _gradient(problem: Any, x: torch.Tensor) -> torch.Tensor:
    if hasattr(problem, "value_and_gradient"):
        gradient: torch.Tensor = problem.value_and_gradient(x)[1]
        return gradient
    if hasattr(problem, "gradient"):
        gradient = problem.gradient(x)
        return gradient
    leaf = x.detach().requires_grad_()
    with torch.enable_grad():
        value = problem.value(leaf)
    if not value.requires_grad:
        message = "gradient-norm wants a problem that gives a gradient"
        raise Refused(message)
    return torch.autograd.grad(value, leaf)[0]
