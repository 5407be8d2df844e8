"""An oracle over any problem, with all that a problem may state of itself; independent of the engine's counting."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from optbench.api import Point
from optbench.api.streams import SeededStreams
from optbench.measure.derivatives import Derivatives


@dataclass
class ProblemOracle:
    """Answers as the problem does, remembers one point, and counts."""

    problem: Any
    seed: int = 0
    batch: int = 0
    dtype: torch.dtype = torch.float64
    counts: Counter[str] = field(default_factory=Counter)
    values: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.size, self.device = self.problem.size, torch.device("cpu")
        self.streams = SeededStreams(self.seed)
        self.layout = self.problem.start(self.streams).layout
        self.panels = getattr(self.problem, "panels", {})
        self.coordinate_blocks = getattr(self.problem, "coordinate_blocks", ())
        self._derivatives = Derivatives(self.problem, takes_batch=False)
        self.offers = self._derivatives.offers()
        self._key: Any = None

    def start(self) -> Tensor:
        start: Tensor = self.problem.start(self.streams).parameters
        return start

    def value_and_gradient(self, x: Tensor) -> tuple[Tensor, Tensor]:
        key = (x.data_ptr(), x._version, self.batch)
        if key != self._key:
            self._key, self._known = key, self._derivatives.value_and_gradient(x)
            self.counts.update(("value", "gradient"))
            self.values.append(float(self._known[0]))
        return self._known

    def value(self, x: Tensor) -> Tensor:
        return self.value_and_gradient(x)[0]

    def gradient(self, x: Tensor) -> Tensor:
        return self.value_and_gradient(x)[1]

    def hessian_vector(self, x: Tensor, v: Tensor) -> Tensor:
        self.counts["hessian_vector"] += 1
        return self._derivatives.hessian_vector(x, v)

    def line_minimum(self, x: Tensor, direction: Tensor) -> Tensor:
        self.counts["line_minimum"] += 1
        return self._derivatives.line_minimum(x, direction)

    def gram(self, x: Tensor, name: str) -> Tensor:
        self.counts["gram"] += 1
        return self._derivatives.gram(x, name)


@pytest.fixture
def oracle_of() -> type[ProblemOracle]:
    """The class: a test builds its own oracles."""
    return ProblemOracle


@pytest.fixture
def function_problem() -> Callable[..., Any]:
    """Return a function that makes a problem of a function and its start."""

    def made(function: Callable[[Tensor], Tensor], start: Any, **stated: Any) -> Any:
        x = torch.as_tensor(start, dtype=stated.pop("dtype", torch.float64))
        layout = stated.pop("layout", {})
        return SimpleNamespace(
            size=len(x), value=function, start=lambda streams: Point(parameters=x.clone(), layout=layout), **stated
        )

    return made
