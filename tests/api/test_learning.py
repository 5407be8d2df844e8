"""Supervised problems on a small net against a model of torch's own."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
import torch
from torch.autograd.functional import hessian, jacobian

from optbench.api import Block, Problem, SupervisedProblem, UserError
from optbench.api.modules import count_flops
from optbench.api.sampling import reshuffled, with_replacement
from optbench.api.streams import SeededStreams

STREAMS = SeededStreams(7)
WIDTHS = (4, 5, 3)


class Tanh(torch.nn.Linear):
    def forward(self, inputs):
        return super().forward(inputs).tanh()


def blocks(*hidden):
    widths = [WIDTHS[0], *hidden]
    layers = [
        Block(name=f"hidden{k + 1}", role="hidden", build=lambda k=k: Tanh(widths[k], widths[k + 1]))
        for k in range(len(hidden))
    ]
    return (*layers, Block(name="output", role="output", build=lambda: torch.nn.Linear(widths[-1], WIDTHS[-1])))


def examples(count, dtype=torch.float64):
    generator = torch.Generator().manual_seed(count)
    return torch.randn(count, WIDTHS[0], generator=generator, dtype=dtype), torch.arange(count) % WIDTHS[-1]


def problem(*hidden, dtype=torch.float64, **options):
    data = {"train": examples(20, dtype), "test": examples(6, dtype)}
    return SupervisedProblem(blocks=blocks(*(hidden or (5,))), data=data, **options)


def reference(x, inputs, targets, l2=0.0):
    """The 4-5-3 net written out: weights and biases in the order of the layers."""
    first, offset, second, last = x.split([20, 5, 15, 3])
    first, second = first.view(5, 4), second.view(3, 5)
    outputs = (inputs @ first.T + offset).tanh() @ second.T + last
    penalty = 0.5 * l2 * (first.square().sum() + second.square().sum())
    return torch.nn.functional.cross_entropy(outputs, targets) + penalty


@pytest.mark.parametrize("l2", [0.0, 0.3])
@pytest.mark.parametrize("batch", [None, torch.tensor([3, 1, 17])])
def test_value_and_derivatives_are_those_of_the_net_written_out(batch, l2):
    made = problem(l2=l2)
    x = made.start(STREAMS).parameters + 0.1
    v = torch.arange(made.size, dtype=torch.float64).cos()
    inputs, targets = made.data["train"] if batch is None else (part[batch] for part in made.data["train"])
    leaf = x.clone().requires_grad_()
    expected = reference(leaf, inputs, targets, l2)
    (gradient,) = torch.autograd.grad(expected, leaf)
    product = hessian(lambda point: reference(point, inputs, targets, l2), x) @ v
    value, found = made.value_and_gradient(x, batch)
    torch.testing.assert_close(value, expected.detach(), rtol=1e-13, atol=0)
    torch.testing.assert_close(made.value(x, batch), value, rtol=1e-13, atol=0)
    torch.testing.assert_close(found, gradient, rtol=1e-12, atol=1e-15)
    torch.testing.assert_close(made.gradient(x, batch), gradient, rtol=1e-12, atol=1e-15)
    torch.testing.assert_close(made.hessian_vector(x, v, batch), product, rtol=1e-11, atol=1e-14)


@pytest.mark.parametrize("batch", [None, torch.tensor([3, 1, 17])])
def test_the_gradient_by_tensors_is_the_flat_one_cut_by_the_layout(batch):
    made = problem(l2=0.3)
    x = made.start(STREAMS).parameters + 0.1
    for _ in range(3):
        value, gradient = made.value_and_gradient(x, batch)
        same, tensors = made.value_and_gradient_tensors(x, batch)
        assert torch.equal(value, same)
        assert [tensor.shape for tensor in tensors] == [shape for _, shape in made.layout.values()]
        torch.testing.assert_close(torch.cat([tensor.flatten() for tensor in tensors]), gradient, rtol=1e-14, atol=0)
        x.sub_(gradient)  # in place: the point that is asked about is another one


def test_the_gradient_by_tensors_belongs_to_the_point_whatever_was_asked_before():
    made = problem()
    first = made.start(STREAMS).parameters
    second = first + 1
    made.value_and_gradient_tensors(first)
    for x in (second, first, first.clone()):
        tensors = made.value_and_gradient_tensors(x)[1]
        torch.testing.assert_close(torch.cat([tensor.flatten() for tensor in tensors]), made.gradient(x))
    first.data = second.clone()  # the same object, other memory
    tensors = made.value_and_gradient_tensors(first)[1]
    torch.testing.assert_close(torch.cat([tensor.flatten() for tensor in tensors]), made.gradient(second))


def test_a_tensor_that_the_loss_does_not_use_has_a_zero_gradient():
    made = problem(loss=lambda outputs, targets, reduction: (outputs - outputs.detach()).sum())
    unused = Block(name="unused", role="auxiliary", build=Unused)
    made = made.with_blocks((*made.blocks, unused))
    tensors = made.value_and_gradient_tensors(made.start(STREAMS).parameters)[1]
    assert torch.equal(tensors[-1], torch.zeros(2, dtype=torch.float64))


class Unused(torch.nn.Module):
    """A module with a parameter that it does nothing with."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(2))

    def forward(self, inputs):
        return inputs


@pytest.mark.parametrize("batch", [None, torch.tensor([3, 1, 17])])
@pytest.mark.parametrize("name", ["cross_entropy", "mse_loss"])
def test_gauss_newton_products_are_those_of_the_dense_jacobian_and_the_losses_hessian(name, batch):
    loss, l2 = getattr(torch.nn.functional, name), 0.3
    made = problem(l2=l2, loss=loss)
    inputs, targets = made.data["train"]
    if name == "mse_loss":
        targets = torch.nn.functional.one_hot(targets).double()
        made = replace(made, data={**made.data, "train": (inputs, targets)})
    if batch is not None:
        inputs, targets = inputs[batch], targets[batch]
    x = made.start(STREAMS).parameters + 0.1

    def outputs(point):
        first, offset, second, last = point.split([20, 5, 15, 3])
        return ((inputs @ first.view(5, 4).T + offset).tanh() @ second.view(3, 5).T + last).flatten()

    dense, predicted = jacobian(outputs, x), outputs(x)
    bent = hessian(lambda flat: loss(flat.view(-1, 3), targets), predicted)
    weights = torch.cat([torch.ones(20), torch.zeros(5), torch.ones(15), torch.zeros(3)]).double()
    matrix = dense.T @ bent @ dense + l2 * torch.diag(weights)
    v = torch.arange(made.size, dtype=torch.float64).cos()
    torch.testing.assert_close(made.gauss_newton_vector(x, v, batch), matrix @ v, rtol=1e-11, atol=1e-14)


def test_gauss_newton_products_of_linear_outputs_are_the_hessians_and_those_of_a_linear_loss_the_penaltys():
    straight = replace(problem(), blocks=blocks())
    x = straight.start(STREAMS).parameters + 0.1
    v = torch.arange(straight.size, dtype=torch.float64).cos()
    torch.testing.assert_close(
        straight.gauss_newton_vector(x, v), straight.hessian_vector(x, v), rtol=1e-11, atol=1e-14
    )

    def linear(outputs, targets, reduction):
        return outputs.mean()

    made = problem(l2=0.5).with_loss(linear)
    product = made.gauss_newton_vector(torch.ones(made.size).double(), torch.ones(made.size).double())
    assert product.tolist() == [0.5] * 20 + [0.0] * 5 + [0.5] * 15 + [0.0] * 3


def test_derivatives_work_where_gradients_are_off():
    made = problem()
    x = made.start(STREAMS).parameters
    with torch.no_grad():
        inside = made.value_and_gradient(x)[1]
    assert torch.equal(inside, made.value_and_gradient(x)[1])
    assert not inside.requires_grad


@pytest.mark.filterwarnings("ignore:`torch.jit.script`:DeprecationWarning")  # torch's own, as forward mode loads
def test_function_transforms_see_through_the_model():
    made = problem()
    x = made.start(STREAMS).parameters
    expected = hessian(lambda point: reference(point, *made.data["train"]), x)
    torch.testing.assert_close(torch.func.hessian(made.value)(x), expected, rtol=1e-10, atol=1e-13)


def test_evaluations_leave_the_models_own_tensors_alone():
    made = problem()
    before = [parameter.clone() for parameter in made.model.parameters()]
    made.value_and_gradient(made.start(STREAMS).parameters)
    after = list(made.model.parameters())
    assert all(isinstance(parameter, torch.nn.Parameter) for parameter in after)
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))


def test_layout_names_block_and_parameter_in_order():
    assert problem().layout == {
        "hidden1.weight": (0, (5, 4)),
        "hidden1.bias": (20, (5,)),
        "output.weight": (25, (3, 5)),
        "output.bias": (40, (3,)),
    }


def test_start_is_glorot_uniform_with_zero_biases():
    point = problem(200).start(STREAMS)
    weights = point.parameters[:800]
    bound = (6 / (4 + 200)) ** 0.5
    assert 0.98 * bound < float(weights.abs().max()) <= bound
    assert float(weights.std()) == pytest.approx(bound / 3**0.5, rel=0.05)
    assert not point.parameters[800:1000].any()


def test_added_blocks_leave_the_other_tensors_start_and_the_minibatches_alone():
    narrow, deep = problem(5, batch_size=6), problem(5, batch_size=6).with_blocks(blocks(5, 5))
    assert torch.equal(narrow.start(STREAMS).parameters[:25], deep.start(STREAMS).parameters[:25])
    pairs = itertools.islice(zip(narrow.batches(STREAMS), deep.batches(STREAMS), strict=True), 10)
    assert all(torch.equal(first, second) for first, second in pairs)


def test_start_depends_on_the_seed_and_not_on_the_dtype_or_global_state():
    torch.manual_seed(1)
    first = problem().start(STREAMS).parameters
    torch.manual_seed(2)
    assert torch.equal(first, problem().start(STREAMS).parameters)
    assert torch.equal(first.float(), problem(dtype=torch.float32).start(STREAMS).parameters)
    assert not torch.equal(first, problem().start(SeededStreams(8)).parameters)


def test_building_a_model_draws_nothing_from_the_global_generator():
    torch.manual_seed(1)
    expected = torch.rand(1)
    torch.manual_seed(1)
    problem().start(STREAMS)
    assert torch.equal(torch.rand(1), expected)


def drawn(sampling, count, examples=20, batch_size=6):
    return list(itertools.islice(sampling(STREAMS, examples, batch_size), count))


def test_an_epoch_without_replacement_sees_each_example_once_and_its_last_minibatch_may_be_short():
    batches = drawn(reshuffled, 8)
    assert [len(batch) for batch in batches] == [6, 6, 6, 2] * 2
    first, second = torch.cat(batches[:4]), torch.cat(batches[4:])
    assert torch.equal(first.sort().values, torch.arange(20))
    assert torch.equal(second.sort().values, torch.arange(20))
    assert not torch.equal(first, second)
    assert all(map(torch.equal, batches, drawn(reshuffled, 8)))


def test_with_replacement_each_example_is_drawn_as_often():
    batches = drawn(with_replacement, 2000)
    assert {len(batch) for batch in batches} == {6}
    assert any(len(batch.unique()) < 6 for batch in batches)
    counts = torch.cat(batches).bincount(minlength=20)
    assert float((counts - 600).abs().max()) < 5 * (12000 * 0.05 * 0.95) ** 0.5
    assert all(map(torch.equal, batches, drawn(with_replacement, 2000)))


def test_minibatches_of_one_work():
    made = problem(batch_size=1)
    batch = next(made.batches(STREAMS))
    x = made.start(STREAMS).parameters
    inputs, targets = made.data["train"]
    torch.testing.assert_close(made.value(x, batch), reference(x, inputs[batch], targets[batch]), rtol=1e-13, atol=0)


class Normalised(Tanh):
    normalises_by_batch = True


@pytest.mark.parametrize(
    "normalised", [lambda: torch.nn.Sequential(Tanh(4, 5), torch.nn.BatchNorm1d(5)), lambda: Normalised(4, 5)]
)
def test_where_the_model_normalises_by_batch_a_last_example_alone_joins_the_minibatch_before(normalised):
    hidden = Block(name="hidden1", role="hidden", build=normalised)
    plain = problem(batch_size=19)
    made = plain.with_blocks((hidden, *blocks(5)[1:]))
    assert [len(batch) for batch in itertools.islice(plain.batches(STREAMS), 4)] == [19, 1, 19, 1]
    batches = list(itertools.islice(made.batches(STREAMS), 2))
    assert [len(batch) for batch in batches] == [20, 20]
    assert torch.equal(batches[0], torch.cat(list(itertools.islice(plain.batches(STREAMS), 2))))
    with pytest.raises(UserError, match="normalises by batch"):
        problem(batch_size=1).with_blocks(made.blocks).batches(STREAMS)


def test_a_data_set_of_one_class_has_a_finite_loss_and_full_accuracy_at_its_end():
    inputs, targets = examples(20)
    made = replace(problem(), data={"train": (inputs, torch.zeros_like(targets))})
    x = made.start(STREAMS).parameters
    for _ in range(200):
        x = x - 0.5 * made.gradient(x)
    measured = made.evaluate(replace(made.start(STREAMS), parameters=x), "train")
    assert measured["accuracy"] == 1.0
    assert 0.0 < measured["loss"] < 0.05


def test_targets_that_are_left_out_count_neither_for_the_loss_nor_for_the_accuracy():
    inputs, targets = examples(20)
    point = problem().start(STREAMS)
    some = problem(), replace(problem(), data={"train": (inputs, targets.masked_fill(torch.arange(20) >= 12, -100))})
    kept = replace(some[0], data={"train": (inputs[:12], targets[:12])})
    assert some[1].evaluate(point, "train") == pytest.approx(kept.evaluate(point, "train"), rel=1e-12)


def test_full_batch_has_no_minibatches():
    assert problem().batches(STREAMS) is None


def test_another_sampling_takes_the_place_of_reshuffling():
    made = problem(batch_size=2).with_sampling(lambda streams, count, size: iter([torch.arange(count)[-size:]]))
    assert [batch.tolist() for batch in made.batches(STREAMS)] == [[18, 19]]


def test_another_loss_forgets_the_minimum():
    made = problem(f_star=0.5, f_star_source="best known")
    targets = torch.nn.functional.one_hot(made.data["train"][1]).double()

    def squared(outputs, classes, reduction):
        return torch.nn.functional.mse_loss(outputs, targets[: len(classes)], reduction=reduction)

    other = made.with_loss(squared)
    assert (other.f_star, other.f_star_source) == (None, "")
    assert float(other.value(made.start(STREAMS).parameters)) != float(made.value(made.start(STREAMS).parameters))
    assert made.with_sampling(reshuffled).f_star == 0.5


def test_evaluate_measures_a_split_without_penalty():
    made = problem(l2=10.0)
    point = made.start(STREAMS)
    inputs, targets = made.data["test"]
    measured = made.evaluate(point, "test")
    assert measured["loss"] == pytest.approx(float(reference(point.parameters, inputs, targets)), rel=1e-12)
    assert measured["accuracy"] * 6 == pytest.approx(round(measured["accuracy"] * 6))


def test_targets_that_are_no_classes_have_no_accuracy():
    inputs, _ = examples(8)
    made = SupervisedProblem(
        blocks=blocks(5), data={"train": (inputs, inputs[:, :3])}, loss=torch.nn.functional.mse_loss
    )
    assert set(made.evaluate(made.start(STREAMS), "train")) == {"loss"}


def test_forward_cost_counts_each_weight_at_each_place():
    assert problem().forward_flops == 2 * (4 * 5 + 5 * 3)
    convolution = torch.nn.Conv2d(3, 4, 3)
    assert count_flops(convolution, torch.zeros(1, 3, 10, 10)) == 2 * (4 * 3 * 9) * 64


def test_single_precision_stays_single():
    made = problem(dtype=torch.float32, l2=0.1)
    x = made.start(STREAMS).parameters
    tensors = (x, *made.value_and_gradient(x), made.hessian_vector(x, x))
    assert {tensor.dtype for tensor in tensors} == {torch.float32}


def test_it_is_a_problem():
    assert isinstance(problem(), Problem)


@pytest.mark.parametrize("batch_size", [-1, 0, 21])
def test_impossible_batch_sizes_are_the_users_mistake(batch_size):
    with pytest.raises(UserError, match="1 to 20 examples"):
        problem(batch_size=batch_size)


def test_block_names_are_unique():
    with pytest.raises(UserError, match="each name once"):
        problem().with_blocks(blocks(5)[:1] * 2)
