"""Greedy pretraining on a small net: which tensors go from stage to stage."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from optbench_meta.batch_norm import batch_norm
from optbench_meta.pretrain_greedy import GreedyPretraining

from optbench.api import Block, Recipe, Refused, Stage
from tests.plugins.meta.staging import OPTIMIZER, net, recipe_of, run, streams, tensor


def greedy(*, share=0.5, fine_tune=True, concat_input=False):
    return GreedyPretraining(share=share, fine_tune=fine_tune, concat_input=concat_input)


def pretrained(*hidden, **options):
    return greedy(**options)(recipe_of(net(*hidden)), streams).stages


def test_one_shallow_stage_a_hidden_layer_then_the_whole_net():
    stages = pretrained(5, 6, share=0.4)
    assert [stage.problem.size for stage in stages] == [25 + 18, 36 + 21, 25 + 36 + 21]
    assert [stage.on_curve for stage in stages] == [False, False, True]
    assert [stage.share for stage in stages] == pytest.approx([0.2, 0.2, 0.6])
    assert all(stage.optimizer is OPTIMIZER for stage in stages)


def test_hidden_layers_are_kept_and_heads_dropped_but_for_the_last_one_which_is_the_net_s_own():
    """Goodfellow et al., figure 8.7: W1 of (a) and W2, U2 of (c) make (d); U1 of (a) is discarded."""
    starts, ends = run(pretrained(5, 6))
    joint = starts[-1]
    assert set(joint.layout) == {
        f"{layer}.{kind}" for layer in ("hidden1", "hidden2", "output") for kind in ("weight", "bias")
    }
    for name in joint.layout:
        source = {"hidden1": ends[0], "hidden2": ends[1], "output": ends[1]}[name.partition(".")[0]]
        assert torch.equal(tensor(joint, name), tensor(source, name)), name


def test_heads_have_names_of_their_own_and_every_net_starts_afresh():
    stages = pretrained(5, 6)
    starts, _ = run(stages)
    assert set(starts[0].layout) == {"hidden1.weight", "hidden1.bias", "head1.weight", "head1.bias"}
    assert set(starts[1].layout) == {"hidden2.weight", "hidden2.bias", "output.weight", "output.bias"}
    assert torch.equal(starts[1].parameters, stages[1].problem.start(streams).parameters)
    whole = net(5, 6).start(streams)
    for name in starts[1].layout:  # paired with the baseline's
        assert torch.equal(tensor(starts[1], name), tensor(whole, name)), name


def test_a_layer_is_trained_on_what_the_trained_layers_below_give():
    stages = pretrained(5, 6)
    _, ends = run(stages)
    below, point = ends[0], ends[1]
    inputs, targets = stages[-1].problem.data["train"]
    features = (inputs @ tensor(below, "hidden1.weight").T + tensor(below, "hidden1.bias")).tanh()
    features = (features @ tensor(point, "hidden2.weight").T + tensor(point, "hidden2.bias")).tanh()
    outputs = features @ tensor(point, "output.weight").T + tensor(point, "output.bias")
    expected = torch.nn.functional.cross_entropy(outputs, targets)
    torch.testing.assert_close(stages[1].problem.value(point.parameters), expected, rtol=1e-12, atol=0)


def test_the_layers_below_cost_their_forward_pass():
    stages = pretrained(5, 6)
    assert stages[1].problem.forward_flops == 2 * (4 * 5 + 5 * 6 + 6 * 3)


def test_carrying_leaves_the_previous_point_alone():
    stages = pretrained(5, 6)
    _, ends = run(stages)
    before = ends[1].parameters.clone()
    start = stages[-1].carry(ends[1], stages[-1].problem.start(streams))
    start.parameters.zero_()
    assert torch.equal(ends[1].parameters, before)


def test_a_recipe_can_run_twice():
    stages = pretrained(5, 6)
    first, second = run(stages), run(stages)
    assert all(torch.equal(a.parameters, b.parameters) for a, b in zip(first[1], second[1], strict=True))


def test_blocks_between_hidden_layers_belong_to_the_layer_below():
    problem = net(5, 5)
    blocks = list(problem.blocks)
    blocks.insert(1, Block(name="scale", role="auxiliary", build=lambda: torch.nn.LayerNorm(5)))
    stages = greedy()(recipe_of(problem.with_blocks(blocks)), streams).stages
    starts, ends = run(stages)
    assert torch.equal(tensor(starts[-1], "scale.weight"), tensor(ends[0], "scale.weight"))


def test_a_net_without_hidden_layers_is_refused():
    with pytest.raises(Refused, match="hidden layer below an output layer"):
        pretrained()


def test_a_problem_without_blocks_is_refused():
    class Plain:
        size = 2

    with pytest.raises(Refused, match="Plain has none"):
        greedy()(recipe_of(Plain()), streams)


def test_stages_that_follow_one_another_go_on_as_if_nothing_stood_before_them():
    problem, seen = net(5, 6), []

    def carry(previous, fresh):
        seen.append(previous)
        return fresh if previous is None else previous

    first = Stage(problem=problem, optimizer=OPTIMIZER, share=0.25, carry=carry)
    stages = greedy(share=0.4)(Recipe(stages=(first, replace(first, share=0.75))), streams).stages
    assert [stage.share for stage in stages] == pytest.approx([0.2, 0.2, 0.15, 0.45])
    starts, ends = run(stages)
    assert seen[0] is None
    assert torch.equal(seen[1].parameters, ends[2].parameters)
    assert torch.equal(starts[3].parameters, ends[2].parameters)  # the tensors of the pretraining came in once
    assert torch.equal(tensor(starts[2], "hidden1.weight"), tensor(ends[0], "hidden1.weight"))


def test_a_teacher_before_the_task_stays_before_it_and_the_task_sees_where_it_ended():
    problem, seen = net(5), []

    def carry(previous, fresh):
        seen.append(previous)
        return fresh

    teacher = Stage(problem=net(9), optimizer=OPTIMIZER, share=0.5, prior=True, on_curve=False, name="teacher")
    task = Stage(problem=problem, optimizer=OPTIMIZER, share=0.5, carry=carry)
    stages = greedy()(Recipe(stages=(teacher, task)), streams).stages
    assert [stage.name for stage in stages] == ["teacher", "pretrain 1", ""]
    _, ends = run(stages)
    assert torch.equal(seen[0].parameters, ends[0].parameters)


def test_without_fine_tuning_the_last_shallow_net_is_judged_as_the_whole():
    stages = pretrained(5, 6, fine_tune=False)
    assert [stage.on_curve for stage in stages] == [False, True]
    assert sum(stage.share for stage in stages) == pytest.approx(1.0)
    _, ends = run(stages)
    whole, judged = net(5, 6), stages[-1].judged.point(ends[1])
    assert judged.layout == whole.layout
    for name in whole.layout:
        assert torch.equal(tensor(judged, name), tensor(ends[0] if name.startswith("hidden1") else ends[1], name)), name
    torch.testing.assert_close(
        stages[-1].measured.value(judged.parameters), stages[1].problem.value(ends[1].parameters), rtol=1e-12, atol=0
    )


def test_without_fine_tuning_there_is_one_stage_to_take_the_place_of():
    stage = Stage(problem=net(5), optimizer=OPTIMIZER, share=0.5)
    with pytest.raises(Refused, match="the recipe has 2 of them"):
        greedy(fine_tune=False)(Recipe(stages=(stage, stage)), streams)


def test_added_layers_see_the_layer_below_and_the_raw_input():
    stages = pretrained(5, 6, 7, concat_input=True)
    joint = stages[-1].problem
    shapes = {name: shape for name, (_, shape) in joint.layout.items() if name.endswith("weight")}
    assert shapes == {
        "hidden1.weight": (5, 4),
        "hidden2.weight": (6, 5 + 4),
        "hidden3.weight": (7, 6 + 4),
        "output.weight": (3, 7),
    }
    starts, ends = run(stages)
    for number in (1, 2, 3):
        name = f"hidden{number}.weight"
        assert torch.equal(tensor(starts[-1], name), tensor(ends[number - 1], name))
    point, (inputs, targets) = starts[-1], joint.data["train"]
    hidden = inputs.new_empty(len(inputs), 0)
    for number in (1, 2, 3):
        seen = inputs if number == 1 else torch.cat([hidden, inputs], 1)
        hidden = (seen @ tensor(point, f"hidden{number}.weight").T + tensor(point, f"hidden{number}.bias")).tanh()
    outputs = hidden @ tensor(point, "output.weight").T + tensor(point, "output.bias")
    expected = torch.nn.functional.cross_entropy(outputs, targets)
    torch.testing.assert_close(joint.value(point.parameters), expected, rtol=1e-12, atol=0)
    # The last shallow net, on top of frozen layers that are joined alike, computes the same.
    torch.testing.assert_close(stages[2].problem.value(ends[2].parameters), expected, rtol=1e-12, atol=0)


def test_a_layer_whose_inputs_are_normalised_has_the_raw_ones_among_them():
    options = {"variant": "normalise", "layers": [], "momentum": 0.1, "eps": 1e-8, "affine": True, "penalty": 0.1}
    normalised = batch_norm(placement="X", per_location=False, **options)(recipe_of(net(5, 6)), streams)
    joint = GreedyPretraining(share=0.5, fine_tune=True, concat_input=True)(normalised, streams).stages[-1].problem
    shapes = {name: shape for name, (_, shape) in joint.layout.items() if name.endswith("normalisation.weight")}
    assert shapes == {"hidden1.normalisation.weight": (4,), "hidden2.normalisation.weight": (5 + 4,)}
    assert joint.value(joint.start(streams).parameters).isfinite()


def test_convolutions_can_not_be_joined_to_the_raw_input():
    problem = net(5, 6)
    blocks = list(problem.blocks)
    blocks[1] = Block(name="hidden2", role="hidden", build=lambda: torch.nn.Conv1d(1, 1, 1))
    with pytest.raises(Refused, match="block hidden2 begins with none"):
        greedy(concat_input=True)(recipe_of(problem.with_blocks(blocks)), streams)


def test_running_statistics_of_trained_layers_go_to_the_frozen_ones_and_to_the_whole_net():
    problem = net(5, 6)
    normalised = Block(
        name="hidden1", role="hidden", build=lambda: torch.nn.Sequential(torch.nn.Linear(4, 5), torch.nn.BatchNorm1d(5))
    )
    stages = greedy()(recipe_of(problem.with_blocks([normalised, *problem.blocks[1:]])), streams).stages
    first, second, joint = (stage.problem for stage in stages)
    start = stages[0].carry(None, first.start(streams))
    trained = replace(start, statistics=start.statistics + 2.0)  # mean 2, variance 3
    inputs, _ = first.data["train"]

    stages[1].carry(trained, second.start(streams))
    hidden = (inputs @ tensor(trained, "hidden1.0.weight").T + tensor(trained, "hidden1.0.bias") - 2.0) / 3.00001**0.5
    torch.testing.assert_close(second.model.frozen(inputs), hidden, rtol=1e-12, atol=1e-14)
    end = stages[1].carry(trained, second.start(streams))
    fine = stages[2].carry(end, joint.start(streams))
    assert torch.equal(fine.statistics, trained.statistics)
