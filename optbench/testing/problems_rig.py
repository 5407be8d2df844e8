"""A problem of the catalogue, built and ready to be asked. Shapes: n = number of parameters."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from optbench.api import Evaluation, Point
from optbench.measure.derivatives import Derivatives
from optbench.measure.place import Place
from optbench.testing.blame import defined_at, described
from optbench.testing.framework import CheckFailed, Subject
from optbench.testing.trials import place

_ALONG = {"hessian_vector", "gauss_newton_vector", "line_minimum"}
_NEAR = 0.1  # how far the other points lie from the start, relative to its size
_POINTS = 2
_SHRINKINGS = 20  # to a quarter each: a point near the start may lie where the value is no number
_EVALUATIONS = 30  # of the descent whose points are looked at


@dataclass(frozen=True)
class Rig:
    """A problem with all that can be asked of it. `evaluate` says whom to blame where an evaluation raises."""

    subject: Subject
    problem: Any
    place: Place

    @classmethod
    def build(cls, subject: Subject, where: Place | None = None, **options: Any) -> Rig:
        """Build the subject's problem, on the CPU in float64 unless told otherwise."""
        where = where or place()
        return cls(subject, subject.problem(where, **options), where)

    @property
    def n(self) -> int:
        """The number of parameters."""
        return int(self.problem.size)

    @cached_property
    def stochastic(self) -> bool:
        """Whether it takes minibatches, with the options as they are."""
        return hasattr(self.problem, "batches") and self.problem.batches(self.place.streams) is not None

    @cached_property
    def derivatives(self) -> Derivatives:
        """What the oracle asks: the problem's own methods, else autograd."""
        return Derivatives(self.problem, takes_batch=self.stochastic)

    def start(self) -> Point:
        """Return the standard start."""
        point: Point = self.problem.start(self.place.streams)
        return point

    def batches(self) -> Iterator[Tensor | None]:
        """Yield the batches on which derivatives are to be checked: all examples and, where there is one, the first."""
        yield None
        if self.stochastic:
            yield next(self.problem.batches(self.place.streams))

    def points(self) -> Iterator[Tensor]:
        """Yield the start and points near it, away from whatever is special there, such as zeros and symmetry."""
        yield self.start().parameters
        yield from (point.clone() for point in self._near)

    def points_below(self) -> Iterator[Tensor]:
        """Yield points near two of a descent from the start: a formula may hold at the start alone."""
        yield from (point.clone() for point in self._below)

    def descent(self, evaluations: int) -> list[tuple[float, Tensor]]:
        """Return every value that scipy's L-BFGS-B sees from the start, with its point; none without gradients."""
        if "gradient" not in self.derivatives.offers():
            return []
        from scipy import optimize

        seen: list[tuple[float, Tensor]] = []

        def function(x: Any) -> tuple[float, Any]:
            point = torch.tensor(x, dtype=torch.float64)
            value, gradient = self.evaluate("value_and_gradient", point.clone())
            seen.append((float(value), point))
            return seen[-1][0], gradient.numpy()

        limits = {"maxfun": evaluations, "ftol": 0.0, "gtol": 0.0}
        start = self.start().parameters.numpy()
        optimize.minimize(function, start, jac=True, method="L-BFGS-B", options=limits)
        return seen

    @cached_property
    def _near(self) -> list[Tensor]:
        generator, start = torch.Generator().manual_seed(1), self.start().parameters
        return [self._beside(start, generator) for _ in range(_POINTS)]

    @cached_property
    def _below(self) -> list[Tensor]:
        finite = [point for value, point in self.descent(_EVALUATIONS) if math.isfinite(value)]
        generator = torch.Generator().manual_seed(2)  # beside them, for a descent ends where something is special
        return [self._beside(point, generator) for point in (finite[len(finite) // 2], finite[-1])] if finite else []

    def _beside(self, point: Tensor, generator: torch.Generator) -> Tensor:
        """Return a point near another at which the value is finite, as it need not be outside of a domain."""
        noise = _NEAR * (1.0 + point.abs()) * torch.randn(self.n, generator=generator, dtype=point.dtype)
        near = (point + 0.25**shrinking * noise for shrinking in range(_SHRINKINGS))
        return next((x for x in near if bool(self.evaluate("value", x.clone()).isfinite())), point)

    def owns(self, kind: str) -> bool:
        """Tell whether the problem itself gives a kind of evaluation."""
        return hasattr(self.problem, kind)

    def evaluate(self, kind: Evaluation | str, *arguments: Any) -> Any:
        """Return one evaluation as the oracle would have it: `evaluate("hessian_vector", x, v, batch)`."""
        try:
            return getattr(self.derivatives, kind)(*arguments)
        except Exception as error:
            raise CheckFailed(f"{kind} raised {described(error, self.subject)}") from error

    def autograd(self, x: Tensor, batch: Tensor | None = None) -> Tensor | None:
        """Return the gradient of the value, whatever the problem itself says; None where torch can't follow it."""
        if not getattr(self.problem, "differentiable", True):
            return None
        leaf = x.detach().clone().requires_grad_()
        with torch.enable_grad():
            value = self.problem.value(leaf, batch=batch) if self.stochastic else self.problem.value(leaf)
        if not value.requires_grad:
            return None
        return torch.autograd.grad(value, leaf, materialize_grads=True)[0]

    def function(self, kind: str, batch: Tensor | None = None) -> Callable[[Tensor], Tensor]:
        """Return x -> value, gradient or residuals; the "true gradient" is autograd's, where there is one."""
        if kind == "true gradient":
            return lambda x: gradient if (gradient := self.autograd(x, batch)) is not None else self._gradient(x, batch)
        if kind == "gradient":
            return lambda x: self._gradient(x, batch)
        return lambda x: self.evaluate(kind, x, batch)

    def _gradient(self, x: Tensor, batch: Tensor | None) -> Tensor:
        gradient: Tensor = self.evaluate("gradient", x, batch)[1]
        return gradient

    def at(self, kind: str) -> str:
        """Return " (file:line in name)" of what gives a kind of evaluation, if only by autograd of the value."""
        instead = {  # from which the engine takes it
            "gradient": "value_and_gradient",
            "hessian_vector": "hessian",
            "gauss_newton_vector": "residuals",
        }
        for name in (kind, instead.get(kind, kind)):
            if self.owns(name):
                return defined_at(getattr(self.problem, name))
        return f" by autograd of value{defined_at(self.problem.value)}"


def arguments(kind: str, x: Tensor) -> tuple[Tensor, ...]:
    """Return what a kind of evaluation takes before the batch: the point and, along a direction, (1, …, 1)."""
    return (x, torch.ones_like(x)) if kind in _ALONG else (x,)


def told(batch: Tensor | None) -> str:
    """Return which examples an evaluation used, for a message."""
    return "" if batch is None else f" on a minibatch of {batch.numel()}"
