"""Losses of a student that learns from a teacher. Shapes: B examples, C classes, h hints (numbers that are regressed).

The student's model puts out one tensor (B, columns): its own outputs, then what else the loss takes, side by side.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod

import torch
from torch import Tensor, nn
from torch.nn import functional

from optbench_meta.joined import Seen
from optbench_meta.nets import Frozen

Loss = Callable[..., Tensor]


@dataclass
class Lesson:
    """What a student's forward pass leaves for its loss, and the teacher that it is compared with."""

    raw: Seen  # the inputs
    guided: Seen  # what the guided layer puts out
    below: Frozen  # the teacher up to its hint layer
    above: Frozen  # the rest of it


class Gather(nn.Module):
    """Puts side by side: the student's outputs, the regressor's, the teacher's hints, and the teacher's outputs."""

    def __init__(self, lesson: Lesson, regressor: nn.Module | None, *, own: bool, hints: bool, outputs: bool) -> None:
        """Say what is wanted; without hints there is no regressor."""
        super().__init__()
        self._lesson, self._own, self._hints, self._outputs = lesson, own, hints, outputs
        self.regressor = regressor

    def forward(self, student: Tensor) -> Tensor:
        """Return (B, columns)."""
        lesson, parts = self._lesson, [student] if self._own else []
        with torch.no_grad():
            hints = lesson.below(lesson.raw.inputs)
            outputs = lesson.above(hints) if self._outputs else hints
        if self._hints and self.regressor is not None:
            parts += [self.regressor(lesson.guided.inputs if self._own else student), hints]
        if self._outputs:
            parts.append(outputs)
        return torch.cat([part.flatten(1) for part in parts], 1)


@dataclass(frozen=True, kw_only=True)
class StudentLoss:
    """The sum of the task's loss, of half the mean squared error of hints, and of the distillation loss.

    The distillation loss is τ² KL(softmax(t/τ) ‖ softmax(z/τ)) of the student's outputs z and the teacher's t (Hinton,
    Vinyals and Dean, 2015), of which FitNets' H(t, z) differs by what no parameter changes and by the factor τ².
    """

    task: Loss
    outputs: tuple[int, ...]  # shape of one example's, () where the task is left out
    hints: int  # numbers that are regressed, 0: none
    hint_weight: float
    temperature: float
    kd_weight: float  # 0: no distillation

    def __call__(self, columns: Tensor, targets: Tensor, reduction: str = "mean") -> Tensor:
        """Return the mean (), or with reduction="none" each example's loss (B,)."""
        own = prod(self.outputs) if self.outputs else 0
        sizes = [own, self.hints, self.hints, own if self.kd_weight else 0]
        outputs, regressed, hints, teacher = columns.split(sizes, 1)
        added = columns.new_zeros(len(columns))
        if self.hints:
            added = added + self.hint_weight * 0.5 * (regressed - hints).square().mean(1)
        if self.kd_weight:
            added = added + self.kd_weight * self._distilled(outputs, teacher)
        if reduction == "none":
            return added + self._each(outputs, targets) if self.outputs else added
        if not self.outputs:
            return added.mean()
        return added.mean() + self.task(outputs.unflatten(1, self.outputs), targets, reduction="mean")

    def _each(self, outputs: Tensor, targets: Tensor) -> Tensor:
        losses = self.task(outputs.unflatten(1, self.outputs), targets, reduction="none")
        return losses.flatten(1).mean(1) if losses.ndim > 1 else losses

    def _distilled(self, outputs: Tensor, teacher: Tensor) -> Tensor:
        student, taught = (
            functional.log_softmax(part.unflatten(1, self.outputs) / self.temperature, 1) for part in (outputs, teacher)
        )
        divergence = functional.kl_div(student, taught, reduction="none", log_target=True).sum(1)
        return self.temperature**2 * (divergence.flatten(1).mean(1) if divergence.ndim > 1 else divergence)


def regressor_of(guided: Sequence[int], hints: Sequence[int]) -> Callable[[], nn.Module]:
    """Return what builds a linear map from the guided layer's shape to the hint layer's, both of one example.

    Pictures of the same size are mapped place by place, as in FitNets.
    """
    if len(guided) == len(hints) == 3 and tuple(guided[1:]) == tuple(hints[1:]):
        return lambda: nn.Conv2d(guided[0], hints[0], 1)
    return lambda: nn.Sequential(nn.Flatten(), nn.Linear(prod(guided), prod(hints)))
