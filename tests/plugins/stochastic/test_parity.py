"""Methods follow a plain PyTorch loop, written out here, with the same start and minibatches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor

from optbench.api.streams import SeededStreams

Rule = Callable[[Tensor, Tensor, dict[str, Tensor], int], None]  # (parameter, gradient, its state, step from 1 on)


def sgd(parameter: Tensor, gradient: Tensor, state: dict[str, Tensor], step: int) -> None:
    parameter -= 0.1 * gradient


def momentum(parameter: Tensor, gradient: Tensor, state: dict[str, Tensor], step: int) -> None:
    state["v"] = 0.9 * state.get("v", torch.zeros_like(gradient)) + gradient
    parameter -= 0.05 * state["v"]


def nesterov(parameter: Tensor, gradient: Tensor, state: dict[str, Tensor], step: int) -> None:
    state["v"] = 0.9 * state.get("v", torch.zeros_like(gradient)) + gradient
    parameter -= 0.05 * (gradient + 0.9 * state["v"])


def adagrad(parameter: Tensor, gradient: Tensor, state: dict[str, Tensor], step: int) -> None:
    state["r"] = state.get("r", torch.zeros_like(gradient)) + gradient**2
    parameter -= 0.1 * gradient / (state["r"].sqrt() + 1e-10)


def rmsprop(parameter: Tensor, gradient: Tensor, state: dict[str, Tensor], step: int) -> None:
    state["r"] = 0.9 * state.get("r", torch.zeros_like(gradient)) + 0.1 * gradient**2
    parameter -= 0.01 * gradient / (state["r"].sqrt() + 1e-7)


def rmsprop_momentum(parameter: Tensor, gradient: Tensor, state: dict[str, Tensor], step: int) -> None:
    state["r"] = 0.9 * state.get("r", torch.zeros_like(gradient)) + 0.1 * gradient**2
    state["v"] = 0.5 * state.get("v", torch.zeros_like(gradient)) + gradient / (state["r"].sqrt() + 1e-7)
    parameter -= 0.01 * state["v"]


def adam(parameter: Tensor, gradient: Tensor, state: dict[str, Tensor], step: int) -> None:
    state["s"] = 0.9 * state.get("s", torch.zeros_like(gradient)) + 0.1 * gradient
    state["r"] = 0.99 * state.get("r", torch.zeros_like(gradient)) + 0.01 * gradient**2
    parameter -= 0.02 * (state["s"] / (1 - 0.9**step)) / ((state["r"] / (1 - 0.99**step)).sqrt() + 1e-8)


def uncorrected_adam(parameter: Tensor, gradient: Tensor, state: dict[str, Tensor], step: int) -> None:
    state["s"] = 0.9 * state.get("s", torch.zeros_like(gradient)) + 0.1 * gradient
    state["r"] = 0.99 * state.get("r", torch.zeros_like(gradient)) + 0.01 * gradient**2
    parameter -= 0.02 * state["s"] / (state["r"].sqrt() + 1e-8)


METHODS: dict[str, tuple[str, dict[str, Any], Rule]] = {
    "sgd": ("sgd", {"lr": 0.1}, sgd),
    "momentum": ("sgd", {"lr": 0.05, "momentum": 0.9}, momentum),
    "nesterov": ("sgd", {"lr": 0.05, "momentum": 0.9, "nesterov": True}, nesterov),
    "adagrad": ("adagrad", {"lr": 0.1}, adagrad),
    "rmsprop": ("rmsprop", {"lr": 0.01, "alpha": 0.9, "eps": 1e-7}, rmsprop),
    "rmsprop with momentum": (
        "rmsprop",
        {"lr": 0.01, "alpha": 0.9, "eps": 1e-7, "momentum": 0.5},
        rmsprop_momentum,
    ),
    "adam": ("adam", {"lr": 0.02, "betas": [0.9, 0.99]}, adam),
    "adam without correction": ("adam", {"lr": 0.02, "betas": [0.9, 0.99], "bias_correction": False}, uncorrected_adam),
}


def plain_losses(
    rule: Rule, start: Tensor, examples: tuple[Tensor, Tensor], batches: Iterator[Tensor]
) -> Iterator[float]:
    """Train the 12-8-5-3 net, matrices and biases one after the other in `start`; yields the loss before each step."""
    shapes = ((8, 12), (8,), (5, 8), (5,), (3, 5), (3,))
    parameters = []
    for shape in shapes:
        length = torch.Size(shape).numel()
        parameters.append(start[:length].reshape(shape).clone().requires_grad_())
        start = start[length:]
    states: list[dict[str, Tensor]] = [{} for _ in parameters]
    for step, batch in enumerate(batches, start=1):
        first, b1, second, b2, third, b3 = parameters
        outputs = torch.tanh(torch.tanh(examples[0][batch] @ first.T + b1) @ second.T + b2) @ third.T + b3
        loss = torch.nn.functional.cross_entropy(outputs, examples[1][batch])
        for parameter in parameters:
            parameter.grad = None
        loss.backward()
        yield float(loss.detach())
        with torch.no_grad():
            for parameter, state in zip(parameters, states, strict=True):
                assert parameter.grad is not None
                rule(parameter, parameter.grad, state, step)


@pytest.fixture(params=METHODS)
def method(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any], Rule]:
    return METHODS[request.param]


@pytest.mark.parametrize(
    ("dtype", "steps", "tolerance"),
    [(torch.float32, 100, 1e-6), pytest.param(torch.float64, 500, 1e-9, marks=pytest.mark.slow)],
)
def test_losses_are_those_of_a_plain_loop(
    method: Any,
    dtype: torch.dtype,
    steps: int,
    tolerance: float,
    small_net: Any,
    trial: Any,
    build: Any,
    minibatches: Any,
) -> None:
    name, options, rule = method
    problem = small_net(dtype)
    start = problem.start(SeededStreams(0)).parameters

    _, log = trial(build(name, **options), problem, steps=steps, dtype=dtype)

    losses = torch.tensor(list(log.trace()["value"]), dtype=torch.float64)
    plain = plain_losses(rule, start, problem.data["train"], minibatches(200, 16))
    expected = torch.tensor([next(plain) for _ in range(steps)], dtype=torch.float64)
    assert len(losses) == steps
    assert losses[-20:].mean() < 0.8 * losses[:20].mean()
    torch.testing.assert_close(losses, expected, rtol=0.0, atol=tolerance)
