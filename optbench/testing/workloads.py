"""Problems that optimizers are checked on: they offer every kind of evaluation. Shapes: n = number of parameters."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from typing import Any, get_args

import torch
from torch import Tensor

from optbench.api import Block, Evaluation, Point, Streams, SupervisedProblem
from optbench.measure.place import Place
from optbench.testing.needs import FROM_A_NET
from optbench.testing.subject import Subject


class Bowl:
    """f(x) = Σ λ_i (x_i − c_i)ᵖ / p for even p; eigenvalues λ from 1 down to 1/condition, minimum 0 at c.

    With p = 4 the Hessian vanishes at the minimum, so that no method is done after a few steps.
    """

    f_star: float | None = 0.0
    f_star_source = "exact"
    f_star_from_start: float | None = None

    def __init__(self, size: int, place: Place, *, power: int = 2, condition: float = 10.0) -> None:
        """Lay out the eigenvalues and the minimum, which is 0 for p > 2."""
        self.size, self.power = size, power
        exact = torch.logspace(0.0, -math.log10(condition), size, dtype=torch.float64)
        self.eigenvalues = exact.to(place.device, place.dtype)
        centre = torch.arange(1, size + 1, dtype=torch.float64).sin() if power == 2 else torch.zeros(size)
        self.centre = centre.to(place.device, place.dtype)

    def start(self, streams: Streams) -> Point:
        """Return the point at distance 1 from the minimum in each coordinate."""
        return Point(parameters=self.centre + 1)

    def value(self, x: Tensor) -> Tensor:
        """Return f(x), shape ()."""
        return (self.eigenvalues * (x - self.centre) ** self.power).sum() / self.power

    def gradient(self, x: Tensor) -> Tensor:
        """Return the gradient (n,)."""
        return self.eigenvalues * (x - self.centre) ** (self.power - 1)

    def hessian_vector(self, x: Tensor, v: Tensor) -> Tensor:
        """Return the Hessian times v (n,)."""
        return self._curvature(x) * v

    def hessian(self, x: Tensor) -> Tensor:
        """Return the Hessian (n, n), which is diagonal."""
        return torch.diag(self._curvature(x))

    def residuals(self, x: Tensor) -> Tensor:
        """Return r (n,) with f = ½ r·r."""
        return (2 * self.eigenvalues / self.power).sqrt() * (x - self.centre) ** (self.power // 2)

    def jacobian(self, x: Tensor) -> Tensor:
        """Return the residuals' Jacobian (n, n)."""
        half = self.power // 2
        return torch.diag((2 * self.eigenvalues / self.power).sqrt() * half * (x - self.centre) ** (half - 1))

    def _curvature(self, x: Tensor) -> Tensor:
        return (self.power - 1) * self.eigenvalues * (x - self.centre) ** (self.power - 2)


class Quadratic(Bowl):
    """The bowl with p = 2, whose minimum along a line is known."""

    def line_minimum(self, x: Tensor, direction: Tensor) -> Tensor:
        """Return the step () that minimises f along `direction`."""
        return -direction.dot(self.gradient(x)) / direction.dot(self.eigenvalues * direction)


def workload(subject: Subject, place: Place, *, size: int = 10) -> Any:
    """Return what a check runs an optimizer on: a quadratic, or a small net where it needs one."""
    return small_net(place) if subject.record.needs & FROM_A_NET else Quadratic(size, place)


def unsolved(subject: Subject, place: Place, *, size: int = 10) -> Any:
    """Return what no method solves in the steps of a check: the bowl with p = 4, or a small net."""
    return small_net(place) if subject.record.needs & FROM_A_NET else endless(size, place)


def endless(size: int, place: Place) -> Bowl:
    """Return the bowl with p = 4, which no method solves in the steps of a check."""
    return Bowl(size, place, power=4, condition=1e3)


def small_net(place: Place) -> SupervisedProblem:
    """Return regression by a net of 3-4-1 units on 32 examples in minibatches of 8, the first ones the easiest."""
    index = torch.arange(96, dtype=torch.float64).reshape(32, 3)
    inputs = index.mul(0.7).sin()
    targets = inputs.sum(1, keepdim=True).tanh()
    examples = inputs.to(place.device, place.dtype), targets.to(place.device, place.dtype)
    hidden = Block(
        name="hidden", role="hidden", build=lambda: torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh())
    )
    output = Block(name="output", role="output", build=lambda: torch.nn.Linear(4, 1))
    return SupervisedProblem(
        blocks=(hidden, output),
        data={"train": examples, "test": examples},
        loss=torch.nn.functional.mse_loss,
        batch_size=8,
        difficulty=torch.arange(32),
    )


def deep_net(place: Place, width: int = 4) -> SupervisedProblem:
    """Return the small net with three hidden layers of `width` units, beside another task on the same inputs."""
    net = small_net(place)
    inputs, targets = net.data["train"]
    hidden = [
        Block(name=name, role="hidden", build=partial(_tanh_layer, before, width))
        for name, before in (("hidden", 3), ("hidden2", width), ("hidden3", width))
    ]
    output = Block(name="output", role="output", build=lambda: torch.nn.Linear(width, 1))
    deep = replace(net, blocks=(*hidden, output))
    other = replace(deep, data={"train": (inputs, targets.square()), "test": (inputs, targets.square())})
    return replace(deep, other_task=lambda: other)


def _tanh_layer(inputs: int, outputs: int) -> torch.nn.Module:
    return torch.nn.Sequential(torch.nn.Linear(inputs, outputs), torch.nn.Tanh())


class Wrapped:
    """A problem that passes everything on; subclasses look at what `value`, `gradient`, … return."""

    KINDS = frozenset({*get_args(Evaluation), "value_and_gradient", "value_and_gradient_tensors"})

    def __init__(self, problem: Any) -> None:
        """Keep the problem."""
        self._wrapped = problem

    def __getattr__(self, name: str) -> Any:
        """Return the problem's attribute; an evaluation is seen by `seen`."""
        attribute = getattr(self._wrapped, name)
        if name not in self.KINDS:
            return attribute

        def evaluation(*arguments: Any, **keywords: Any) -> Any:
            self.asked(name)
            return self.returned(name, attribute(*arguments, **keywords))

        return evaluation

    def asked(self, kind: str) -> None:
        """Be told of an evaluation before it is made."""

    def returned(self, kind: str, result: Any) -> Any:
        """Return what the evaluation shall give instead of `result`."""
        return result
