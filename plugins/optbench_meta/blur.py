"""Gaussian blur of an objective by sampling. Shapes: n parameters, S samples, m residuals."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial, reduce
from typing import Any

import torch
from torch import Tensor

from optbench.api import Layout, Point, Streams

_MEANS = frozenset(
    {
        *("gradient", "value_and_gradient", "value_and_gradient_tensors"),
        *("hessian_vector", "gauss_newton_vector", "hessian"),
    }
)
_STACKED = frozenset({"residuals", "jacobian"})
# What of a problem has nothing to do with the point at which its objective is evaluated.
_KEPT = frozenset(
    {
        *(
            "batches",
            "batch_size",
            "examples",
            "data",
            "blocks",
            "model",
            "layout",
            "loss",
            "sampling",
            "difficulty",
            "weighting",
        ),
        *("forward_flops", "differentiable", "coordinate_blocks", "evaluate", "outputs_by_block"),
        *("commit", "statistics", "restore", "statistics_layout", "estimated_statistics"),
    }
)


class Draws:
    """S samples z ~ N(0, I), (S, n), drawn once and held: S·n numbers, which all stages share.

    Each tensor's come from its own stream, so that models that have some tensors in common stay paired. Antithetic ones
    come in pairs z, −z; of an odd number the last stands alone.
    """

    def __init__(self, streams: Streams, samples: int, *, antithetic: bool) -> None:
        """Draw nothing yet."""
        self.samples = samples
        self._streams, self._antithetic = streams, antithetic
        self._drawn: tuple[Layout, Tensor] | None = None

    def like(self, point: Point) -> Tensor:
        """Return the samples for points laid out as this one, on its device and in its precision."""
        layout = point.layout or {"": (0, tuple(point.parameters.shape))}
        if self._drawn is None or self._drawn[0] != layout:
            self._drawn = layout, self._normal(layout).to(point.parameters)
        return self._drawn[1]

    def of(self, problem: Any) -> Tensor:
        """Return the samples for points of a problem."""
        return self.like(problem.start(self._streams))

    def _normal(self, layout: Layout) -> Tensor:
        count = -(-self.samples // 2) if self._antithetic else self.samples
        parts = [
            torch.randn(count, math.prod(shape), generator=self._streams("blur", name), dtype=torch.float64)
            for name, (_, shape) in layout.items()
        ]
        drawn = torch.cat(parts, dim=1)
        return torch.stack((drawn, -drawn), dim=1).flatten(0, 1)[: self.samples] if self._antithetic else drawn


class Blurred:
    """J_σ(θ) = mean of J(θ + σ z_s) over S samples, the estimate of Deep Learning (2016), equation 8.40.

    The samples are fixed, so that J_σ is a function that line searches and curvature can trust. With antithetic ones
    the estimate is exact where J is linear, and its gradient where J is quadratic. Whatever derivatives the problem
    gives are averaged, too; residuals are stacked, each set over √S, so that their squares add up to the same mean.
    What the problem knows of J beyond these is not passed on.
    """

    f_star: float | None = None
    f_star_source = ""
    f_star_from_start: float | None = None

    def __init__(self, problem: Any, sigma: float, draws: Draws) -> None:
        """Blur the problem's objective by σ."""
        self.problem, self.sigma, self.draws = problem, sigma, draws
        self._samples: Tensor | None = None

    @property
    def size(self) -> int:
        """The number of parameters."""
        return int(self.problem.size)

    @property
    def points_per_evaluation(self) -> int:
        """As how many evaluations of J one of J_σ counts."""
        return self.draws.samples * int(getattr(self.problem, "points_per_evaluation", 1))

    def start(self, streams: Streams) -> Point:
        """Return the problem's start, with the samples drawn, so that no evaluation waits for them."""
        point: Point = self.problem.start(streams)
        self._samples = self.draws.like(point)
        return point

    def value(self, x: Tensor, **batch: Any) -> Tensor:
        """Return J_σ(x), shape ()."""
        value: Tensor = self._mean("value", x, **batch)
        return value

    def __getattr__(self, name: str) -> Any:
        """Return what the problem has, if it is a derivative, or no matter of the objective."""
        if name.startswith("with_"):
            return partial(self._changed, getattr(self.problem, name))
        if name in _MEANS | _STACKED | _KEPT:
            found = getattr(self.problem, name)
            return found if name in _KEPT else partial(self._mean if name in _MEANS else self._stacked, name)
        message = f"{type(self).__name__} has no {name}"
        raise AttributeError(message, name=name, obj=self)

    def _changed(self, change: Any, *arguments: Any) -> Blurred:
        """Return the blur of the problem with another model, loss or sampling."""
        return Blurred(change(*arguments), self.sigma, self.draws)

    def _points(self, x: Tensor) -> Iterator[Tensor]:
        """Yield x + σ z_s, (n,), one after the other."""
        if self._samples is None:
            self._samples = self.draws.of(self.problem)
        for sample in self._samples:
            yield torch.add(x, sample, alpha=self.sigma)

    def _mean(self, name: str, x: Tensor, *arguments: Any, **batch: Any) -> Any:
        evaluate = getattr(self.problem, name)
        results = (evaluate(point, *arguments, **batch) for point in self._points(x))
        return _scaled(reduce(_added, results), 1 / self.draws.samples)

    def _stacked(self, name: str, x: Tensor, **batch: Any) -> Tensor:
        evaluate = getattr(self.problem, name)
        return torch.cat([evaluate(point, **batch) for point in self._points(x)]) / math.sqrt(self.draws.samples)


def _added(total: Any, result: Any) -> Any:
    """Return the sum of two results, tensors or nested tuples of them."""
    if isinstance(total, tuple):
        return tuple(_added(one, other) for one, other in zip(total, result, strict=True))
    return total + result


def _scaled(total: Any, factor: float) -> Any:
    return tuple(_scaled(part, factor) for part in total) if isinstance(total, tuple) else total * factor
