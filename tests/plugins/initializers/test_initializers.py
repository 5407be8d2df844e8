"""The initializers' distributions, and what they do to a model."""

from __future__ import annotations

import math

import pytest
import torch
from optbench_initializers import biases, optbench_initializers, weights
from optbench_initializers.data_dependent import DataDependent
from torch import nn

from optbench.api import Block, SupervisedProblem, UserError
from optbench.api.initializing import Initialization, Layer
from optbench.api.streams import SeededStreams

STREAMS = SeededStreams(3)
SHAPES = [(300, 200), (60, 50, 2, 2)]


def filled(initializer, *shape, name="hidden1.linear.weight"):
    tensor = torch.full(shape, torch.nan, dtype=torch.float64)
    assert initializer(name, tensor, STREAMS("weights", name)) is None
    return tensor


def fans(shape):
    places = math.prod(shape[2:])
    return shape[1] * places, shape[0] * places


def assert_uniform(tensor, bound):
    assert 0.999 * bound < float(tensor.abs().max()) <= bound
    assert_spread(tensor, bound / 3**0.5, kurtosis=1.8)


def assert_spread(tensor, std, kurtosis):
    """Mean, variance and fourth moment within five standard errors of those of the distribution."""
    count = tensor.numel()
    assert abs(float(tensor.mean())) < 5 * std / count**0.5
    assert float(tensor.square().mean()) == pytest.approx(std**2, rel=5 * ((kurtosis - 1) / count) ** 0.5)
    assert float(tensor.pow(4).mean() / std**4) == pytest.approx(kurtosis, rel=0.1)


@pytest.mark.parametrize("shape", SHAPES)
def test_uniform_fan_in_has_its_bound_and_variance(shape):
    assert_uniform(filled(weights.uniform_fan_in(), *shape), fans(shape)[0] ** -0.5)


@pytest.mark.parametrize("shape", SHAPES)
def test_glorot_uniform_has_its_bound_and_variance(shape):
    assert_uniform(filled(weights.glorot_uniform(), *shape), (6 / sum(fans(shape))) ** 0.5)


@pytest.mark.parametrize("shape", SHAPES)
def test_he_has_a_variance_of_two_over_the_inputs(shape):
    std = (2 / fans(shape)[0]) ** 0.5
    assert_spread(filled(weights.he(distribution="normal"), *shape), std, kurtosis=3)
    assert_uniform(filled(weights.he(distribution="uniform"), *shape), std * 3**0.5)


def test_gaussian_has_its_standard_deviation_also_for_biases():
    assert_spread(filled(weights.gaussian(std=0.2), 200, 200), 0.2, kurtosis=3)
    assert_spread(filled(weights.gaussian(std=0.2), 40000, name="hidden1.linear.bias"), 0.2, kurtosis=3)


@pytest.mark.parametrize("shape", SHAPES)
def test_sparse_has_exactly_k_weights_a_unit_that_are_not_zero(shape):
    tensor = filled(weights.sparse(k=15, std=2.0), *shape).flatten(1)
    assert (tensor != 0).sum(1).tolist() == [15] * shape[0]
    assert_spread(tensor[tensor != 0], 2.0, kurtosis=3) if shape == SHAPES[0] else None
    used = (tensor != 0).sum(0).double()
    assert float(used.max()) < used.mean() + 6 * used.mean() ** 0.5  # no input is preferred


def test_sparse_uses_every_input_where_there_are_fewer_than_k():
    assert bool((filled(weights.sparse(k=15, std=1.0), 7, 4) != 0).all())


@pytest.mark.parametrize("shape", [(30, 50), (50, 30), (20, 3, 3, 3)])
def test_orthogonal_has_orthogonal_rows_or_columns_of_length_gain(shape):
    tensor = filled(weights.orthogonal(gain=1.5), *shape).flatten(1)
    gram = tensor @ tensor.T if tensor.shape[0] <= tensor.shape[1] else tensor.T @ tensor
    torch.testing.assert_close(gram, 2.25 * torch.eye(len(gram), dtype=torch.float64), rtol=0, atol=1e-12)


def test_constant_is_constant():
    assert filled(weights.constant(value=0.3), 4, 5).unique().tolist() == [0.3]


@pytest.mark.parametrize("name", ["uniform_fan_in", "glorot_uniform", "he", "orthogonal", "sparse"])
def test_what_counts_inputs_is_refused_for_biases_in_one_line(name):
    options = {"he": {"distribution": "normal"}, "orthogonal": {"gain": 1.0}, "sparse": {"k": 1, "std": 1.0}}
    with pytest.raises(UserError, match="units have no inputs"):
        filled(getattr(weights, name)(**options.get(name, {})), 4, name="output.linear.bias")


def test_every_record_leads_to_a_factory_that_takes_its_options():
    modules = {"weights": weights, "biases": biases}
    for record in optbench_initializers():
        module, _, name = record.factory.rpartition(".")[2].partition(":")
        options = {option: declared.default for option, declared in record.options.items()}
        factory = DataDependent if module == "data_dependent" else getattr(modules[module], name)
        assert callable(factory(**options)), record.name


# ---- biases


def test_gate_raises_the_forget_gates_alone():
    gate = biases.Gate(c=2.0)
    assert filled(gate, 3, name="recurrent1.forget.bias").tolist() == [2.0] * 3
    assert filled(gate, 3, name="recurrent1.input.bias").tolist() == [0.0] * 3
    assert filled(gate, 3, name="forget.linear.bias").tolist() == [2.0] * 3


def layer(targets, role="output"):
    return Layer(block="output", role=role, module=nn.Linear(1, 1), outputs=lambda: targets, targets=targets)


def test_output_prior_predicts_the_frequencies_of_the_classes():
    bias = filled(biases.OutputPrior(), 3, name="output.linear.bias")
    assert not bias.any()
    biases.OutputPrior().adjust("output.linear.bias", bias, layer(torch.tensor([0, 1, 1, 2, 2, 2, 2, 1, -100, -100])))
    torch.testing.assert_close(bias.softmax(0), torch.tensor([1, 3, 4], dtype=torch.float64) / 8, rtol=1e-14, atol=0)


def test_output_prior_is_refused_for_weights_in_one_line():
    with pytest.raises(UserError, match="which are weights; biases alone take it"):
        filled(biases.OutputPrior(), 2, 3, name="output.linear.weight")


def test_output_prior_is_finite_where_a_class_has_no_examples():
    bias = torch.zeros(3, dtype=torch.float64)
    biases.OutputPrior().adjust("output.linear.bias", bias, layer(torch.tensor([1] * 100)))
    assert bool(bias.isfinite().all())
    assert float(bias.softmax(0)[1]) > 0.98


def test_output_prior_leaves_hidden_biases_alone_and_refuses_targets_that_are_no_classes():
    bias = torch.zeros(3, dtype=torch.float64)
    biases.OutputPrior().adjust("hidden1.linear.bias", bias, layer(torch.tensor([0, 0, 1]), role="hidden"))
    assert not bias.any()
    with pytest.raises(UserError, match="no classes"):
        biases.OutputPrior().adjust("output.linear.bias", bias, layer(torch.rand(5)))


# ---- in a model


def stack(inputs, outputs, activation=nn.Tanh):
    return nn.Sequential(nn.Linear(inputs, outputs), activation())


def net(initialize, *, depth=3, width=20, activation=nn.Tanh, dtype=torch.float64, batch_size=32):
    widths = [8] + [width] * depth
    blocks = [
        Block(name=f"hidden{k + 1}", role="hidden", build=lambda k=k: stack(widths[k], widths[k + 1], activation))
        for k in range(depth)
    ]
    blocks.append(Block(name="output", role="output", build=lambda: nn.Linear(widths[-1], 4)))
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(200, 8, generator=generator, dtype=torch.float64).to(dtype)
    targets = torch.randint(4, (200,), generator=generator)
    return SupervisedProblem(
        blocks=tuple(blocks), data={"train": (inputs, targets)}, initialize=initialize, batch_size=batch_size
    )


def linear_outputs(problem, x, inputs):
    """What each linear map of the net puts out, written out."""
    outputs = []
    parts = list(problem.layout.values())
    for (weight_at, shape), (bias_at, length) in zip(parts[::2], parts[1::2], strict=True):
        weight = x[weight_at : weight_at + math.prod(shape)].view(shape)
        outputs.append(inputs @ weight.T + x[bias_at : bias_at + length[0]])
        inputs = outputs[-1].tanh() if problem.blocks[0].build()[1].__class__ is nn.Tanh else outputs[-1].relu()
    return outputs


def guide(problem):
    """The minibatch that the initializer looks at."""
    order = torch.randperm(200, generator=STREAMS("weights", "minibatch"))
    return problem.data["train"][0][order[:32]]


@pytest.mark.parametrize("activation", [nn.Tanh, nn.ReLU])
@pytest.mark.parametrize("spread", [0.5, 1.0])
def test_data_dependent_brings_every_layers_spread_within_its_tolerance(activation, spread):
    made = DataDependent(spread=spread, tolerance=0.01, lower=True, attempts=10)
    problem = net(Initialization(weights=made, biases=biases.zero()), depth=8, activation=activation)
    x = problem.start(STREAMS).parameters
    spreads = [float(layer.std(correction=0)) for layer in linear_outputs(problem, x, guide(problem))]
    assert len(spreads) == 9
    assert spreads == pytest.approx([spread] * 9, abs=0.01)


def test_data_dependent_reaches_its_tolerance_with_biases_too_and_in_single_precision():
    made = DataDependent(spread=1.0, tolerance=0.01, lower=True, attempts=20)
    both = Initialization(weights=made, biases=weights.gaussian(std=0.3))
    double, single = net(both), net(both, dtype=torch.float32)
    x = double.start(STREAMS).parameters
    spreads = [float(layer.std(correction=0)) for layer in linear_outputs(double, x, guide(double))]
    assert spreads == pytest.approx([1.0] * 4, abs=0.01)
    torch.testing.assert_close(single.start(STREAMS).parameters, x.float(), rtol=1e-5, atol=1e-6)


def test_data_dependent_only_raises_what_is_too_small_where_told_so():
    def spreads(*, lower):
        made = DataDependent(spread=0.5, tolerance=0.01, lower=lower, attempts=10)
        problem = net(Initialization(weights=made, biases=biases.zero()), depth=8)
        x = problem.start(STREAMS).parameters
        return [float(layer.std(correction=0)) for layer in linear_outputs(problem, x, guide(problem))]

    raised = spreads(lower=False)
    assert raised[0] > 0.6
    assert all(spread > 0.489 for spread in raised)
    assert max(spreads(lower=True)) < 0.511


def test_data_dependent_gives_up_on_what_is_constant():
    made = DataDependent(spread=1.0, tolerance=0.1, lower=True, attempts=10)
    problem = net(Initialization(weights=made, biases=biases.zero()))
    inputs, targets = problem.data["train"]
    still = SupervisedProblem(
        blocks=problem.blocks, data={"train": (0 * inputs, targets)}, initialize=problem.initialize
    )
    assert bool(still.start(STREAMS).parameters.isfinite().all())


@pytest.mark.parametrize("activation", [nn.Tanh, nn.Sigmoid])
def test_a_symmetric_start_stays_symmetric(activation):
    """Units that start alike have equal incoming and outgoing weights after 100 steps on minibatches, too."""
    made = Initialization(weights=weights.constant(value=0.1), biases=biases.zero())
    problem = net(made, depth=2, activation=activation)
    x = start = problem.start(STREAMS).parameters
    batches = problem.batches(STREAMS)
    for _ in range(100):
        x = x - 0.3 * problem.gradient(x, next(batches))
    tensors = {name: x[at : at + math.prod(shape)].view(shape) for name, (at, shape) in problem.layout.items()}
    incoming, outgoing = tensors["hidden1.0.weight"], tensors["hidden2.0.weight"]
    assert float((x - start).abs().max()) > 0.03
    assert float((incoming - incoming[:1]).abs().max()) < 1e-12
    assert float((outgoing - outgoing[:, :1]).abs().max()) < 1e-12
    assert float((tensors["output.weight"] - tensors["output.weight"][:, :1]).abs().max()) < 1e-12
    random = net(Initialization(weights=weights.gaussian(std=0.1), biases=biases.zero()), depth=2)
    assert float(random.start(STREAMS).parameters[:160].view(20, 8).diff(dim=0).abs().max()) > 0.1


def test_scales_of_a_normalisation_keep_what_their_module_gave_them():
    hidden = Block(name="hidden1", role="hidden", build=lambda: nn.Sequential(nn.Linear(8, 5), nn.LayerNorm(5)))
    made = net(Initialization(weights=weights.constant(value=2.0), biases=weights.constant(value=3.0)))
    x = made.with_blocks([hidden]).start(STREAMS).parameters
    assert x.tolist() == [2.0] * 40 + [3.0] * 5 + [1.0] * 5 + [3.0] * 5
