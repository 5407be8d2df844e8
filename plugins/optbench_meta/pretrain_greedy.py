"""Greedy supervised pretraining (Bengio et al., 2007): one shallow net a hidden layer, then the whole net jointly.

Net k is: hidden layers 1 … k−1 as they came out of their own training, which stay as they are; hidden layer k and an
output layer, which are trained. The hidden layer is kept and the output layer dropped, but for the last net, whose
output layer is that of the whole (Goodfellow et al., 2016, figure 8.7).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import torch
from torch import Tensor

from optbench.api import Block, Judged, Point, Recipe, Refused, Stage, Streams
from optbench_meta.before import Before, learning_problem, training_begins
from optbench_meta.joined import with_raw_inputs
from optbench_meta.kept import Kept, named_tensors, with_tensors
from optbench_meta.models import HoldingBlock
from optbench_meta.nets import Frozen, after, hidden_groups, one_example

NAME = "pretrain-greedy"


@dataclass(frozen=True, kw_only=True)
class GreedyPretraining:
    """Puts a stage for each hidden layer before the training of the whole net, or in place of it."""

    share: float
    fine_tune: bool
    concat_input: bool

    def __call__(self, recipe: Recipe, streams: Streams) -> Recipe:
        """Return the recipe with the pretraining stages; raises Refused where there is no hidden layer to pretrain."""
        if self.concat_input:
            recipe = with_raw_inputs(recipe, NAME)
        problem = learning_problem(recipe, NAME)
        layers = Layers(problem)
        if not self.fine_tune:
            return _without_joint_training(recipe, layers, streams)
        stages = [layers.stage(number, recipe.stages[-1]) for number in range(1, layers.count + 1)]
        before = Before(NAME, stages, self.share, layers.ended, layers.kept.hand_out)
        return before.put_into(recipe)


class Layers:
    """The shallow nets of a problem's model, and what came out of them; belongs to one recipe."""

    def __init__(self, problem: Any) -> None:
        """Cut the model into one group of blocks a hidden layer, and what is on top of them."""
        self.problem = problem
        self.groups = hidden_groups(problem.blocks, NAME)
        self.top = problem.blocks[sum(map(len, self.groups)) :]
        self.kept = Kept()
        self._frozen: dict[int, Frozen] = {}  # the layers below, by the net's number
        self.problems = [self._shallow(number) for number in range(1, self.count + 1)]

    @property
    def count(self) -> int:
        """How many hidden layers there are."""
        return len(self.groups)

    def stage(self, number: int, like: Stage) -> Stage:
        """Return the stage that trains layer `number`, from 1, by the optimizer of another stage."""
        return Stage(
            problem=self.problems[number - 1],
            optimizer=like.optimizer,
            carry=lambda _, fresh: self._begins(number, fresh),
            on_curve=False,
            name=f"pretrain {number}",
        )

    def _begins(self, number: int, fresh: Point) -> Point:
        """Show the layers below to the net that is trained next; the first one of a run finds nothing kept."""
        if number == 1:
            self.kept.tensors.clear()
        if number in self._frozen:
            self._frozen[number].load(self.kept.tensors)
        return fresh

    def ended(self, index: int, point: Point) -> None:
        """Keep what a net has trained, its head too if that is the last one."""
        self.kept.collect(point, self.problems[index])

    def _shallow(self, number: int) -> Any:
        """Return the net of layer `number` and an output layer of its own on top of the earlier layers, frozen."""
        *earlier, trained = self.groups[:number]
        example = one_example(self.problem)
        below = list(chain.from_iterable(earlier))
        top = self.top if number == self.count else [self._head(number, [*below, *trained], example)]
        blocks = [*trained, *top]
        if below:
            frozen = self._frozen[number] = Frozen(below, example)
            blocks.insert(0, HoldingBlock(name="frozen", role="input", build=lambda: frozen))
        return self.problem.with_blocks(blocks)

    def _head(self, number: int, hidden: Sequence[Block], example: Tensor) -> Block:
        """Return a fresh output layer on top of the given blocks: like the model's own where that fits, else linear."""
        name = f"head{number}"
        activations = after(hidden, example)
        below = after([block for group in self.groups for block in group], example)
        if activations.shape == below.shape and len(self.top) == 1:
            return replace(self.top[0], name=name)
        outputs = after(self.top, below)
        if outputs.ndim != 2:
            message = f"{NAME} has no output layer for hidden layers of different widths with outputs in steps"
            raise Refused(message)
        width = activations.numel()
        return Block(name=name, role="output", build=lambda: Head(width, outputs.shape[1]))


class Head(torch.nn.Linear):
    """A linear output layer on the flattened activations."""

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the outputs, (B, outputs)."""
        return super().forward(inputs.flatten(1))


def _without_joint_training(recipe: Recipe, layers: Layers, streams: Streams) -> Recipe:
    """Return the recipe with the shallow nets in place of its training; the last one's points are those of the whole.

    Raises Refused where the training has several stages, or a start of its own, which would be lost.
    """
    index = training_begins(recipe)
    prior, (training, *more) = recipe.stages[:index], recipe.stages[index:]
    if more or training.carry is not None:
        what = f"{1 + len(more)} of them" if more else "one with a start of its own"
        message = f"{NAME}(fine_tune=false) takes the place of one stage of training; the recipe has {what}"
        raise Refused(message)
    fresh = layers.problem.start(streams)

    def whole(point: Point) -> Point:
        trained = layers.kept.tensors | named_tensors(point, layers.problems[-1])
        return with_tensors(fresh, layers.problem, trained)

    stages = [layers.stage(number, training) for number in range(1, layers.count + 1)]
    stages = [replace(stage, carry=_telling(layers, index, stage)) for index, stage in enumerate(stages)]
    judged = Judged(problem=layers.problem, point=whole) if layers.count > 1 else None  # else it is the whole net
    stages[-1] = replace(stages[-1], on_curve=True, judged=judged)
    share = training.share / layers.count
    return replace(recipe, stages=(*prior, *(replace(stage, share=share) for stage in stages)))


def _telling(layers: Layers, index: int, stage: Stage) -> Any:
    """Return the stage's carry, which keeps first what the one before has trained."""
    own = stage.carry
    assert own is not None

    def carry(previous: Point | None, fresh: Point) -> Point:
        if index and previous is not None:
            layers.ended(index - 1, previous)
        return own(None, fresh)

    return carry
