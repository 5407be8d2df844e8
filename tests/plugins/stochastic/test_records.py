"""The records of torch's classes agree with the classes."""

from __future__ import annotations

import inspect

import optbench_stochastic
import pytest
import torch

from optbench.api import OptimizerPlugin
from optbench.measure.factories import resolve

IMPLEMENTATION = {"foreach", "fused", "capturable", "differentiable"}  # choose how, not what
OURS = {"schedule", "bias_correction", "other_lr", "other_weight_decay"}  # of the adapter, adam and muon
LEFT_OUT = {
    "Adam": {"decoupled_weight_decay"},  # not in every supported torch; AdamW is that method
    "Adafactor": {"eps"},  # a pair with an entry that is no number by default
}
UNREGISTERED = {
    "SparseAdam": "takes sparse gradients only",
    "LBFGS": "is torch-lbfgs of the peers",
}
RECORDS = list(optbench_stochastic.optbench_optimizers())


@pytest.fixture(params=RECORDS, ids=lambda record: record.name)
def record(request: pytest.FixtureRequest) -> OptimizerPlugin:
    return request.param


def torchs(record: OptimizerPlugin) -> type[torch.optim.Optimizer]:
    """The class of torch.optim that a record is of: the factory itself, or the one of its name."""
    made: type[torch.optim.Optimizer] = getattr(torch.optim, resolve(record.factory).__name__)
    return made


def constructor(record: OptimizerPlugin) -> dict[str, inspect.Parameter]:
    signature = inspect.signature(torchs(record))
    return {key: parameter for key, parameter in signature.parameters.items() if key not in ("self", "params")}


def test_every_class_of_torch_is_registered_or_left_out_for_a_reason() -> None:
    classes = {
        name
        for name, cls in vars(torch.optim).items()
        if isinstance(cls, type) and issubclass(cls, torch.optim.Optimizer) and cls is not torch.optim.Optimizer
    }
    assert classes == {torchs(record).__name__ for record in RECORDS} | set(UNREGISTERED)


def test_what_is_left_out_can_not_be_used() -> None:
    parameter = torch.nn.Parameter(torch.ones(2))
    parameter.grad = torch.ones(2)
    with pytest.raises(RuntimeError, match="does not support dense gradients"):
        torch.optim.SparseAdam([parameter]).step()


def test_options_are_the_classs(record: OptimizerPlugin) -> None:
    left_out = IMPLEMENTATION | LEFT_OUT.get(torchs(record).__name__, set())
    assert set(record.options) - OURS == set(constructor(record)) - left_out
    assert "schedule" in record.options


def test_defaults_are_the_classs(record: OptimizerPlugin) -> None:
    for name in set(record.options) - OURS:
        default = constructor(record)[name].default
        default = "original" if (record.name, name) == ("muon", "adjust_lr_fn") and default is None else default
        assert record.options[name].default == (list(default) if isinstance(default, tuple) else default), name


def test_the_class_takes_its_defaults(record: OptimizerPlugin) -> None:
    options = {key: option.default for key, option in record.options.items() if key != "schedule"}

    made = resolve(record.factory)([torch.nn.Parameter(torch.zeros(2, 2))], **options)

    assert made.param_groups[0]["lr"] == options["lr"]


def test_the_learning_rate_is_lr_everywhere_and_tuning_knows_where_to_look(record: OptimizerPlugin) -> None:
    lr = record.options["lr"]
    assert lr.search == "log"
    assert lr.span is not None
    assert lr.span[0] <= lr.default <= lr.span[1]


def test_rmsprop_tells_where_delta_stands_and_where_momentum_acts() -> None:
    told = next(record for record in RECORDS if record.name == "rmsprop")
    assert "outside of the root" in told.summary
    assert "momentum acts on what is divided already" in told.summary
