"""FitNets (Romero et al., 2015): a wide, shallow teacher gives hints to a thin, deep student.

The student's middle layer, the guided one, regresses the teacher's middle layer, the hint, through an extra linear map:
in a stage of its own before the task ("staged"), or besides the task all the time ("joint").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from math import prod
from typing import Any, Literal

from torch import nn

from optbench.api import Block, Judged, Point, Recipe, Refused, Stage, Streams
from optbench_meta.before import Before, learning_problem, training_begins
from optbench_meta.distilling import Gather, Lesson, StudentLoss, regressor_of
from optbench_meta.joined import Look, Seen
from optbench_meta.kept import Kept, named_tensors, with_tensors
from optbench_meta.models import HoldingBlock
from optbench_meta.nets import Frozen, after, hidden_groups, one_example
from optbench_meta.teachers import teacher_of

NAME = "hints"
REGRESSOR = "regressor"  # the block that is dropped


@dataclass(frozen=True, kw_only=True)
class Hints:
    """Puts a teacher's training before that of a recipe, whose net then learns from the teacher, too."""

    mode: Literal["staged", "joint"]
    kd: bool
    temperature: float
    kd_weight: float
    hint_weight: float
    width: int
    layers: int
    hint: int
    guided: int
    share: float
    hint_share: float

    def __call__(self, recipe: Recipe, streams: Streams) -> Recipe:
        """Return the recipe with teacher and hints; raises Refused where the net has no such layers."""
        problem = learning_problem(recipe, NAME)
        teacher = teacher_of(problem, layers=self.layers, width=self.width, name=NAME)
        school = School(problem, teacher, hint=self.hint, guided=self.guided)
        if self.kd:
            school.require_classes()
        make = partial(self._loss, school)
        joint = self.mode == "joint"
        if joint or self.kd:
            recipe = _taught(recipe, school, school.student(make(task=True, hints=joint), hints=joint, kd=self.kd))
        optimizer = recipe.stages[-1].optimizer
        stages = [Stage(problem=teacher, optimizer=optimizer, on_curve=False, prior=True, name="teacher")]
        share = self.share
        if not joint:
            share += self.hint_share
            lower = school.lower(make(task=False, hints=True))
            stages.append(Stage(problem=lower, optimizer=optimizer, on_curve=False, name="hints"))
            stages[1] = replace(stages[1], share=self.hint_share, carry=lambda _, fresh: fresh)
        stages[0] = replace(stages[0], share=self.share, carry=lambda _, fresh: fresh)
        ended = partial(_ended, school, [stage.problem for stage in stages])
        return Before(NAME, stages, share, ended, school.kept.hand_out).put_into(recipe)

    def _loss(self, school: School, *, task: bool, hints: bool) -> StudentLoss:
        return StudentLoss(
            task=school.problem.loss,
            outputs=school.outputs if task else (),
            hints=prod(school.hints) if hints else 0,
            hint_weight=self.hint_weight if task else 1.0,
            temperature=self.temperature,
            kd_weight=self.kd_weight if self.kd and task else 0.0,
        )


class School:
    """A student's model and its teacher, and what of both has been trained; belongs to one recipe."""

    def __init__(self, problem: Any, teacher: Any, *, hint: int, guided: int) -> None:
        """Cut both models at their hint layer and guided layer: hidden layers by number, 0 for the middle one."""
        self.problem, self.kept = problem, Kept()
        example = one_example(problem)
        self._blocks = list(problem.blocks)
        self._lower, self._upper = _cut(self._blocks, guided, "guided")
        below, above = _cut(list(teacher.blocks), hint, "hint")
        hinted = after(below, example)
        self.hints, self.guided = tuple(hinted.shape[1:]), tuple(after(self._lower, example).shape[1:])
        self.outputs = tuple(after(self._blocks, example).shape[1:])
        self.lesson = Lesson(Seen(), Seen(), Frozen(below, example), Frozen(above, hinted))

    def require_classes(self) -> None:
        """Raise Refused where outputs are no scores of classes."""
        if self.problem.data["train"][1].is_floating_point():
            message = f"{NAME}(kd=true) compares probabilities of classes; the targets are numbers"
            raise Refused(message)

    def student(self, loss: StudentLoss, *, hints: bool, kd: bool) -> Any:
        """Return the problem with a loss that the teacher has a part in."""
        gather = self._gather(own=True, hints=hints, outputs=kd)
        look, guided = self._look("raw", self.lesson.raw), self._look("guided", self.lesson.guided)
        return self.problem.with_blocks([look, *self._lower, guided, *self._upper, gather]).with_loss(loss)

    def lower(self, loss: StudentLoss) -> Any:
        """Return the problem of the layers up to the guided one, which regress the hint."""
        gather = self._gather(own=False, hints=True, outputs=False)
        return self.problem.with_blocks([self._look("raw", self.lesson.raw), *self._lower, gather]).with_loss(loss)

    def _look(self, name: str, seen: Seen) -> Block:
        return Block(name=name, role="input", build=lambda: Look(seen))

    def _gather(self, *, own: bool, hints: bool, outputs: bool) -> Block:
        make = regressor_of(self.guided, self.hints) if hints else None

        def build() -> nn.Module:
            return Gather(self.lesson, make() if make else None, own=own, hints=hints, outputs=outputs)

        return HoldingBlock(name=REGRESSOR, role="auxiliary" if own else "output", build=build)


def _cut(blocks: Sequence[Block], number: int, option: str) -> tuple[list[Block], list[Block]]:
    """Return the blocks up to a hidden layer, and those above; raises Refused where there is no such layer."""
    groups = hidden_groups(blocks, NAME)
    if number > len(groups):
        message = f"{NAME}({option}={number}) wants so many hidden layers; there are {len(groups)}"
        raise Refused(message)
    lower = list(chain.from_iterable(groups[: number or (len(groups) + 1) // 2]))
    return lower, list(blocks[len(lower) :])


def _taught(recipe: Recipe, school: School, student: Any) -> Recipe:
    """Return the recipe with the student's problem in each stage of training; it is judged by the task alone."""
    index = training_begins(recipe)
    training = recipe.stages[index:]
    if any(stage.problem is not school.problem or stage.judged is not None for stage in training):
        message = (
            f"{NAME} with mode='joint' or kd=true adds to one objective of one model; here others are trained, too: "
            "name it before what adds stages, or take mode='staged' without kd"
        )
        raise Refused(message)
    judged = Judged(problem=school.problem, point=partial(_own_part, school.problem))
    changed = (replace(stage, problem=student, judged=judged) for stage in training)
    return replace(recipe, stages=(*recipe.stages[:index], *changed))


def _own_part(problem: Any, point: Point) -> Point:
    """Return a point of the problem from one whose model has more parameters."""
    parameters = point.parameters.new_empty(problem.size)
    own = Point(parameters=parameters, statistics=point.statistics, layout=problem.layout)
    return with_tensors(own, problem, named_tensors(point, problem))


def _ended(school: School, problems: Sequence[Any], index: int, point: Point) -> None:
    """Show the teacher to the lesson; keep of the hint stage what the student has."""
    if index == 0:
        tensors = named_tensors(point, problems[0])
        school.lesson.below.load(tensors)
        school.lesson.above.load(tensors)
        school.kept.tensors.clear()
    else:
        school.kept.collect(point, problems[index], lambda name: not name.startswith(f"{REGRESSOR}."))
