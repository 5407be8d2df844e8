"""Running statistics of a supervised problem, against torch's own modules in torch's own training loop."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from optbench.api import Block, Point, SupervisedProblem, UserError
from optbench.api.streams import SeededStreams
from optbench.measure.derivatives import Derivatives

STREAMS = SeededStreams(3)
EPS = 1e-8


def examples(count=33):
    generator = torch.Generator().manual_seed(count)
    return torch.randn(count, 3, generator=generator, dtype=torch.float64), torch.arange(count) % 3


def hidden(momentum=0.1):
    return nn.Sequential(nn.Linear(3, 5), nn.BatchNorm1d(5, eps=EPS, momentum=momentum), nn.Tanh())


def problem(build=hidden, batch_size=8, count=33):
    blocks = (
        Block(name="hidden", role="hidden", build=build),
        Block(name="output", role="output", build=lambda: nn.Linear(5, 3)),
    )
    return SupervisedProblem(blocks=blocks, data={"train": examples(count), "test": examples(5)}, batch_size=batch_size)


def torch_net(x):
    net = nn.Sequential(hidden(), nn.Linear(5, 3)).double()
    nn.utils.vector_to_parameters(x, net.parameters())
    return net


def told(net):
    return torch.cat([net[0][1].running_mean, net[0][1].running_var])


def after(made, *points, batch=None):
    """What the statistics are once a step has ended at the first of the points, evaluated on its own."""
    made.restore(made.start(STREAMS).statistics)
    made.value(points[0], batch)
    made.commit(points[0])
    return made.statistics()


def test_a_step_of_one_evaluation_commits_what_torch_does():
    made = problem()
    x = made.start(STREAMS).parameters
    net, batches = torch_net(x), made.batches(STREAMS)
    for _ in range(3):
        batch = next(batches)
        made.value_and_gradient(x, batch)
        net(made.data["train"][0][batch])
        made.commit(x - 1)  # where nothing was evaluated
        assert torch.equal(made.statistics(), told(net))


@pytest.mark.parametrize("kind", ["value", "gradient", "value_and_gradient", "value_and_gradient_tensors"])
def test_no_evaluation_changes_the_statistics_and_each_sets_the_same_aside(kind):
    made, batch = problem(), torch.arange(8)
    x = made.start(STREAMS).parameters
    expected = after(made, x, batch=batch)
    made.restore(made.start(STREAMS).statistics)
    getattr(made, kind)(x, batch)
    assert torch.equal(made.statistics(), made.start(STREAMS).statistics)
    made.commit(x)
    assert torch.equal(made.statistics(), expected)


@pytest.mark.parametrize("kind", ["hessian_vector", "gauss_newton_vector"])
def test_products_set_their_statistics_aside_too(kind):
    made = problem()
    x = made.start(STREAMS).parameters
    expected = after(made, x)
    made.restore(made.start(STREAMS).statistics)
    getattr(made, kind)(x, torch.ones_like(x))
    made.commit(x)
    assert torch.equal(made.statistics(), expected)


@pytest.mark.parametrize("chosen", range(4))
def test_of_a_line_search_the_accepted_point_alone_leaves_a_trace(chosen):
    made = problem()
    x = made.start(STREAMS).parameters
    trials = [x + 0.3 * k for k in range(4)]
    expected = after(made, trials[chosen])
    made.restore(made.start(STREAMS).statistics)
    for trial in trials:
        made.value(trial)
    made.commit(trials[chosen].clone())  # another tensor, the same point
    assert torch.equal(made.statistics(), expected)


def test_where_a_step_ends_at_no_point_that_it_evaluated_its_first_evaluation_counts():
    made = problem()
    x = made.start(STREAMS).parameters
    expected = after(made, x)
    made.restore(made.start(STREAMS).statistics)
    for trial in (x, x + 1, x + 2):
        made.value(trial)
    made.commit(x + 3)
    assert torch.equal(made.statistics(), expected)


def test_a_point_that_moves_in_place_is_another_point():
    made = problem()
    x = made.start(STREAMS).parameters.clone()
    moved = x + 1
    expected = after(made, moved)
    made.restore(made.start(STREAMS).statistics)
    made.value(x)
    x.add_(1)
    made.value(x)
    made.commit(x)
    assert torch.equal(made.statistics(), expected)


def test_a_step_without_an_evaluation_commits_nothing():
    made = problem()
    x = made.start(STREAMS).parameters
    before = after(made, x)
    made.commit(x)
    assert torch.equal(made.statistics(), before)


@pytest.mark.parametrize("last", [0, 1, 99])
def test_of_very_many_evaluations_the_first_and_the_last_are_remembered(last):
    made = problem()
    x = made.start(STREAMS).parameters
    trials = [x + 0.01 * k for k in range(100)]
    expected = after(made, x if last < 99 else trials[99])
    made.restore(made.start(STREAMS).statistics)
    for trial in trials:
        made.value(trial)
    made.commit(trials[last])
    assert torch.equal(made.statistics(), expected)


def test_restoring_forgets_what_was_evaluated():
    made = problem()
    x = made.start(STREAMS).parameters
    expected = after(made, x)
    made.restore(made.start(STREAMS).statistics)
    made.value(x + 5)
    made.restore(made.start(STREAMS).statistics)
    made.value(x)
    made.commit(x + 1)
    assert torch.equal(made.statistics(), expected)


def test_the_hessian_is_that_of_the_batch_s_statistics_and_leaves_them_alone():
    made = problem(batch_size=None)
    x = made.start(STREAMS).parameters
    hessian = Derivatives(made, takes_batch=False).hessian(x)
    made.value(x)
    made.commit(x)
    net = torch_net(x)
    net(made.data["train"][0])
    assert torch.equal(made.statistics(), told(net))
    products = torch.stack([made.hessian_vector(x, unit) for unit in torch.eye(len(x), dtype=x.dtype)])
    torch.testing.assert_close(hessian, products, rtol=1e-9, atol=1e-12)


def test_one_example_is_judged_by_the_running_averages_or_by_those_of_the_point():
    made = problem()
    x = made.start(STREAMS).parameters
    statistics = after(made, x)
    inputs, targets = made.data["train"]
    net = torch_net(x)
    net(inputs)  # all of them, as `after` evaluates
    net.eval()
    alone = SupervisedProblem(blocks=made.blocks, data={"train": (inputs, targets), "test": (inputs[:1], targets[:1])})
    expected = nn.functional.cross_entropy(net(inputs[:1]), targets[:1]).item()
    alone.restore(statistics)
    assert alone.evaluate(Point(parameters=x), "test")["loss"] == pytest.approx(expected, rel=1e-14)
    alone.restore(alone.start(STREAMS).statistics)
    judged = alone.evaluate(Point(parameters=x, statistics=statistics), "test")["loss"]
    assert judged == pytest.approx(expected, rel=1e-14)
    assert alone.evaluate(Point(parameters=x), "test")["loss"] != pytest.approx(expected, rel=1e-3)


def test_statistics_of_a_point_are_those_of_torch_s_update_bn():
    made = problem()
    x = made.start(STREAMS).parameters + 0.1
    before = after(made, x)
    inputs, _ = made.data["train"]
    net = torch_net(x)
    torch.optim.swa_utils.update_bn([*inputs[:24].split(8), inputs[24:]], net)  # a last one alone joins
    torch.testing.assert_close(made.estimated_statistics(x), told(net), rtol=1e-13, atol=1e-15)
    assert torch.equal(made.statistics(), before)
    made.value(x)
    made.commit(x)
    assert not torch.equal(made.statistics(), before)  # in training mode again, with its own momentum


def test_a_net_without_statistics_has_none():
    made = problem(build=lambda: nn.Linear(3, 5))
    point = made.start(STREAMS)
    made.value(point.parameters)
    made.commit(point.parameters)
    made.restore(torch.empty(0))
    assert (point.statistics, made.statistics(), made.estimated_statistics(point.parameters)) == (None, None, None)
    assert made.statistics_layout == {}


def test_the_layout_says_where_each_buffer_lies():
    layout = problem().statistics_layout
    assert layout == {"hidden.1.running_mean": (0, (5,)), "hidden.1.running_var": (5, (5,))}


def test_a_module_of_ones_own_keeps_statistics_by_an_attribute():
    class Counting(nn.Module):
        keeps_statistics = True
        momentum = 0.5

        def __init__(self):
            super().__init__()
            self.register_buffer("level", torch.zeros(2))

        def forward(self, inputs):
            if self.training:
                self.level.lerp_(torch.ones_like(self.level), self.momentum)
            return inputs * 1.0

    made = problem(build=lambda: nn.Sequential(Counting(), nn.Linear(3, 5)))
    x = made.start(STREAMS).parameters
    assert after(made, x).tolist() == [0.5, 0.5]
    assert made.estimated_statistics(x).tolist() == [1.0, 1.0]


def test_a_momentum_that_counts_batches_is_refused():
    with pytest.raises(UserError, match="momentum None"):
        problem(build=lambda: hidden(momentum=None)).start(STREAMS)


@pytest.mark.parametrize(("batch_size", "count"), [(1, 33), (None, 1)])
def test_a_batch_of_one_example_is_refused(batch_size, count):
    with pytest.raises(UserError, match="2 or more, for the model normalises by batch"):
        problem(batch_size=batch_size, count=count).batches(STREAMS)


def test_costs_count_a_normalised_net_as_a_plain_one():
    assert problem().forward_flops == problem(build=lambda: nn.Linear(3, 5)).forward_flops == 2 * (15 + 15)
