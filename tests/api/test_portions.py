"""Evaluations over all examples go by portions and are those of all at once."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch.nn import functional

from optbench.api import Block, SupervisedProblem, learning
from optbench.api.streams import SeededStreams
from optbench.api.weighting import IGNORED

STREAMS = SeededStreams(0)
EXAMPLES, AT_ONCE = 23, 5
GENERATOR = torch.Generator().manual_seed(1)
INPUTS = torch.randn(EXAMPLES, 4, 6, generator=GENERATOR, dtype=torch.float64)
NUMBERS = torch.randn(EXAMPLES, 3, 6, generator=GENERATOR, dtype=torch.float64)
# Of a sequence's six steps, fewer and fewer count; in the second portion none does.
TOKENS = torch.randint(3, (EXAMPLES, 6), generator=GENERATOR)
TOKENS[torch.arange(EXAMPLES)[:, None] // 4 > torch.arange(6)] = IGNORED
TOKENS[AT_ONCE : 2 * AT_ONCE] = IGNORED
LOSSES = {
    "classes": (functional.cross_entropy, TOKENS),
    "numbers": (functional.mse_loss, NUMBERS),
    "shares": (functional.binary_cross_entropy_with_logits, NUMBERS.sigmoid()),
}


class Steps(torch.nn.Linear):
    """A linear map of each step, (B, 4, T) to (B, 3, T); counts the examples that it sees at once."""

    seen: int = 0

    def forward(self, inputs):
        Steps.seen = max(Steps.seen, len(inputs))
        return super().forward(inputs.transpose(1, 2)).transpose(1, 2).tanh()


def problem(name, **fields):
    loss, targets = LOSSES[name]
    blocks = (Block(name="output", role="output", build=lambda: Steps(4, 3)),)
    return SupervisedProblem(blocks=blocks, data={"train": (INPUTS, targets)}, loss=loss, l2=0.1, **fields)


def evaluated(made):
    x = made.start(STREAMS).parameters + 0.1
    v = torch.arange(made.size, dtype=torch.float64).cos()
    return [
        made.value(x),
        *made.value_and_gradient(x),
        *made.value_and_gradient_tensors(x)[1],
        made.hessian_vector(x, v),
        made.gauss_newton_vector(x, v),
        torch.autograd.functional.hessian(made.value, x) @ v,
    ]


@pytest.mark.parametrize("name", LOSSES)
def test_portions_add_up_to_the_whole(name, monkeypatch):
    whole = evaluated(problem(name))
    monkeypatch.setattr(learning, "_AT_ONCE", AT_ONCE)
    monkeypatch.setattr(Steps, "seen", 0)
    for found, expected in zip(evaluated(problem(name)), whole, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-14)
    assert Steps.seen == AT_ONCE


def test_a_minibatch_is_one_portion_however_large(monkeypatch):
    monkeypatch.setattr(learning, "_AT_ONCE", AT_ONCE)
    made = problem("numbers")
    x = made.start(STREAMS).parameters
    monkeypatch.setattr(Steps, "seen", 0)
    made.value_and_gradient(x, torch.arange(EXAMPLES))
    assert Steps.seen == EXAMPLES


class Normalising(torch.nn.Module):
    normalises_by_batch = True

    def forward(self, inputs):
        return inputs - inputs.mean(0)


def largest(targets, outputs, reduction):
    return (outputs - targets).abs().amax()


@pytest.mark.parametrize(
    "change",
    [
        lambda made: made.with_loss(lambda outputs, targets, reduction: largest(targets, outputs, reduction)),
        lambda made: made.with_blocks([Block(name="norm", role="hidden", build=Normalising), *made.blocks]),
        lambda made: made.with_blocks(
            [Block(name="norm", role="hidden", build=lambda: torch.nn.BatchNorm1d(4)), *made.blocks]
        ),
    ],
    ids=["no-mean", "normalises", "keeps-statistics"],
)
def test_what_is_no_mean_over_examples_is_taken_whole(change, monkeypatch):
    monkeypatch.setattr(learning, "_AT_ONCE", AT_ONCE)
    made = change(replace(problem("numbers"), dtype=torch.float64))
    x = made.start(STREAMS).parameters
    monkeypatch.setattr(Steps, "seen", 0)
    made.value_and_gradient(x)
    assert Steps.seen == EXAMPLES
