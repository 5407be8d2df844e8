"""A deep net starts from the first and the last layers of a shallower one."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from optbench_meta.pretrain_partial import PartialPretraining

from optbench.api import Block, Refused
from tests.plugins.meta.staging import Tanh, net, recipe_of, run, streams, tensor


def pretrained(problem: Any, *, first: int, last: int, shallow: int = 0, share: float = 0.5) -> Any:
    meta = PartialPretraining(first=first, last=last, shallow=shallow, share=share)
    return meta(recipe_of(problem), streams).stages


def test_the_first_four_and_last_three_of_nineteen_come_from_a_net_of_eleven_as_in_vgg() -> None:
    problem = net(*[5] * 18)
    pretraining, deep = pretrained(problem, first=4, last=3, shallow=11, share=0.25)
    starts, ends = run((pretraining, deep))

    assert len(pretraining.problem.blocks) == 11
    assert (pretraining.on_curve, deep.on_curve) == (False, True)
    assert (pretraining.share, deep.share) == (0.25, 0.75)
    own = problem.start(streams)  # the baseline's random start
    taken = {"hidden1", "hidden2", "hidden3", "hidden4", "hidden17", "hidden18", "output"}
    for name in own.layout:
        source = ends[0] if name.partition(".")[0] in taken else own
        assert torch.equal(tensor(starts[1], name), tensor(source, name)), name


def test_the_shallower_net_starts_as_the_deep_one_would() -> None:
    problem = net(5, 5, 5)
    stages = pretrained(problem, first=1, last=1)
    start, own = stages[0].problem.start(streams), problem.start(streams)

    assert {name.partition(".")[0] for name in start.layout} == {"hidden1", "output"}
    assert all(torch.equal(tensor(start, name), tensor(own, name)) for name in start.layout)


def test_what_is_left_out_is_chosen_so_that_layers_fit_together() -> None:
    stages = pretrained(net(6, 5, 7, 5, 8), first=1, last=2)  # between widths 5 and 5 stands the layer of 7

    assert [block.name for block in stages[0].problem.blocks] == ["hidden1", "hidden2", "hidden5", "output"]


@pytest.mark.parametrize(
    ("hidden", "options", "said"),
    [
        ((5, 6, 7), {"first": 1, "last": 1}, "whose layers fit together; the model has 4"),
        ((5, 5), {"first": 2, "last": 1}, "of 3 weight layers or more"),
        ((5, 5, 5), {"first": 1, "last": 1, "shallow": 4}, "of 4 weight layers"),
        ((5, 5), {"first": 1, "last": 9}, "can't take 9 weight layers of a model that has 3"),
    ],
)
def test_a_net_that_can_not_be_made_shallower_is_refused(hidden: Any, options: Any, said: str) -> None:
    with pytest.raises(Refused, match=said):
        pretrained(net(*hidden), **options)


def test_a_block_of_two_weight_layers_is_not_cut() -> None:
    problem = net(5, 5, 5)
    unit = Block(name="hidden2", role="hidden", build=lambda: torch.nn.Sequential(Tanh(5, 5), Tanh(5, 5)))
    problem = problem.with_blocks([problem.blocks[0], unit, *problem.blocks[2:]])

    with pytest.raises(Refused, match="can't take 2 weight layers: they end after 1, 3, 4, 5"):
        pretrained(problem, first=2, last=1)
    shallow, _ = pretrained(problem, first=3, last=1)
    assert [block.name for block in shallow.problem.blocks] == ["hidden1", "hidden2", "output"]
