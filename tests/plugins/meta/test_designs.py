"""Skip connections, auxiliary heads and activations: models changed block by block, their tensors still paired."""

from __future__ import annotations

from collections import OrderedDict

import pytest
import torch
from optbench_meta.activations import ActivationOfHiddenBlocks
from optbench_meta.auxiliary_heads import AuxiliaryHeads
from optbench_meta.batch_norm import batch_norm
from optbench_meta.skip_connections import SkipConnections
from torch import nn
from torch.nn import functional

from optbench.api import Block, Point, Recipe, Refused, Stage, SupervisedProblem
from optbench.api.streams import SeededStreams
from optbench.testing.meta_rig import GradientDescent, run
from optbench.testing.trials import place

STREAMS = SeededStreams(5)


def stacked(**modules):
    return nn.Sequential(OrderedDict(modules))


def dense(inputs, outputs, activation=nn.Tanh):
    return lambda: stacked(linear=nn.Linear(inputs, outputs), activation=activation())


def hidden(*builds):
    return [Block(name=f"hidden{k}", role="hidden", build=build) for k, build in enumerate(builds, start=1)]


def output(build):
    return Block(name="output", role="output", build=build)


def problem_of(*blocks, shape, targets=None, **options):
    generator = torch.Generator().manual_seed(1)
    inputs = torch.randn(12, *shape, generator=generator, dtype=torch.float64)
    data = inputs, torch.arange(12) % 3 if targets is None else targets
    return SupervisedProblem(blocks=blocks, data={"train": data, "test": data}, **options)


def perceptron(*widths, activation=nn.Tanh, **options):
    """A net of 4 inputs, 3 classes and hidden layers of these widths."""
    pairs = zip((4, *widths), widths, strict=False)
    layers = hidden(*(dense(below, width, activation) for below, width in pairs))
    return problem_of(*layers, output(lambda: nn.Linear(widths[-1], 3)), shape=(4,), **options)


class Steps(nn.Module):
    """A layer applied to each step, (B, T, I) to (B, T, H), with weights of its own."""

    def __init__(self, inputs, units):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(units, inputs))

    def forward(self, inputs):
        return (inputs @ self.weight.T).tanh()


class ClassesFirst(nn.Linear):
    def forward(self, inputs):
        return super().forward(inputs).transpose(1, 2)


def recipe_of(problem):
    return Recipe(stages=(Stage(problem=problem, optimizer=GradientDescent()),))


def stage_of(meta, problem):
    (stage,) = meta(recipe_of(problem), STREAMS).stages
    return stage


def parts(problem, x):
    return {name: x[at : at + torch.Size(shape).numel()].view(shape) for name, (at, shape) in problem.layout.items()}


def started(problem):
    x = problem.start(STREAMS).parameters
    return x + 0.1 * torch.arange(len(x), dtype=x.dtype).sin()


def layer(inputs, tensors, name):
    return (inputs @ tensors[f"{name}.linear.weight"].T + tensors[f"{name}.linear.bias"]).tanh()


def loss_of(problem, given, tensors):
    outputs = given @ tensors["output.weight"].T + tensors["output.bias"]
    return functional.cross_entropy(outputs, problem.data["train"][1])


def require_paired(plain, changed):
    before, after = (parts(made, made.start(STREAMS).parameters) for made in (plain, changed))
    assert set(before) <= set(after)
    assert all(torch.equal(tensor, after[name]) for name, tensor in before.items())


# ---- skip connections


def test_identity_connections_add_what_goes_in_where_shapes_are_kept():
    plain = perceptron(4, 5, 5)
    problem = stage_of(SkipConnections(span=1, projection=False), plain).problem
    assert list(problem.layout) == list(plain.layout)
    require_paired(plain, problem)
    x = started(problem)
    tensors, given = parts(problem, x), problem.data["train"][0]
    given = given + layer(given, tensors, "hidden1")
    given = layer(given, tensors, "hidden2")
    given = given + layer(given, tensors, "hidden3")
    torch.testing.assert_close(problem.value(x), loss_of(problem, given, tensors), rtol=1e-13, atol=0)


def test_a_connection_may_pass_by_several_blocks():
    problem = stage_of(SkipConnections(span=2, projection=False), perceptron(5, 4, 5, 4)).problem
    x = started(problem)
    tensors, given = parts(problem, x), problem.data["train"][0]
    for first, second in (("hidden1", "hidden2"), ("hidden3", "hidden4")):
        given = given + layer(layer(given, tensors, first), tensors, second)
    torch.testing.assert_close(problem.value(x), loss_of(problem, given, tensors), rtol=1e-13, atol=0)


def test_projections_connect_where_shapes_differ():
    plain = perceptron(5, 5)
    problem = stage_of(SkipConnections(span=1, projection=True), plain).problem
    require_paired(plain, problem)
    assert set(problem.layout) - set(plain.layout) == {"hidden1.projection.weight"}
    x = started(problem)
    tensors, given = parts(problem, x), problem.data["train"][0]
    given = given @ tensors["hidden1.projection.weight"].T + layer(given, tensors, "hidden1")
    given = given + layer(given, tensors, "hidden2")
    torch.testing.assert_close(problem.value(x), loss_of(problem, given, tensors), rtol=1e-13, atol=0)
    assert problem.forward_flops == plain.forward_flops + 2 * 20


def picture_net():
    convolution = lambda: stacked(  # noqa: E731
        convolution=nn.Conv2d(2, 3, 3, padding="same"), activation=nn.Tanh(), pooling=nn.MaxPool2d(2)
    )
    top = output(lambda: stacked(flat=nn.Flatten(), linear=nn.Linear(12, 3)))
    return problem_of(*hidden(convolution), top, shape=(2, 5, 4))


def test_projections_of_pictures_take_every_second_place_where_they_are_halved():
    plain = picture_net()
    problem = stage_of(SkipConnections(span=1, projection=True), plain).problem
    x = started(problem)
    tensors, (given, targets) = parts(problem, x), problem.data["train"]
    maps = functional.conv2d(
        given, tensors["hidden1.convolution.weight"], tensors["hidden1.convolution.bias"], padding="same"
    )
    passed = functional.conv2d(given[:, :, :4:2, ::2], tensors["hidden1.projection.weight"][:, :, None, None])
    given = (functional.max_pool2d(maps.tanh(), 2) + passed).flatten(1)
    outputs = given @ tensors["output.linear.weight"].T + tensors["output.linear.bias"]
    expected = functional.cross_entropy(outputs, targets)
    torch.testing.assert_close(problem.value(x), expected, rtol=1e-12, atol=0)
    assert problem.forward_flops == plain.forward_flops + 2 * 6 * 4


def sequence_net(*widths):
    layers = hidden(*(lambda a=a, b=b: Steps(a, b) for a, b in zip((2, *widths), widths, strict=False)))
    top = output(lambda: ClassesFirst(widths[-1], 3))
    return problem_of(*layers, top, shape=(5, 2), targets=torch.arange(60).view(12, 5) % 3)


def test_layers_over_steps_are_connected_step_by_step():
    problem = stage_of(SkipConnections(span=1, projection=True), sequence_net(4, 4)).problem
    x = started(problem)
    tensors, (given, targets) = parts(problem, x), problem.data["train"]
    first = (given @ tensors["hidden1.weight"].T).tanh() + given @ tensors["hidden1.projection.weight"].T
    second = (first @ tensors["hidden2.weight"].T).tanh() + first
    outputs = second @ tensors["output.weight"].T + tensors["output.bias"]
    expected = functional.cross_entropy(outputs.transpose(1, 2), targets)
    torch.testing.assert_close(problem.value(x), expected, rtol=1e-13, atol=0)


def test_without_its_first_block_a_connection_is_none():
    problem = stage_of(SkipConnections(span=2, projection=False), perceptron(5, 4)).problem
    plain = perceptron(5, 4)
    cut, same = (problem_of(made.blocks[1], output(lambda: nn.Linear(4, 3)), shape=(5,)) for made in (problem, plain))
    x = started(cut)
    assert torch.equal(cut.value(x), same.value(x))


def test_models_where_nothing_fits_are_refused():
    with pytest.raises(Refused, match="keep their shape; projection=true connects others"):
        stage_of(SkipConnections(span=1, projection=False), perceptron(5, 6))
    with pytest.raises(Refused, match="wants 3 hidden blocks in a row"):
        stage_of(SkipConnections(span=3, projection=True), perceptron(4, 4))


# ---- auxiliary heads


def test_each_head_adds_its_weighted_loss_on_the_same_task():
    plain = perceptron(5, 6, 4)
    problem = stage_of(AuxiliaryHeads(weight=0.3, every=1), plain).problem
    require_paired(plain, problem)
    assert [block.name for block in problem.blocks if block.role == "auxiliary"] == [
        "auxiliary-hidden1",
        "auxiliary-hidden2",
    ]
    x = started(problem)
    batch = torch.tensor([7, 1, 4])
    tensors, (given, targets) = parts(problem, x), (part[batch] for part in problem.data["train"])
    added = []
    for name in ("hidden1", "hidden2"):
        given = layer(given, tensors, name)
        head = f"auxiliary-{name}.head.1"
        added.append(functional.cross_entropy(given @ tensors[f"{head}.weight"].T + tensors[f"{head}.bias"], targets))
    outputs = layer(given, tensors, "hidden3") @ tensors["output.weight"].T + tensors["output.bias"]
    expected = functional.cross_entropy(outputs, targets) + 0.3 * sum(added)
    torch.testing.assert_close(problem.value(x, batch), expected, rtol=1e-13, atol=0)
    differences = [
        (problem.value(x + 1e-5 * unit, batch) - problem.value(x - 1e-5 * unit, batch)) / 2e-5
        for unit in torch.eye(len(x), dtype=x.dtype)
    ]
    torch.testing.assert_close(problem.gradient(x, batch), torch.stack(differences), rtol=1e-6, atol=1e-9)


def test_dropping_the_heads_after_training_leaves_the_main_outputs_bitwise_equal():
    plain = perceptron(5, 6, 4)
    recipe = AuxiliaryHeads(weight=0.3, every=1)(recipe_of(plain), STREAMS)
    trial = run(recipe, place(), evaluations=12)
    trained, scored = recipe.stages[0].problem, trial.outcome.point
    assert recipe.stages[0].measured is plain
    assert list(scored.layout) == list(plain.layout)
    whole = Point(parameters=trial.points[-1], layout=trained.layout)
    with_heads = trained.outputs_by_block(whole, "test")["output"]
    assert torch.equal(plain.outputs_by_block(scored, "test")["output"], with_heads)
    assert trained.evaluate(whole, "test") == plain.evaluate(scored, "test")


def test_heads_stand_after_every_so_many_blocks():
    problem = stage_of(AuxiliaryHeads(weight=1.0, every=2), perceptron(5, 5, 5, 5, 5)).problem
    assert [block.name for block in problem.blocks if block.role == "auxiliary"] == [
        "auxiliary-hidden2",
        "auxiliary-hidden4",
    ]


def test_heads_on_steps_put_out_classes_at_each_step():
    problem = stage_of(AuxiliaryHeads(weight=0.5, every=1), sequence_net(4, 6)).problem
    x = started(problem)
    tensors, (given, targets) = parts(problem, x), problem.data["train"]
    first = (given @ tensors["hidden1.weight"].T).tanh()
    second = (first @ tensors["hidden2.weight"].T).tanh()
    outputs = [
        made @ tensors[f"{name}.weight"].T + tensors[f"{name}.bias"]
        for made, name in ((second, "output"), (first, "auxiliary-hidden1.head.0"))
    ]
    main, head = (functional.cross_entropy(made.transpose(1, 2), targets) for made in outputs)
    torch.testing.assert_close(problem.value(x), main + 0.5 * head, rtol=1e-13, atol=0)


def test_gauss_newton_products_of_a_model_with_heads_are_refused():
    problem = stage_of(AuxiliaryHeads(weight=0.5, every=1), perceptron(5, 5)).problem
    x = started(problem)
    with pytest.raises(Refused, match="adds terms"):
        problem.gauss_newton_vector(x, x)


def test_a_single_hidden_block_has_no_place_for_a_head_and_two_sets_of_heads_are_refused():
    heads = AuxiliaryHeads(weight=0.5, every=1)
    with pytest.raises(Refused, match="wants 2 hidden blocks"):
        stage_of(heads, perceptron(5))
    with pytest.raises(Refused, match="auxiliary blocks already"):
        stage_of(heads, stage_of(heads, perceptron(5, 5)).problem)


# ---- activations

FUNCTIONS = {"relu": torch.relu, "sigmoid": torch.sigmoid, "tanh": torch.tanh}


@pytest.mark.parametrize("kind", FUNCTIONS)
def test_every_hidden_block_gets_the_activation(kind):
    plain = perceptron(5, 6)
    problem = stage_of(ActivationOfHiddenBlocks(kind=kind, pieces=2), plain).problem
    require_paired(plain, problem)
    x = started(problem)
    tensors, given = parts(problem, x), problem.data["train"][0]
    for name in ("hidden1", "hidden2"):
        given = FUNCTIONS[kind](given @ tensors[f"{name}.linear.weight"].T + tensors[f"{name}.linear.bias"])
    torch.testing.assert_close(problem.value(x), loss_of(problem, given, tensors), rtol=1e-13, atol=0)


def test_maxout_takes_the_largest_of_its_pieces():
    problem = stage_of(ActivationOfHiddenBlocks(kind="maxout", pieces=3), perceptron(5, 6)).problem
    x = started(problem)
    tensors, given = parts(problem, x), problem.data["train"][0]
    for name, width in (("hidden1", 5), ("hidden2", 6)):
        pieces = given @ tensors[f"{name}.linear.weight"].T + tensors[f"{name}.linear.bias"]
        given = pieces.view(-1, width, 3).amax(2)
    torch.testing.assert_close(problem.value(x), loss_of(problem, given, tensors), rtol=1e-13, atol=0)


def test_from_maxout_back_the_tensors_are_the_plain_net_s():
    maxout = stage_of(ActivationOfHiddenBlocks(kind="maxout", pieces=3), perceptron(5, 6)).problem
    back = stage_of(ActivationOfHiddenBlocks(kind="tanh", pieces=2), maxout).problem
    plain = perceptron(5, 6)
    assert back.layout == plain.layout
    x = started(back)
    assert torch.equal(back.value(x), plain.value(x))


def normalised(recipe, placement):
    options = {"layers": [], "momentum": 0.1, "eps": 1e-8, "affine": True, "per_location": False, "penalty": 0.1}
    return batch_norm(variant="normalise", placement=placement, **options)(recipe, STREAMS)


@pytest.mark.parametrize("placement", ["XW", "X"])
def test_maxout_and_batch_normalisation_make_one_model_in_either_order(placement):
    maxout = ActivationOfHiddenBlocks(kind="maxout", pieces=2)
    net = perceptron(4, 4)  # where a layer has as many inputs as outputs, their number does not tell what is normalised
    first = normalised(maxout(recipe_of(net), STREAMS), placement).stages[0].problem
    second = maxout(normalised(recipe_of(net), placement), STREAMS).stages[0].problem
    assert first.layout == second.layout
    x = started(first)
    assert torch.equal(first.value(x), second.value(x))


def test_an_activation_that_follows_no_weight_layer_can_not_be_maxout():
    def apart():
        return stacked(linear=nn.Linear(4, 5), flat=nn.Flatten(0), rows=nn.Unflatten(0, (-1, 5)), squash=nn.Tanh())

    top = output(lambda: nn.Linear(5, 3))
    with pytest.raises(Refused, match=r"hidden1\.squash does not follow a weight layer"):
        stage_of(ActivationOfHiddenBlocks(kind="maxout", pieces=2), problem_of(*hidden(apart), top, shape=(4,)))


def test_a_model_whose_activations_are_no_modules_is_refused():
    with pytest.raises(Refused, match="an activation as a module of its own"):
        stage_of(ActivationOfHiddenBlocks(kind="relu", pieces=2), sequence_net(4))


def test_designs_compose_and_their_tensors_stay_paired():
    plain = perceptron(4, 4, 4)
    recipe = AuxiliaryHeads(weight=0.3, every=1)(recipe_of(plain), STREAMS)
    recipe = normalised(SkipConnections(span=1, projection=False)(recipe, STREAMS), "XW")
    recipe = ActivationOfHiddenBlocks(kind="relu", pieces=2)(recipe, STREAMS)
    (stage,) = recipe.stages
    before, after = (parts(made, made.start(STREAMS).parameters) for made in (plain, stage.problem))
    assert all(torch.equal(before[name], after[name]) for name in before if name in after)
    assert {name for name in before if name not in after} == {f"hidden{k}.linear.bias" for k in (1, 2, 3)}
    trial = run(recipe, place(), evaluations=10)
    assert list(trial.outcome.point.layout) == list(stage.measured.layout)
    assert stage.measured.evaluate(trial.outcome.point, "test")["loss"] > 0
