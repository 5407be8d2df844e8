"""Greedy pretraining on a small net: which tensors go from stage to stage."""

from __future__ import annotations

import hashlib

import pytest
import torch
from optbench_meta.pretrain_greedy import GreedyPretraining

from optbench.api import Block, Point, Recipe, Refused, Stage, SupervisedProblem

OPTIMIZER = object()


class Tanh(torch.nn.Linear):
    def forward(self, inputs):
        return super().forward(inputs).tanh()


def streams(purpose, name=""):
    digest = hashlib.sha256(f"{purpose}/{name}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:6], "little"))


def net(*hidden, batch_size=None):
    widths = [4, *hidden]
    blocks = [
        Block(name=f"hidden{k + 1}", role="hidden", build=lambda k=k: Tanh(widths[k], widths[k + 1]))
        for k in range(len(hidden))
    ]
    blocks.append(Block(name="output", role="output", build=lambda: torch.nn.Linear(widths[-1], 3)))
    inputs = torch.randn(20, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    data = {"train": (inputs, torch.arange(20) % 3), "test": (inputs[:5], torch.arange(5) % 3)}
    return SupervisedProblem(blocks=tuple(blocks), data=data, batch_size=batch_size)


def pretrained(*hidden, share=0.5):
    recipe = Recipe(stages=(Stage(problem=net(*hidden), optimizer=OPTIMIZER),))
    return GreedyPretraining(share=share)(recipe, streams).stages


def tensor(point, name):
    offset, shape = point.layout[name]
    return point.parameters[offset : offset + torch.Size(shape).numel()].view(shape)


def run(stages):
    """Fold over the stages with an optimizer that adds 1, 2, … to every parameter; return starts and ends."""
    starts, ends, previous = [], [], None
    for number, stage in enumerate(stages, start=1):
        start = stage.carry(previous, stage.problem.start(streams))
        previous = Point(parameters=start.parameters + number, layout=start.layout)
        starts.append(start)
        ends.append(previous)
    return starts, ends


def test_one_shallow_stage_a_hidden_layer_then_the_whole_net():
    stages = pretrained(5, 6, share=0.4)
    assert [stage.problem.size for stage in stages] == [25 + 18, 36 + 21, 25 + 36 + 21]
    assert [stage.on_curve for stage in stages] == [False, False, True]
    assert [stage.share for stage in stages] == pytest.approx([0.2, 0.2, 0.6])
    assert all(stage.optimizer is OPTIMIZER for stage in stages)


def test_every_hidden_tensor_reaches_the_joint_stage_and_no_head_does():
    stages = pretrained(5, 6)
    starts, ends = run(stages)
    joint, fresh = starts[-1], stages[-1].problem.start(streams)
    assert set(joint.layout) == {
        f"{layer}.{kind}" for layer in ("hidden1", "hidden2", "output") for kind in ("weight", "bias")
    }
    for name in joint.layout:
        source = {"hidden1": ends[0], "hidden2": ends[1], "output": fresh}[name.partition(".")[0]]
        assert torch.equal(tensor(joint, name), tensor(source, name)), name


def test_heads_are_fresh_and_have_names_of_their_own():
    stages = pretrained(5, 6)
    starts, _ = run(stages)
    assert set(starts[0].layout) == {"hidden1.weight", "hidden1.bias", "head1.weight", "head1.bias"}
    assert set(starts[1].layout) == {"hidden2.weight", "hidden2.bias", "head2.weight", "head2.bias"}
    assert torch.equal(starts[1].parameters, stages[1].problem.start(streams).parameters)


def test_a_layer_is_trained_on_what_the_trained_layers_below_give():
    stages = pretrained(5, 6)
    _, ends = run(stages)
    below, point = ends[0], ends[1]
    inputs, targets = stages[-1].problem.data["train"]
    features = (inputs @ tensor(below, "hidden1.weight").T + tensor(below, "hidden1.bias")).tanh()
    features = (features @ tensor(point, "hidden2.weight").T + tensor(point, "hidden2.bias")).tanh()
    outputs = features @ tensor(point, "head2.weight").T + tensor(point, "head2.bias")
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
    recipe = Recipe(stages=(Stage(problem=problem.with_blocks(blocks), optimizer=OPTIMIZER),))
    stages = GreedyPretraining(share=0.5)(recipe, streams).stages
    starts, ends = run(stages)
    assert torch.equal(tensor(starts[-1], "scale.weight"), tensor(ends[0], "scale.weight"))


def test_a_net_without_hidden_layers_is_refused():
    with pytest.raises(Refused, match="hidden layer below an output layer"):
        pretrained()


def test_a_problem_without_blocks_is_refused():
    class Plain:
        size = 2

    recipe = Recipe(stages=(Stage(problem=Plain(), optimizer=OPTIMIZER),))
    with pytest.raises(Refused, match="Plain has none"):
        GreedyPretraining(share=0.5)(recipe, streams)


def test_a_recipe_of_several_stages_is_refused():
    stage = Stage(problem=net(5), optimizer=OPTIMIZER, share=0.5)
    with pytest.raises(Refused, match="one stage"):
        GreedyPretraining(share=0.5)(Recipe(stages=(stage, stage)), streams)
