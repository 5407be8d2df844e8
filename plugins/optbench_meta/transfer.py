"""Transfer between tasks (Yosinski, Clune, Bengio and Lipson, 2014): AnB⁺, all layers trained on in task B.

A net is trained on task A; a net of the same size starts task B from its first k weight layers, the rest random.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from optbench.api import Point, Recipe, Refused, Stage, Streams
from optbench_meta.before import Before, learning_problem
from optbench_meta.kept import Kept, block_of
from optbench_meta.nets import after, depths, first_layers, one_example

NAME = "transfer"


@dataclass(frozen=True, kw_only=True)
class Transfer:
    """Puts training on another task before that on the recipe's own, which starts from its first layers."""

    k: int
    share: float

    def __call__(self, recipe: Recipe, streams: Streams) -> Recipe:
        """Return the recipe with task A before; raises Refused where there is none, or no such layers."""
        problem = learning_problem(recipe, NAME)
        layers = depths(problem.blocks)[-1]
        if self.k >= layers:
            message = f"{NAME}(k={self.k}) leaves no layer of task B random; the model has {layers} weight layers"
            raise Refused(message)
        taken = {block.name for block in first_layers(problem.blocks, self.k, NAME)}
        source, kept = task_a(problem), Kept()

        def ended(_: int, point: Point) -> None:
            kept.tensors.clear()
            kept.collect(point, source, lambda name: block_of(name) in taken)

        optimizer = recipe.stages[-1].optimizer
        stage = Stage(problem=source, optimizer=optimizer, on_curve=False, prior=True, name="task A")
        return Before(NAME, [stage], self.share, ended, kept.hand_out).put_into(recipe)


def task_a(problem: Any) -> Any:
    """Return the other task with the model of this one, and an output layer of its own."""
    other = getattr(problem, "other_task", None)
    if other is None:
        message = (
            f"{NAME} wants a problem that has another task beside its own, such as mlp-digits(classes=[5, 6, 7, 8, 9])"
        )
        raise Refused(message)
    source = other()
    outputs = {block.name: block for block in source.blocks if block.role == "output"}
    blocks = [outputs.get(block.name, block) for block in problem.blocks]
    try:
        after(blocks, one_example(source))
    except RuntimeError as error:
        message = f"{NAME}: the other task does not fit a model of the same size: {error}"
        raise Refused(message) from error
    return source.with_blocks(blocks)
