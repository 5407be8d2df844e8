"""Every net: its gradients, its blocks and costs, against formulas, differences and torch's own layers."""

from __future__ import annotations

import math

import pytest
import torch
from optbench_learning.models import networks
from optbench_learning.models.layers import ELEMENTWISE, MAXOUT, Activation, Maxout, Skip
from optbench_learning.models.recurrent import CELLS, recurrent_net
from torch import nn

from optbench.api import SupervisedProblem, UserError
from optbench.api.errors import MissingData
from optbench.api.initializing import Initialization, glorot_uniform
from optbench.api.modules import count_flops
from optbench.api.streams import SeededStreams
from optbench.measure.place import Place
from optbench.registry import load_catalogue, missing_library
from optbench.testing.subject import Subject
from optbench.testing.trials import place

CATALOGUE = load_catalogue()
NETS = [item for item in CATALOGUE.records("problems") if item.record.kind == "learning"]
STREAMS = SeededStreams(0)
RELU = Activation("relu")


def small(registered, where=None, **options):
    """Build the small copy of a problem, which says why where its data are missing."""
    if why := missing_library(registered.record):
        pytest.skip(why)
    subject = Subject.with_options(registered, options, CATALOGUE)
    try:
        return subject.problem(where or place())
    except MissingData as missing:
        pytest.skip(str(missing))


def named(name, **options):
    return small(CATALOGUE.get("problems", name), **options)


OF_THE_EXAMPLES = {"sampling", "mixed", "scaling"}  # options that leave the model alone
KINKED = {"relu", "maxout"}


def models(registered):
    """Yield the options of each model that a problem's options choose among, so that a new one is looked at, too."""
    declared = registered.record.options
    for name, option in declared.items():
        values = option.choices or ((True, False) if isinstance(option.default, bool) else ())
        yield from ({name: value} for value in values if name not in OF_THE_EXAMPLES)
    if "activation" not in declared:
        yield {}


MODELS = [pytest.param(item, chosen, id=f"{item.name}-{chosen}") for item in NETS for chosen in models(item)]


@pytest.mark.parametrize(("registered", "chosen"), MODELS)
def test_gradients_and_products_are_those_of_differences(registered, chosen):
    """In float64 at a point beside the start, on a minibatch, where kinks are further away than the step."""
    problem = small(registered, **chosen)
    generator = torch.Generator().manual_seed(5)
    x = problem.start(STREAMS).parameters
    x = x + 0.1 * torch.randn(problem.size, generator=generator, dtype=torch.float64)
    direction = nn.functional.normalize(torch.randn(problem.size, generator=generator, dtype=torch.float64), dim=0)
    batches = problem.batches(STREAMS)
    batch = next(batches) if batches else None
    activation = registered.record.options.get("activation")
    kinked = activation is not None and chosen.get("activation", activation.default) in KINKED
    step = 1e-6 if kinked else 1e-4
    _, gradient = problem.value_and_gradient(x, batch)
    slope = difference(lambda t: problem.value(x + t * direction, batch), step)
    assert float(gradient @ direction) == pytest.approx(float(slope), rel=1e-6, abs=1e-7)
    product = problem.hessian_vector(x, direction, batch)
    expected = difference(lambda t: problem.gradient(x + t * direction, batch), step)
    torch.testing.assert_close(product, expected, rtol=1e-5, atol=1e-6 * float(expected.abs().max()))


def test_every_activation_cell_and_unit_is_among_the_models_that_are_looked_at():
    seen = {(name, value) for case in MODELS for name, value in case.values[1].items()}
    assert seen >= {("activation", name) for name in (*ELEMENTWISE, MAXOUT)} | {("cell", name) for name in CELLS}
    assert seen >= {("skip", True), ("skip", False)}


@pytest.mark.parametrize("registered", NETS, ids=lambda item: item.name)
@pytest.mark.parametrize("batch_size", [1, 3])
def test_minibatches_of_one_and_a_last_short_one_train_alike_in_both_precisions(registered, batch_size):
    values = {}
    for dtype in (torch.float64, torch.float32):
        where = Place(torch.device("cpu"), dtype, STREAMS)
        problem = small(registered, where, examples=7, batch_size=batch_size)
        x, sizes, batches = problem.start(STREAMS).parameters, set(), problem.batches(STREAMS)
        for _ in range(9):
            batch = next(batches)
            sizes.add(len(batch))
            x = x - 0.01 * problem.gradient(x, batch)
        assert sizes == {batch_size, 1}
        assert x.dtype == dtype
        values[dtype] = float(problem.value(x))
    assert values[torch.float32] == pytest.approx(values[torch.float64], rel=1e-4, abs=1e-6)


def difference(function, step):
    """Return the derivative at 0 by central differences, extrapolated once."""
    coarse, fine = ((function(h) - function(-h)) / (2 * h) for h in (2 * step, step))
    return (4 * fine - coarse) / 3


@pytest.mark.parametrize("registered", NETS, ids=lambda item: item.name)
def test_names_of_tensors_begin_with_their_block_and_roles_are_in_order(registered):
    problem = small(registered)
    blocks = [block.name for block in problem.blocks]
    owners = list(dict.fromkeys(name.partition(".")[0] for name in problem.layout))
    assert owners == [name for name in blocks if name in owners]
    assert [block.role for block in problem.blocks][-1] == "output"
    assert sum(block.role == "output" for block in problem.blocks) == 1


# ---- layers


def test_maxout_takes_the_largest_of_its_pieces():
    inputs = torch.arange(12.0).view(1, 12).sin()
    assert torch.equal(Maxout(3)(inputs), inputs.view(1, 4, 3).amax(2))
    picture = torch.arange(24.0).view(1, 6, 2, 2).cos()
    assert torch.equal(Maxout(2)(picture)[0, 1], torch.maximum(picture[0, 2], picture[0, 3]))
    first = networks.multilayer_perceptron(4, [5], 3, Activation("maxout", 3))[0].build()
    assert first(torch.zeros(2, 4)).shape == (2, 5)
    assert first.linear.weight.shape == (15, 4)


def test_a_unit_adds_its_input_before_the_last_activation_and_the_plain_one_does_not():
    body, inputs = nn.Linear(3, 3), torch.randn(4, 3, generator=torch.Generator().manual_seed(0))
    assert torch.equal(Skip(body, nn.ReLU(), skip=True)(inputs), torch.relu(body(inputs) + inputs))
    assert torch.equal(Skip(body, nn.ReLU(), skip=False)(inputs), torch.relu(body(inputs)))


def test_a_plain_net_has_the_tensors_of_its_residual_one():
    residual, plain = (named("resnet-digits", skip=skip) for skip in (True, False))
    assert residual.layout == plain.layout
    assert torch.equal(residual.start(STREAMS).parameters, plain.start(STREAMS).parameters)
    x = plain.start(STREAMS).parameters
    assert float(residual.value(x)) != float(plain.value(x))


@pytest.mark.parametrize("depth", [1, 20])
def test_hidden_layers_are_repeated(depth):
    problem = named("mlp-digits", hidden=[5], depth=depth)
    assert [block.name for block in problem.blocks] == [*(f"hidden{k + 1}" for k in range(depth)), "output"]
    assert problem.size == 64 * 5 + 5 + (depth - 1) * 30 + 60


def test_more_convolutions_than_a_picture_can_be_halved_are_refused():
    with pytest.raises(UserError, match="halves the picture of 8 × 8"):
        named("convnet-digits", channels=[2, 2, 2, 2])


# ---- recurrent layers


TORCHS = {"rnn": (nn.RNN, ["hidden"]), "lstm": (nn.LSTM, ["input", "forget", "cell", "output"])}
TORCHS["gru"] = (nn.GRU, ["reset", "update", "candidate"])


@pytest.mark.parametrize("cell", TORCHS)
def test_recurrent_layers_are_torchs_with_one_bias_a_gate(cell):
    generator = torch.Generator().manual_seed(0)
    cls, gates = TORCHS[cell]
    ours, theirs = CELLS[cell](3, 5).double(), cls(3, 5, batch_first=True).double()
    with torch.no_grad():
        for parameter in theirs.parameters():
            parameter.normal_(generator=generator)
        theirs.bias_hh_l0.zero_()
        for ours_name, theirs_name in (
            ("weight_input", "weight_ih"),
            ("weight_recurrent", "weight_hh"),
            ("bias", "bias_ih"),
        ):
            for gate, part in zip(gates, getattr(theirs, f"{theirs_name}_l0").chunk(len(gates)), strict=True):
                getattr(ours.get_submodule(gate), ours_name).copy_(part)
    inputs = torch.randn(4, 7, 3, generator=generator, dtype=torch.float64)
    torch.testing.assert_close(ours(inputs), theirs(inputs)[0], rtol=1e-12, atol=1e-14)


def net(blocks, inputs, targets, **options):
    return SupervisedProblem(blocks=blocks, data={"train": (inputs, targets)}, **options)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("cell", CELLS)
def test_hessians_of_recurrent_nets_work_in_both_precisions(cell, dtype):
    """torch's own layers have no second derivative in float32 on the CPU."""
    blocks = recurrent_net(6, [4], 6, cell=cell, symbols=True, each_step=True)
    tokens = torch.randint(6, (5, 8), generator=torch.Generator().manual_seed(0))
    problem = net(blocks, tokens, tokens.roll(1, 1), dtype=dtype)
    x = problem.start(STREAMS).parameters
    assert x.dtype == dtype
    product = problem.hessian_vector(x, x)
    step = 1e-2 if dtype == torch.float32 else 1e-4
    expected = difference(lambda t: problem.gradient(x + t * x), step)
    tolerance = 1e-2 if dtype == torch.float32 else 1e-6
    torch.testing.assert_close(product, expected, rtol=tolerance, atol=tolerance * float(expected.abs().max()))


def test_numbers_are_taken_without_an_embedding_and_the_last_step_may_answer_alone():
    blocks = recurrent_net(2, [4, 3], 1, cell="lstm", symbols=False, each_step=False)
    assert [(block.name, block.role) for block in blocks] == [
        ("recurrent1", "hidden"),
        ("recurrent2", "hidden"),
        ("output", "output"),
    ]
    inputs = torch.randn(5, 6, 2, generator=torch.Generator().manual_seed(0))
    problem = net(blocks, inputs, inputs[:, :1, 0], loss=nn.functional.mse_loss)
    assert problem.model(inputs).shape == (5, 1)


# ---- costs, counted by hand


def test_flops_of_a_convolution_count_every_place():
    made = networks.convolutional_net((1, 8, 8), [3, 5], [7], 10, RELU)
    model = nn.Sequential(*(block.build() for block in made))
    expected = 2 * (64 * 3 * 9 + 16 * 5 * 3 * 9 + (5 * 2 * 2) * 7 + 7 * 10)
    assert count_flops(model, torch.zeros(1, 1, 8, 8)) == expected


@pytest.mark.parametrize(("cell", "gates"), [("rnn", 1), ("lstm", 4), ("gru", 3)])
def test_flops_of_a_recurrent_layer_count_every_step(cell, gates):
    blocks = recurrent_net(11, [4], 6, cell=cell, symbols=True, each_step=True)
    model = nn.Sequential(*(block.build() for block in blocks))
    steps = 9
    assert count_flops(model, torch.zeros(1, steps, dtype=torch.int64)) == 2 * steps * (gates * (4 * 4 + 4 * 4) + 4 * 6)


@pytest.mark.parametrize(("cls", "gates"), [(nn.RNN, 1), (nn.LSTM, 4), (nn.GRU, 3)])
def test_flops_of_torchs_own_recurrent_layers_count_every_step(cls, gates):
    assert count_flops(cls(3, 5, batch_first=True), torch.zeros(2, 9, 3)) == 2 * 2 * 9 * gates * (3 * 5 + 5 * 5)


# ---- the depth chain


def test_the_depth_chain_is_the_product_of_its_weights():
    problem = named("depth-chain", depth=4, examples=50, factor=3.0)
    x = torch.tensor([0.5, -2.0, 1.5, 0.25], dtype=torch.float64)
    inputs, targets = problem.data["train"]
    assert torch.equal(targets, 3.0 * inputs)
    expected = inputs.square().mean() * (math.prod(x.tolist()) - 3.0) ** 2
    torch.testing.assert_close(problem.value(x), expected, rtol=1e-13, atol=0)
    assert list(problem.layout) == [f"weight{k}.linear.weight" for k in range(1, 5)]
    assert problem.forward_flops == 8
    assert (problem.f_star, problem.f_star_source) == (0.0, "exact")
    assert float(problem.value(torch.tensor([3.0, 1.0, 1.0, 1.0], dtype=torch.float64))) < 1e-28
    assert named("depth-chain", l2=0.1).f_star is None


# ---- one buffer, paired starts, sequences


@pytest.mark.parametrize("cell", CELLS)
def test_starts_of_cells_are_paired_where_they_share_tensors(cell):
    lstm, other = named("recurrent-copy"), named("recurrent-copy", cell=cell)
    start = {problem: problem.start(STREAMS) for problem in (lstm, other)}
    for name in ("embedding.weight", "output.linear.weight"):
        views = [
            start[problem].parameters[at : at + math.prod(shape)]
            for problem in start
            for at, shape in [problem.layout[name]]
        ]
        assert torch.equal(*views), name


def test_forget_gates_of_sequence_tasks_start_open():
    problem = named("recurrent-addition")
    x = problem.start(STREAMS).parameters
    biases = {name: x[at : at + shape[0]] for name, (at, shape) in problem.layout.items() if name.endswith("bias")}
    assert {name for name, bias in biases.items() if bool((bias == 1).all())} == {"recurrent1.forget.bias"}
    assert all(not bias.any() for name, bias in biases.items() if "forget" not in name)


def test_sequences_are_scored_on_the_answers_characters_alone():
    problem = named("recurrent-copy")
    inputs, targets = problem.data["validation"]
    outputs = problem._apply(problem._tensors(problem.start(STREAMS).parameters), inputs)
    asked = targets != -100
    right = (outputs.argmax(1) == targets) & asked
    measured = problem.evaluate(problem.start(STREAMS), "validation")
    assert measured["accuracy"] == pytest.approx(float(right.sum()) / float(asked.sum()))
    picked = outputs.log_softmax(1).transpose(1, 2)[asked].gather(1, targets[asked][:, None])
    assert measured["loss"] == pytest.approx(float(-picked.mean()), rel=1e-12)


def test_initialization_reaches_every_tensor_of_a_recurrent_net():
    problem = net(
        recurrent_net(5, [4], 5, cell="gru", symbols=True, each_step=True),
        torch.zeros(2, 3, dtype=torch.int64),
        torch.zeros(2, 3, dtype=torch.int64),
        dtype=torch.float64,
        initialize=Initialization(weights=glorot_uniform, biases=lambda name, tensor, _: tensor.fill_(7.0)),
    )
    assert bool((problem.start(STREAMS).parameters != 0).all())
