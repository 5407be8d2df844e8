"""Every method on minibatches of one, with a short last one, in both precisions, and with nothing to learn."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import optbench_descent
import optbench_newton
import optbench_quasinewton
import optbench_stochastic
import pytest
import torch

from optbench.api import Block
from optbench.api.streams import SeededStreams
from optbench.measure.factories import build_optimizer
from optbench.records import Status
from optbench.registry import check_options

CURVED = {"cg", "lbfgs", "newton-cg"}  # of the deterministic methods, those that hold a minibatch for a step
RECORDS = {
    record.name: record
    for plugin in (optbench_stochastic, optbench_descent, optbench_quasinewton, optbench_newton)
    for record in plugin.optbench_optimizers()
    if plugin is optbench_stochastic or record.name in CURVED
}
OPTIONS: dict[str, dict[str, Any]] = {"sgd": {"lr": 0.1}, "adagrad": {"lr": 0.05}, "asgd": {"lr": 0.1}}
DTYPES = [torch.float32, torch.float64]


@pytest.fixture(params=RECORDS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def method(name: str) -> Any:
    record = RECORDS[name]
    values, mistakes = check_options(OPTIONS.get(record.name, {}), record.options, record.name)
    assert not mistakes
    return build_optimizer(record.factory, values)


def loss(problem: Any, x: torch.Tensor) -> float:
    return float(problem.value(x))


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize(("examples", "batch_size"), [(24, 1), (33, 16)], ids=["of one", "the last of one"])
def test_small_minibatches_are_learnt_from(
    name: str, method: Any, dtype: torch.dtype, examples: int, batch_size: int, small_net: Any, trial: Any
) -> None:
    problem = small_net(dtype, examples=examples, batch_size=batch_size)
    sizes = [len(batch) for batch in itertools.islice(problem.batches(SeededStreams(0)), 3)]
    assert 1 in sizes

    outcome, log = trial(method, problem, steps=30, dtype=dtype)

    end = outcome.point.parameters
    assert outcome.status in (Status.BUDGET, Status.OK)
    assert end.dtype == dtype
    assert torch.isfinite(end).all()
    assert torch.isfinite(torch.tensor(list(log.trace()["value"]))).all()
    assert not torch.equal(end, problem.start(SeededStreams(0)).parameters)
    if batch_size > 1 and name not in CURVED:  # what is best for one example may well be bad for the others
        assert loss(problem, end) < loss(problem, problem.start(SeededStreams(0)).parameters)


def test_a_class_that_all_examples_are_of_is_learnt(method: Any, small_net: Any, trial: Any) -> None:
    problem = small_net(torch.float64)
    inputs, classes = problem.data["train"]
    problem = replace(problem, data={"train": (inputs, torch.zeros_like(classes))})

    outcome, _ = trial(method, problem, steps=30)

    end = outcome.point.parameters
    assert outcome.status in (Status.BUDGET, Status.OK)
    assert torch.isfinite(end).all()
    assert loss(problem, end) < loss(problem, problem.start(SeededStreams(0)).parameters)


def test_where_there_is_one_class_at_all_the_loss_is_zero_and_stays(method: Any, small_net: Any, trial: Any) -> None:
    problem = small_net(torch.float32)
    inputs, classes = problem.data["train"]
    output = Block(name="output", role="output", build=lambda: torch.nn.Linear(5, 1))
    blocks = (*problem.blocks[:-1], output)
    problem = replace(problem, blocks=blocks, data={"train": (inputs, torch.zeros_like(classes))})

    outcome, _ = trial(method, problem, steps=5, dtype=torch.float32)

    assert outcome.status in (Status.BUDGET, Status.OK)
    assert torch.isfinite(outcome.point.parameters).all()
    assert loss(problem, outcome.point.parameters) == 0.0
