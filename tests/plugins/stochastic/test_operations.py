"""Float32 to the last bits: a trial does torch's operations in torch's order, whatever the options."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from optbench_learning.models.layers import Activation
from optbench_learning.models.networks import convolutional_net
from torch import Tensor

from optbench.api import SupervisedProblem
from optbench.api.streams import SeededStreams

Rule = Callable[[Tensor, Tensor, dict[str, Tensor], int], Any]  # (parameter, gradient, its state, step from 1 on)
STEPS, EXAMPLES, BATCH = 100, 96, 16
LAST_BIT = 1.2e-7  # of a loss near 1; the losses here are between 0.1 and 2


def sgd(parameter: Tensor, gradient: Tensor, state: dict[str, Tensor], step: int) -> None:
    parameter.add_(gradient, alpha=-0.05)


def momentum(parameter: Tensor, gradient: Tensor, state: dict[str, Tensor], step: int) -> None:
    state["v"] = state["v"].mul_(0.9).add_(gradient) if state else gradient.clone()
    parameter.add_(state["v"], alpha=-0.05)


def nesterov_with_decay(parameter: Tensor, gradient: Tensor, state: dict[str, Tensor], step: int) -> None:
    gradient = gradient.add(parameter, alpha=1e-3)
    state["v"] = state["v"].mul_(0.9).add_(gradient) if state else gradient.clone()
    parameter.add_(gradient.add(state["v"], alpha=0.9), alpha=-0.05)


def adagrad(parameter: Tensor, gradient: Tensor, state: dict[str, Tensor], step: int) -> None:
    squares = state.setdefault("r", torch.zeros_like(gradient)).addcmul_(gradient, gradient)
    parameter.addcdiv_(gradient, squares.sqrt().add_(1e-10), value=-0.05)


def rmsprop(parameter: Tensor, gradient: Tensor, state: dict[str, Tensor], step: int) -> None:
    squares = state.setdefault("r", torch.zeros_like(gradient)).mul_(0.9).addcmul_(gradient, gradient, value=1 - 0.9)
    parameter.addcdiv_(gradient, squares.sqrt().add_(1e-7), value=-0.01)


def adam(parameter: Tensor, gradient: Tensor, state: dict[str, Tensor], step: int) -> None:
    mean, squares = (state.setdefault(name, torch.zeros_like(gradient)) for name in "sr")
    mean.lerp_(gradient, 1 - 0.9)
    squares.mul_(0.99).addcmul_(gradient, gradient, value=1 - 0.99)
    root = (squares.sqrt() / (1 - 0.99**step) ** 0.5).add_(1e-8)
    parameter.addcdiv_(mean, root, value=-0.01 / (1 - 0.9**step))


def uncorrected_amsgrad_with_decay(parameter: Tensor, gradient: Tensor, state: dict[str, Tensor], step: int) -> None:
    mean, squares, largest = (state.setdefault(name, torch.zeros_like(gradient)) for name in ("s", "r", "most"))
    gradient = gradient.add(parameter, alpha=1e-3)
    mean.lerp_(gradient, 1 - 0.9)
    squares.mul_(0.99).addcmul_(gradient, gradient, value=1 - 0.99)
    torch.maximum(largest, squares, out=largest)
    parameter.addcdiv_(mean, largest.sqrt().add_(1e-8), value=-0.01)


AMSGRAD = {"bias_correction": False, "amsgrad": True, "weight_decay": 1e-3}
METHODS: dict[str, tuple[str, dict[str, Any], Rule]] = {
    "sgd": ("sgd", {"lr": 0.05}, sgd),
    "momentum": ("sgd", {"lr": 0.05, "momentum": 0.9}, momentum),
    "nesterov with decay": (
        "sgd",
        {"lr": 0.05, "momentum": 0.9, "nesterov": True, "weight_decay": 1e-3},
        nesterov_with_decay,
    ),
    "adagrad": ("adagrad", {"lr": 0.05}, adagrad),
    "rmsprop": ("rmsprop", {"lr": 0.01, "alpha": 0.9, "eps": 1e-7}, rmsprop),
    "adam": ("adam", {"lr": 0.01, "betas": [0.9, 0.99]}, adam),
    "uncorrected amsgrad with decay": (
        "adam",
        {"lr": 0.01, "betas": [0.9, 0.99], **AMSGRAD},
        uncorrected_amsgrad_with_decay,
    ),
}


def convnet() -> SupervisedProblem:
    """Three classes of 8 × 8 pixels."""
    inputs = torch.randn(EXAMPLES, 1, 8, 8, generator=torch.Generator().manual_seed(1))
    blocks = convolutional_net((1, 8, 8), [4, 12], [16], 3, Activation("relu"))
    classes = inputs.flatten(1)[:, :3].argmax(1)
    return SupervisedProblem(blocks=blocks, data={"train": (inputs, classes)}, batch_size=BATCH)


def plain_losses(rule: Rule, problem: SupervisedProblem, batches: Iterator[Tensor]) -> Iterator[float]:
    """Train modules of their own from the problem's start; yields the loss before each step."""
    net = torch.nn.Sequential(*[block.build() for block in problem.blocks])
    torch.nn.utils.vector_to_parameters(problem.start(SeededStreams(0)).parameters.clone(), net.parameters())
    states: list[dict[str, Tensor]] = [{} for _ in net.parameters()]
    inputs, classes = problem.data["train"]
    for step, batch in enumerate(batches, start=1):
        net.zero_grad()
        loss = torch.nn.functional.cross_entropy(net(inputs[batch]), classes[batch])
        loss.backward()
        yield loss.item()
        with torch.no_grad():
            for parameter, state in zip(net.parameters(), states, strict=True):
                assert parameter.grad is not None
                rule(parameter, parameter.grad, state, step)


@pytest.mark.parametrize("method", METHODS)
def test_float32_losses_are_those_of_the_same_operations_in_a_plain_loop(
    method: str, trial: Any, build: Any, minibatches: Any
) -> None:
    name, options, rule = METHODS[method]

    _, log = trial(build(name, **options), convnet(), steps=STEPS, dtype=torch.float32)

    plain = plain_losses(rule, convnet(), minibatches(EXAMPLES, BATCH))
    expected = [next(plain) for _ in range(STEPS)]
    assert min(expected) < 0.9 * expected[0]
    assert list(log.trace()["value"]) == pytest.approx(expected, rel=0.0, abs=LAST_BIT)
