"""Batch normalisation of models against torch's own modules and against its formulas."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from optbench_meta.batch_norm import batch_norm
from optbench_meta.normalisation import BatchNorm, Settings
from torch import nn

from optbench.api import Block, Point, Recipe, Refused, Stage, SupervisedProblem, UserError
from optbench.api.streams import SeededStreams
from optbench.testing.meta_rig import GradientDescent, run
from optbench.testing.trials import place
from optbench.testing.workloads import Bowl

STREAMS = SeededStreams(5)
EPS = 1e-8
DEFAULTS = {
    "variant": "normalise",
    "placement": "XW",
    "layers": [],
    "momentum": 0.1,
    "eps": EPS,
    "affine": True,
    "per_location": False,
    "penalty": 0.1,
}


def stacked(**modules):
    made = nn.Sequential()
    for name, module in modules.items():
        made.add_module(name, module)
    return made


def block(name, build, role="hidden"):
    return Block(name=name, role=role, build=build)


def examples(shape, count=24):
    generator = torch.Generator().manual_seed(count)
    return torch.randn(count, *shape, generator=generator, dtype=torch.float64), torch.arange(count) % 3


def problem_of(blocks, data, batch_size=8, **options):
    return SupervisedProblem(blocks=tuple(blocks), data={"train": data, "test": data}, batch_size=batch_size, **options)


def dense(**options):
    blocks = (
        block("hidden1", lambda: stacked(linear=nn.Linear(4, 5), activation=nn.Tanh())),
        block("hidden2", lambda: stacked(linear=nn.Linear(5, 6), activation=nn.Tanh())),
        block("output", lambda: nn.Linear(6, 3), "output"),
    )
    return problem_of(blocks, examples((4,)), **options)


def convolutional(**options):
    blocks = (
        block("convolution1", lambda: stacked(convolution=nn.Conv2d(2, 3, 3, padding="same"), activation=nn.Tanh())),
        block("flatten", nn.Flatten),
        block("hidden1", lambda: stacked(linear=nn.Linear(48, 5), activation=nn.Tanh())),
        block("output", lambda: nn.Linear(5, 3), "output"),
    )
    return problem_of(blocks, examples((2, 4, 4)), **options)


class Sequence(nn.Module):
    def forward(self, inputs):
        return inputs.unflatten(1, (2, 2))


def recipe_of(problem, optimizer=None):
    return Recipe(stages=(Stage(problem=problem, optimizer=optimizer or GradientDescent()),))


def applied(problem, **options):
    (stage,) = batch_norm(**{**DEFAULTS, **options})(recipe_of(problem), STREAMS).stages
    return stage.problem


def tensors(problem, x):
    return {name: x[at : at + torch.Size(shape).numel()].view(shape) for name, (at, shape) in problem.layout.items()}


def torch_dense():
    return nn.Sequential(
        nn.Linear(4, 5, bias=False),
        nn.BatchNorm1d(5, eps=EPS),
        nn.Tanh(),
        nn.Linear(5, 6, bias=False),
        nn.BatchNorm1d(6, eps=EPS),
        nn.Tanh(),
        nn.Linear(6, 3),
    )


def torch_convolutional():
    return nn.Sequential(
        nn.Conv2d(2, 3, 3, padding="same", bias=False),
        nn.BatchNorm2d(3, eps=EPS),
        nn.Tanh(),
        nn.Flatten(),
        nn.Linear(48, 5, bias=False),
        nn.BatchNorm1d(5, eps=EPS),
        nn.Tanh(),
        nn.Linear(5, 3),
    )


@pytest.mark.parametrize(("made", "reference"), [(dense, torch_dense), (convolutional, torch_convolutional)])
def test_values_gradients_and_running_averages_are_those_of_torch_s_modules(made, reference):
    problem, net = applied(made()), reference().double()
    x = problem.start(STREAMS).parameters
    x = x + 0.1 * torch.arange(len(x), dtype=x.dtype).cos()
    nn.utils.vector_to_parameters(x, net.parameters())  # the same order: weights, then scale and shift
    batches = problem.batches(STREAMS)
    for _ in range(3):
        batch = next(batches)
        inputs, targets = (part[batch] for part in problem.data["train"])
        loss = nn.functional.cross_entropy(net(inputs), targets)
        expected = nn.utils.parameters_to_vector(torch.autograd.grad(loss, list(net.parameters())))
        value, gradient = problem.value_and_gradient(x, batch)
        torch.testing.assert_close(value, loss.detach(), rtol=1e-10, atol=0)
        torch.testing.assert_close(gradient, expected, rtol=1e-10, atol=1e-12)
        problem.commit(x)
    buffers = [
        module.get_buffer(name)
        for module in net
        if isinstance(module, nn.modules.batchnorm._BatchNorm)
        for name in ("running_mean", "running_var")
    ]
    torch.testing.assert_close(problem.statistics(), torch.cat(buffers), rtol=1e-10, atol=1e-12)
    net.eval()
    inputs, targets = problem.data["test"]
    alone = {**problem.data, "test": (inputs[:1], targets[:1])}
    judged = replace(problem, data=alone).evaluate(Point(parameters=x, statistics=problem.statistics()), "test")
    assert judged["loss"] == pytest.approx(nn.functional.cross_entropy(net(inputs[:1]), targets[:1]).item(), rel=1e-10)


def written_out(inputs, eps, dims):
    """8.35-8.37, with the biased variance."""
    mean = inputs.mean(dims, keepdim=True)
    return (inputs - mean) / (eps + (inputs - mean).square().mean(dims, keepdim=True)).sqrt()


def settings(**changes):
    return Settings(**{"momentum": 0.1, "eps": EPS, "affine": True, "per_location": False, **changes})


@pytest.mark.parametrize("eps", [1e-8, 0.3])
def test_outputs_are_those_of_the_book_s_equations(eps):
    module = BatchNorm((4,), settings(eps=eps)).double()
    inputs, _ = examples((4,))
    torch.testing.assert_close(module(inputs), written_out(inputs, eps, 0), rtol=1e-12, atol=1e-13)


def test_a_feature_map_shares_its_statistics_over_places_unless_each_place_has_its_own():
    inputs, _ = examples((2, 3, 3))
    shared = BatchNorm((2, 3, 3), settings()).double()
    torch.testing.assert_close(shared(inputs), written_out(inputs, EPS, (0, 2, 3)), rtol=1e-12, atol=1e-13)
    assert shared.weight.shape == shared.running_mean.shape == (2,)
    own = BatchNorm((2, 3, 3), settings(per_location=True)).double()
    torch.testing.assert_close(own(inputs), written_out(inputs, EPS, 0), rtol=1e-12, atol=1e-13)
    assert own.weight.shape == own.running_mean.shape == (18,)


@pytest.mark.parametrize("eps", [1e-8, 1e-2, 1.0])
@pytest.mark.parametrize("shape", [(4,), (3, 2, 2)])
def test_the_gradient_proposes_no_shift_and_only_delta_s_part_of_a_scale(shape, eps):
    module = BatchNorm(shape, settings(affine=False, eps=eps)).double()
    inputs = (3 * examples(shape)[0] + 2).requires_grad_()
    slopes = examples(shape, 25)[0][:24].cos()
    outputs = module(inputs)
    (gradient,) = torch.autograd.grad(outputs, inputs, slopes)
    dims = [0, *range(2, inputs.ndim)]
    shift, size = gradient.sum(dims), gradient.abs().sum(dims)
    assert (shift.abs() <= 1e-12 * size).all()
    variance, mean = torch.var_mean(inputs.detach(), dims, correction=0, keepdim=True)
    scale = ((inputs.detach() - mean) * gradient).sum(dims)
    through = (outputs.detach() * slopes).sum(dims)
    expected = eps / (variance.flatten() + eps) * through
    assert ((scale - expected).abs() <= 1e-10 * (outputs.detach() * slopes).abs().sum(dims)).all()


def test_the_gradient_flows_through_the_statistics():
    problem = applied(dense(batch_size=None))
    x = problem.start(STREAMS).parameters + 0.1
    gradient = problem.gradient(x)
    units = torch.eye(len(x), dtype=x.dtype)
    differences = torch.stack([(problem.value(x + 1e-5 * u) - problem.value(x - 1e-5 * u)) / 2e-5 for u in units])
    torch.testing.assert_close(gradient, differences, rtol=1e-6, atol=1e-9)


def test_no_bias_is_left_in_a_normalised_layer_and_the_output_layer_is_left_alone():
    problem = applied(dense())
    assert list(problem.layout) == [
        "hidden1.linear.weight",
        "hidden1.linear.normalisation.weight",
        "hidden1.linear.normalisation.bias",
        "hidden2.linear.weight",
        "hidden2.linear.normalisation.weight",
        "hidden2.linear.normalisation.bias",
        "output.weight",
        "output.bias",
    ]


def test_without_affine_there_is_neither_scale_nor_shift():
    assert list(applied(dense(), affine=False).layout) == [
        "hidden1.linear.weight",
        "hidden2.linear.weight",
        "output.weight",
        "output.bias",
    ]


def test_what_both_arms_have_starts_alike():
    plain, normalised = dense(), applied(dense())
    before, after = (tensors(made, made.start(STREAMS).parameters) for made in (plain, normalised))
    for name in ("hidden1.linear.weight", "hidden2.linear.weight", "output.weight", "output.bias"):
        assert torch.equal(before[name], after[name])
    assert (after["hidden1.linear.normalisation.weight"] == 1).all()
    assert (after["hidden1.linear.normalisation.bias"] == 0).all()


def test_layers_chooses_blocks_and_momentum_weighs_the_new_batch():
    problem = applied(dense(batch_size=None), layers=["hidden2"], momentum=1.0)
    assert list(problem.statistics_layout) == [
        f"hidden2.linear.normalisation.running_{name}" for name in ("mean", "var")
    ]
    x = problem.start(STREAMS).parameters
    problem.value(x)
    problem.commit(x)
    parts = tensors(problem, x)
    inputs = problem.data["train"][0]
    given = (inputs @ parts["hidden1.linear.weight"].T + parts["hidden1.linear.bias"]).tanh()
    products = given @ parts["hidden2.linear.weight"].T
    expected = torch.cat((products.mean(0), products.var(0)))  # the unbiased variance, as the record says
    torch.testing.assert_close(problem.statistics(), expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("placement", ["X", "input"])
def test_inputs_may_be_normalised_instead_and_biases_stay(placement):
    problem = applied(dense(batch_size=None), placement=placement)
    x = problem.start(STREAMS).parameters + 0.05
    parts = tensors(problem, x)
    name = "normalisation" if placement == "input" else "hidden1.linear.normalisation"
    given, targets = problem.data["train"]
    given = parts[f"{name}.weight"] * written_out(given, EPS, 0) + parts[f"{name}.bias"]
    given = (given @ parts["hidden1.linear.weight"].T + parts["hidden1.linear.bias"]).tanh()
    if placement == "X":
        below = "hidden2.linear.normalisation"
        given = parts[f"{below}.weight"] * written_out(given, EPS, 0) + parts[f"{below}.bias"]
    given = (given @ parts["hidden2.linear.weight"].T + parts["hidden2.linear.bias"]).tanh()
    expected = nn.functional.cross_entropy(given @ parts["output.weight"].T + parts["output.bias"], targets)
    torch.testing.assert_close(problem.value(x), expected, rtol=1e-12, atol=0)


def test_each_place_of_a_picture_may_have_statistics_of_its_own():
    problem = applied(convolutional(), per_location=True)
    sizes = {name: shape for name, (_, shape) in problem.statistics_layout.items()}
    assert sizes["convolution1.convolution.normalisation.running_mean"] == (3 * 4 * 4,)
    assert sizes["hidden1.linear.normalisation.running_mean"] == (5,)


# ---- the chain of weights (8.34): what lies below a normalisation has no effect


def chain(lower):
    """ŷ = x w₁ … w₄ w₅ with the outputs of block 4 normalised, and w₅ = 0.7."""
    blocks = [block(f"weight{k}", lambda: stacked(linear=nn.Linear(1, 1, bias=False))) for k in range(1, 5)]
    blocks.append(block("weight5", lambda: stacked(linear=nn.Linear(1, 1, bias=False)), "output"))
    inputs, _ = examples((1,))
    problem = applied(
        problem_of(blocks, (inputs, inputs), batch_size=None, loss=nn.functional.mse_loss),
        layers=["weight4"],
        affine=False,
    )
    x = torch.tensor([*lower, 0.7], dtype=torch.float64)
    module = problem.model
    with torch.no_grad():
        for parameter, value in zip(module.parameters(), x, strict=True):
            parameter.copy_(value)
        outputs = module(inputs)
    variance = float((torch.tensor(lower).prod() * inputs).var(correction=0))
    return outputs, variance


@pytest.mark.parametrize(
    "lower", [(1.0, 1.0, 1.0, 1.0), (2.0, 0.5, 3.0, 1.5), (0.2, 0.2, 0.5, 1.0), (-1.0, -2.0, 1.0, 1.0)]
)
def test_lower_layers_of_a_chain_have_no_effect_where_their_variance_is_well_above_delta(lower):
    outputs, variance = chain(lower)
    assert variance >= 1e4 * EPS
    reference, _ = chain((5.0, 5.0, 5.0, 5.0))
    assert (outputs - reference).abs().max() <= 1.1 * EPS / (2 * variance) * reference.abs().max() + 1e-14


def test_the_degenerate_cases_of_a_chain_are_a_weight_of_zero_and_a_turned_sign():
    reference, _ = chain((1.0, 1.0, 1.0, 1.0))
    vanished, _ = chain((1.0, 0.0, 1.0, 1.0))
    turned, _ = chain((1.0, -1.0, 1.0, 1.0))
    assert (vanished == 0).all()
    torch.testing.assert_close(turned, -reference, rtol=1e-12, atol=1e-12)


# ---- what there was before


def test_the_penalty_is_on_means_and_on_variances_apart_from_one():
    problem = applied(dense(batch_size=None), variant="penalty", penalty=0.3)
    plain = dense(batch_size=None)
    x = plain.start(STREAMS).parameters
    assert list(problem.layout) == list(plain.layout)
    parts = tensors(plain, x)
    first = plain.data["train"][0] @ parts["hidden1.linear.weight"].T + parts["hidden1.linear.bias"]
    second = first.tanh() @ parts["hidden2.linear.weight"].T + parts["hidden2.linear.bias"]
    added = sum((h.mean(0).square() + (h.var(0, correction=0) - 1).square()).mean() for h in (first, second))
    torch.testing.assert_close(problem.value(x), plain.value(x) + 0.3 * added, rtol=1e-12, atol=0)
    assert problem.evaluate(Point(parameters=x), "test") == plain.evaluate(Point(parameters=x), "test")
    with pytest.raises(Refused, match="adds terms"):
        problem.gauss_newton_vector(x, x)


def test_a_penalised_model_is_measured_without_its_penalty():
    problem = dense(batch_size=None)
    (stage,) = batch_norm(**{**DEFAULTS, "variant": "penalty"})(recipe_of(problem), STREAMS).stages
    point = stage.problem.start(STREAMS)
    assert stage.measured is problem
    assert stage.judged.point(point) is point


def test_after_each_step_the_hidden_layers_are_renormalised_on_its_minibatch():
    problem = dense(batch_size=None)
    recipe = batch_norm(**{**DEFAULTS, "variant": "renormalise", "eps": 1e-12})(recipe_of(problem), STREAMS)
    trial = run(recipe, place(), evaluations=12)
    plain_trial = run(recipe_of(problem), place(), evaluations=12)
    assert trial.ledger.steps < plain_trial.ledger.steps  # each step costs one more value, which is counted
    assert trial.ledger.counts["value"] == 12
    for x in trial.points[1:]:
        parts = tensors(problem, x)
        hidden = problem.data["train"][0]
        for name in ("hidden1", "hidden2"):
            before = hidden @ parts[f"{name}.linear.weight"].T + parts[f"{name}.linear.bias"]
            torch.testing.assert_close(before.mean(0), torch.zeros_like(before[0]), rtol=0, atol=1e-12)
            torch.testing.assert_close(before.var(0, correction=0), torch.ones_like(before[0]), rtol=1e-9, atol=0)
            hidden = before.tanh()


def test_renormalising_gives_layers_without_a_bias_one():
    blocks = (
        block("hidden1", lambda: stacked(linear=nn.Linear(4, 5, bias=False), activation=nn.Tanh())),
        block("output", lambda: nn.Linear(5, 3), "output"),
    )
    problem = applied(problem_of(blocks, examples((4,))), variant="renormalise")
    assert "hidden1.linear.bias" in problem.layout


# ---- what is refused


def refusal(problem, **options):
    with pytest.raises(Refused) as refused:
        applied(problem, **options)
    return str(refused.value)


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(2, 2))

    def forward(self, inputs):
        return (inputs @ self.weight).flatten(1)


def test_weights_in_other_than_linear_and_convolutional_layers_are_refused():
    blocks = (
        block("order", Sequence, "input"),
        block("recurrent1", Recurrent),
        block("output", lambda: nn.Linear(4, 3), "output"),
    )
    told = "block recurrent1 (Recurrent) holds weights outside of linear and convolutional layers"
    assert told in refusal(problem_of(blocks, examples((4,))))


def test_a_model_without_hidden_layers_and_what_is_no_model_are_refused():
    shallow = problem_of([block("output", lambda: nn.Linear(4, 3), "output")], examples((4,)))
    assert refusal(shallow) == "batch-norm wants a hidden layer; the model's blocks are output"
    assert refusal(Bowl(3, place())) == "batch-norm wants a model of blocks; Bowl has none"


def test_steps_of_a_sequence_and_unknown_blocks_are_refused():
    blocks = (
        block("order", Sequence, "input"),
        block("hidden1", lambda: nn.Linear(2, 3)),
        block("output", lambda: stacked(flat=nn.Flatten(), linear=nn.Linear(6, 3)), "output"),
    )
    problem = problem_of(blocks, examples((4,)))
    assert "hidden1 is applied at each step of a sequence" in refusal(problem)
    assert "no block 'hidden9'; its blocks are order, hidden1, output" in refusal(problem, layers=["hidden9"])


@pytest.mark.parametrize("placement", ["XW", "X", "input"])
def test_a_model_is_normalised_once(placement):
    assert "normalised already" in refusal(applied(dense(), placement=placement), placement=placement)


@pytest.mark.parametrize("before", ["normalise", "renormalise"])
def test_what_a_layer_puts_out_is_not_both_normalised_and_renormalised(before):
    after = "normalise" if before == "renormalise" else "renormalise"
    for second in (after, "renormalise"):
        assert "hidden1.linear is normalised already" in refusal(applied(dense(), variant=before), variant=second)


def test_a_layer_of_normalised_inputs_may_be_renormalised():
    problem = applied(applied(dense(), placement="X"), variant="renormalise")
    assert problem.layout == applied(dense(), placement="X").layout


@pytest.mark.parametrize("variant", ["normalise", "penalty"])
def test_a_training_batch_of_one_example_is_refused(variant):
    problem = applied(dense(batch_size=1), variant=variant)
    with pytest.raises(UserError, match="2 or more, for the model normalises by batch"):
        problem.batches(STREAMS)


def test_one_example_is_no_batch_whoever_asks():
    problem = applied(convolutional())
    with pytest.raises(UserError, match="a training batch of one example"):
        problem.value(problem.start(STREAMS).parameters, torch.tensor([3]))
