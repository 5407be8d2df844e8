"""The multilayer perceptron, the data and the metrics."""

from __future__ import annotations

import itertools
import subprocess
import sys

import numpy as np
import pytest
import torch
from optbench_learning import metrics, optbench_metrics, optbench_problems
from optbench_learning.data import breast_cancer, digits, standardised
from optbench_learning.network_problems import mlp_digits
from optbench_learning.problems import softmax_digits

from optbench.api import Point, Refused
from optbench.api.initializing import glorot_uniform
from optbench.api.streams import SeededStreams

STREAMS = SeededStreams(0)


def mlp(hidden=(32,), *, activation="relu", l2=0.0, batch_size=64, dtype=torch.float64):
    return mlp_digits(
        device=torch.device("cpu"),
        dtype=dtype,
        streams=STREAMS,
        hidden=list(hidden),
        depth=1,
        examples=0,
        classes=[],
        activation=activation,
        pieces=2,
        l2=l2,
        batch_size=batch_size,
        sampling="without-replacement",
        weights=glorot_uniform,
        biases=glorot_uniform,
    )


def test_hidden_widths_make_the_blocks():
    problem = mlp([20, 15])
    assert [(block.name, block.role) for block in problem.blocks] == [
        ("hidden1", "hidden"),
        ("hidden2", "hidden"),
        ("output", "output"),
    ]
    assert problem.size == 64 * 20 + 20 + 20 * 15 + 15 + 15 * 10 + 10
    assert problem.forward_flops == 2 * (64 * 20 + 20 * 15 + 15 * 10)


@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid"])
def test_activation_is_applied_to_the_hidden_layer(activation):
    problem = mlp([6], activation=activation)
    x = problem.start(STREAMS).parameters
    weight, bias, last, offset = x.split([384, 6, 60, 10])
    inputs, targets = problem.data["train"]
    hidden = getattr(torch, activation)(inputs @ weight.view(6, 64).T + bias)
    expected = torch.nn.functional.cross_entropy(hidden @ last.view(10, 6).T + offset, targets)
    torch.testing.assert_close(problem.value(x), expected, rtol=1e-12, atol=0)


def test_training_on_minibatches_learns_the_digits():
    problem = mlp()
    x, before = problem.start(STREAMS).parameters, problem.evaluate(problem.start(STREAMS), "test")
    for batch in itertools.islice(problem.batches(STREAMS), 200):
        x = x - 0.3 * problem.gradient(x, batch)
    after = problem.evaluate(Point(parameters=x), "test")
    assert before["accuracy"] < 0.4
    assert after["accuracy"] > 0.85
    assert after["loss"] < before["loss"]


def test_batch_size_zero_takes_all_examples():
    problem = mlp(batch_size=0)
    assert problem.batch_size is None
    assert problem.batches(STREAMS) is None


@pytest.mark.parametrize(
    ("load", "train", "test"), [(breast_cancer, (427, 30), (142, 30)), (digits, (1348, 64), (449, 64))]
)
def test_every_fourth_example_is_for_testing(load, train, test):
    data = load()
    assert (data["x_train"].shape, data["x_test"].shape) == (train, test)
    assert len(np.unique(data["y_train"])) == len(np.unique(data["y_test"]))


def test_standardised_inputs_have_mean_zero_and_variance_one_and_constant_ones_are_zero():
    data = standardised(digits())
    deviations = data["x_train"].std(axis=0)
    assert np.abs(data["x_train"].mean(axis=0)).max() < 1e-12
    assert np.allclose(deviations[deviations > 0], 1)
    assert (deviations == 0).sum() == (digits()["x_train"].std(axis=0) == 0).sum() > 0


def test_a_warm_process_imports_no_sklearn_and_computes_no_minimum():
    softmax_digits(device=torch.device("cpu"), dtype=torch.float64, streams=STREAMS, l2=0.5, batch_size=0)
    script = (
        "import sys, torch, optbench_learning.problems as problems; problems.newton_minimum = None;"
        "problems.softmax_digits(device=torch.device('cpu'), dtype=torch.float64, streams=None, l2=0.5, batch_size=0);"
        "print('sklearn' in sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "False"


def test_hooks_import_no_torch():
    script = (
        "import sys, optbench_learning as p; list(p.optbench_problems()); list(p.optbench_metrics());"
        "print(sorted({'torch', 'numpy', 'sklearn'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_seeds_matter_where_something_is_drawn():
    plugins = {plugin.name: plugin for plugin in optbench_problems()}
    assert plugins["mlp-digits"].depends_on_seed({"batch_size": 0})
    assert not plugins["softmax-digits"].depends_on_seed({"batch_size": 0})
    assert plugins["softmax-digits"].depends_on_seed({"batch_size": 32})


def factory_of(name):
    plugin = next(plugin for plugin in optbench_metrics() if plugin.name == name)
    return getattr(metrics, plugin.factory.partition(":")[2])()


@pytest.mark.parametrize("split", ["train", "test"])
@pytest.mark.parametrize("quantity", ["loss", "accuracy"])
def test_split_metrics_are_what_evaluate_says(split, quantity):
    problem = mlp(l2=0.5)
    point = problem.start(STREAMS)
    assert factory_of(f"{split}-{quantity}")(problem, point) == problem.evaluate(point, split)[quantity]


def test_objective_and_gradient_metrics_take_all_examples():
    problem = mlp(l2=0.5)
    point = problem.start(STREAMS)
    assert factory_of("f")(problem, point) == float(problem.value(point.parameters))
    assert factory_of("gradient-norm")(problem, point) == float(problem.gradient(point.parameters).abs().max())


class ValueOnly:
    @staticmethod
    def value(x):
        return (x**4).sum()


def test_gradient_metric_falls_back_on_autograd():
    point = Point(parameters=torch.tensor([1.0, -2.0], dtype=torch.float64))
    assert factory_of("gradient-norm")(ValueOnly(), point) == 32


def test_metrics_that_do_not_apply_are_refused():
    class Opaque:
        @staticmethod
        def value(x):
            return torch.tensor(float(x.detach().sum()))

    point = Point(parameters=torch.ones(2, dtype=torch.float64))
    with pytest.raises(Refused, match="data"):
        factory_of("test-accuracy")(ValueOnly(), point)
    with pytest.raises(Refused, match="gradient"):
        factory_of("gradient-norm")(Opaque(), point)
