"""Starting a deep net from the outer layers of a shallower one (Simonyan and Zisserman, 2015, section 3.1).

A net of 11 weight layers is trained; its first four and last three begin deeper nets, whose middle layers are random.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from optbench.api import Point, Recipe, Refused, Stage, Streams
from optbench_meta.before import Before, learning_problem
from optbench_meta.kept import Kept, block_of
from optbench_meta.nets import depths, first_layers, last_layers, one_example, without_middle

NAME = "pretrain-partial"


@dataclass(frozen=True, kw_only=True)
class PartialPretraining:
    """Puts the training of a shallower net before that of the whole one, which starts from its outer layers."""

    first: int
    last: int
    shallow: int  # weight layers of the shallower net; 0: as few as fit together
    share: float

    def __call__(self, recipe: Recipe, streams: Streams) -> Recipe:
        """Return the recipe with the stage before; raises Refused where the net can't be made shallower."""
        problem = learning_problem(recipe, NAME)
        below = first_layers(problem.blocks, self.first, NAME)
        above = last_layers(problem.blocks, self.last, NAME)
        shallower = self._shallower(problem, len(below), len(above))
        taken, kept = {block.name for block in (*below, *above)}, Kept()

        def ended(_: int, point: Point) -> None:
            kept.tensors.clear()
            kept.collect(point, shallower, lambda name: block_of(name) in taken)

        optimizer = recipe.stages[-1].optimizer
        stage = Stage(problem=shallower, optimizer=optimizer, on_curve=False, name="pretrain")
        return Before(NAME, [stage], self.share, ended, kept.hand_out).put_into(recipe)

    def _shallower(self, problem: Any, below: int, above: int) -> Any:
        """Return the problem with a stretch of middle blocks left out."""
        layers, least = depths(problem.blocks)[-1], self.first + self.last
        wanted = [self.shallow] if self.shallow else range(least, layers)
        example = one_example(problem)
        for count in wanted:
            if least <= count < layers:
                blocks = without_middle(problem.blocks, below, above, count, example)
                if blocks is not None:
                    return problem.with_blocks(blocks)
        asked = f"{self.shallow} weight layers" if self.shallow else f"{least} weight layers or more"
        message = (
            f"{NAME} wants a shallower net of {asked}, the first {self.first} and the last {self.last} among them, "
            f"whose layers fit together; the model has {layers}"
        )
        raise Refused(message)
