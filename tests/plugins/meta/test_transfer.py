"""A net starts task B from the first layers of one that was trained on task A."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from optbench_meta.transfer import Transfer

from optbench.api import Refused
from tests.plugins.meta.staging import net, recipe_of, run, streams, tensor


def transferred(problem: Any, *, k: int, share: float = 0.5) -> Any:
    return Transfer(k=k, share=share)(recipe_of(problem), streams).stages


def with_other_task(other: Any) -> Any:
    return replace(net(5, 5, 5), other_task=lambda: other)


@pytest.mark.parametrize("k", [0, 1, 2, 3])
def test_the_first_k_layers_come_from_task_a_and_the_rest_from_the_baseline_s_start(k: int) -> None:
    problem = with_other_task(net(5, 5, 5, seed=1))
    task_a, task_b = transferred(problem, k=k, share=0.25)
    starts, ends = run((task_a, task_b))

    assert (task_a.prior, task_a.on_curve, task_a.name, task_b.prior) == (True, False, "task A", False)
    assert (task_a.share, task_b.share) == (0.25, 0.75)
    assert task_b.problem is problem  # all layers are trained on
    own, taken = problem.start(streams), [f"hidden{number + 1}" for number in range(k)]
    for name in own.layout:
        source = ends[0] if name.partition(".")[0] in taken else own
        assert torch.equal(tensor(starts[1], name), tensor(source, name)), name


def test_task_a_has_its_own_examples_and_classes_and_the_layers_of_task_b() -> None:
    other = net(5, 5, 5, classes=4, seed=1)
    problem = with_other_task(other)
    blocks = [problem.blocks[0], replace(problem.blocks[1], name="changed"), *problem.blocks[2:]]
    task_a, _ = transferred(problem.with_blocks(blocks), k=1)

    assert [block.name for block in task_a.problem.blocks] == ["hidden1", "changed", "hidden3", "output"]
    assert task_a.problem.data is other.data
    assert task_a.problem.layout["output.weight"][1] == (4, 5)


def test_a_problem_without_another_task_is_refused() -> None:
    with pytest.raises(Refused, match=r"as mlp-digits\(classes="):
        transferred(net(5), k=1)


def test_another_task_that_does_not_fit_is_refused() -> None:
    with pytest.raises(Refused, match="does not fit a model of the same size"):
        transferred(with_other_task(net(9)), k=1)


def test_something_is_left_to_be_random() -> None:
    with pytest.raises(Refused, match="the model has 4 weight layers"):
        transferred(with_other_task(net(5, 5, 5)), k=4)
