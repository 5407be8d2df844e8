"""The records of torch's classes agree with the classes."""

from __future__ import annotations

import inspect
from importlib import import_module

import optbench_stochastic
import pytest
import torch

from optbench.api import OptimizerPlugin

IMPLEMENTATION = {"foreach", "fused", "capturable", "differentiable"}
NOT_IN_EVERY_TORCH = {"decoupled_weight_decay"}

RECORDS = list(optbench_stochastic.optbench_optimizers())


@pytest.fixture(params=RECORDS, ids=lambda record: record.name)
def record(request: pytest.FixtureRequest) -> OptimizerPlugin:
    return request.param


def constructor(record: OptimizerPlugin) -> dict[str, inspect.Parameter]:
    module, _, name = record.factory.partition(":")
    signature = inspect.signature(getattr(import_module(module), name))
    return {key: parameter for key, parameter in signature.parameters.items() if key not in ("self", "params")}


def test_options_are_the_classs(record: OptimizerPlugin) -> None:
    assert set(record.options) == set(constructor(record)) - IMPLEMENTATION - NOT_IN_EVERY_TORCH


def test_defaults_are_the_classs(record: OptimizerPlugin) -> None:
    for name, option in record.options.items():
        default = constructor(record)[name].default
        assert option.default == (list(default) if isinstance(default, tuple) else default), name


def test_the_class_takes_its_defaults(record: OptimizerPlugin) -> None:
    module, _, name = record.factory.partition(":")
    options = {key: option.default for key, option in record.options.items()}

    made = getattr(import_module(module), name)([torch.nn.Parameter(torch.zeros(2))], **options)

    assert made.defaults["lr"] == options["lr"]
