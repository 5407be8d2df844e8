"""Every deterministic optimizer that comes with optbench and its variants, from the catalogue, and runs of them.

The list is made here alone: each record as it is, then with each other choice, flag and line search that its options
declare, one at a time, and with the values of `MORE`. A record that is added is tried without a word here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import pytest
import torch
from torch import Tensor

from optbench.api import Option, Point
from optbench.api.options import parts_table
from optbench.measure.derivatives import Derivatives
from optbench.records import Budget, Trace
from optbench.registry import Registered, load_catalogue
from optbench.testing.subject import Subject
from optbench.testing.subjects import subject_of
from optbench.testing.trials import Trial, place, run

CATALOGUE = load_catalogue()
OTHERS = {"peers", "stochastic"}  # plugins whose optimizers are not ours
OURS = [
    item for item in CATALOGUE.records("optimizers") if item.distribution == "optbench" and item.plugin not in OTHERS
]
MORE: Mapping[str, tuple[str, ...]] = {  # values that no choice of an option lists
    "lbfgs": ("history=3", "history=30", 'history=1, initial_scale="identity"'),
    "newton": ('damping="0"', 'damping="0.5"', 'damping="levenberg-marquardt"'),
}


def variants_of(item: Registered) -> Iterator[str]:
    """Yield expressions, the plain name first."""
    yield item.name
    for name, option in item.record.options.items():
        yield from (f"{item.name}({name}={_spelt(value)})" for value in _others(option))
    yield from (f"{item.name}({options})" for options in MORE.get(item.name, ()))


def _others(option: Option) -> Iterator[Any]:
    if isinstance(option.default, bool):
        yield not option.default
    yield from (choice for choice in option.choices if choice != option.default and not isinstance(choice, bool))
    named = str(option.default).partition("(")[0]
    yield from (part for part in parts_table(option.components) if part != named) if option.components else ()


def _spelt(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value).lower()


@dataclass(frozen=True)
class Variant:
    """An optimizer with options."""

    text: str

    @property
    def name(self) -> str:
        """The optimizer's name."""
        return self.text.partition("(")[0]

    @property
    def subject(self) -> Subject:
        """What the engine builds it from."""
        return _subject(self.text)


@lru_cache
def _subject(text: str) -> Subject:
    return subject_of(text, "optimizers", CATALOGUE)


ELSEWHERE = {'coordinate-descent(blocks="given")'}  # tried where problems give what they need
VARIANTS = tuple(Variant(text) for item in OURS for text in variants_of(item) if text not in ELSEWHERE)


@pytest.fixture(scope="session")
def build_variant() -> type[Variant]:
    """The class: a test names its own."""
    return Variant


@pytest.fixture(scope="session")
def plain_names() -> list[str]:
    """The names of all deterministic optimizers that come with optbench."""
    return [item.name for item in OURS]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give a test that takes `variant` all of them; one that takes `method` the optimizers as they are."""
    if "variant" in metafunc.fixturenames:
        metafunc.parametrize("variant", VARIANTS, ids=lambda variant: variant.text)
    if "method" in metafunc.fixturenames:
        plain = [variant for variant in VARIANTS if variant.text == variant.name]
        metafunc.parametrize("method", plain, ids=lambda variant: variant.text)


def dense_hessian(function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Return the Hessian (n, n) of a function of few variables by autograd, apart from the engine's way."""
    leaf = x.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(function(leaf), leaf, create_graph=True)
    if not gradient.requires_grad:  # linear
        return x.new_zeros(len(x), len(x))
    rows = torch.eye(len(x), dtype=x.dtype)
    return torch.autograd.grad(gradient, leaf, rows, is_grads_batched=True, materialize_grads=True)[0]


class Transformed:
    """scale·(f(Q·z) + shift) for an orthogonal Q, where f is a sum of squares; so it is one, too.

    `turn` and `back` are z -> Q·z and x -> Qᵀ·x; they take matrices by their columns.
    """

    f_star_source = ""
    f_star: float | None = None
    f_star_from_start: float | None = None

    def __init__(
        self,
        inner: Any,
        *,
        scale: float = 1.0,
        shift: float = 0.0,
        turn: Callable[[Tensor], Tensor] = lambda z: z,
        back: Callable[[Tensor], Tensor] = lambda x: x,
    ) -> None:
        """Compose; `scale` is an even power of two, so that its root is exact."""
        self.inner, self.scale, self.shift, self.turn, self.back = inner, scale, shift, turn, back
        self.size = inner.size
        self._derivatives = Derivatives(inner, takes_batch=False)

    def start(self, streams: Any) -> Point:
        """Return what the inner start is called here."""
        return Point(parameters=self.back(self.inner.start(streams).parameters))

    def value(self, z: Tensor) -> Tensor:
        """Return the value, ()."""
        return self.scale * (self.inner.value(self.turn(z)) + self.shift)

    def value_and_gradient(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """Return both."""
        value, gradient = self._derivatives.value_and_gradient(self.turn(z))
        return self.scale * (value + self.shift), self.back(self.scale * gradient)

    def hessian(self, z: Tensor) -> Tensor:
        """Return QᵀHQ, (n, n)."""
        inner = dense_hessian(self.inner.value, self.turn(z))
        return self.back(self.back(self.scale * inner).T)

    def hessian_vector(self, z: Tensor, v: Tensor) -> Tensor:
        """Return QᵀHQ·v, (n,)."""
        return self.back(self.scale * self._derivatives.hessian_vector(self.turn(z), self.turn(v)))

    def gauss_newton_vector(self, z: Tensor, v: Tensor) -> Tensor:
        """Return QᵀGQ·v, (n,)."""
        return self.back(self.scale * self._derivatives.gauss_newton_vector(self.turn(z), self.turn(v)))

    def residuals(self, z: Tensor) -> Tensor:
        """Return the residuals, one more for the shift: (m,) or (m + 1,)."""
        residuals = self._derivatives.residuals(self.turn(z))
        further = residuals.new_full((1 if self.shift else 0,), self.shift**0.5)
        return self.scale**0.5 * torch.cat((residuals, further))

    def jacobian(self, z: Tensor) -> Tensor:
        """Return the residuals' Jacobian, (m, n) or (m + 1, n)."""
        jacobian = self.back(self._derivatives.jacobian(self.turn(z)).T).T
        further = jacobian.new_zeros(1 if self.shift else 0, self.size)
        return self.scale**0.5 * torch.cat((jacobian, further))


def evaluations_to(trace: Trace, value: float) -> float:
    """Return the evaluations (the largest of the counts) at which f first was at most `value`; infinite: never."""
    counts = [trace[name] for name in trace.columns if name.endswith("_count")]
    reached = (row for row, height in enumerate(trace["value"]) if height <= value)
    return next((max(count[row] for count in counts) for row in reached), float("inf"))


@pytest.fixture(scope="session")
def build_problem() -> Callable[[str], Any]:
    """Return a function that builds a problem of the catalogue from an expression, in float64 on the CPU."""
    return lru_cache(lambda text: subject_of(text, "problems", CATALOGUE).problem(place()))


@pytest.fixture(scope="session")
def transformed() -> type[Transformed]:
    """The class: a test builds its own."""
    return Transformed


@pytest.fixture(scope="session")
def hessian_of() -> Callable[[Callable[[Tensor], Tensor], Tensor], Tensor]:
    """Return `hessian_of(function, x)`."""
    return dense_hessian


@pytest.fixture(scope="session")
def count_to() -> Callable[[Trace, float], float]:
    """Return the function that counts evaluations up to a value."""
    return evaluations_to


@pytest.fixture(scope="session")
def trial() -> Callable[..., Trial]:
    """Return `trial(variant, problem, evaluations=…, dtype=…)`: a run in the engine's loop."""

    def go(variant: Variant, problem: Any, *, evaluations: int = 400, dtype: torch.dtype = torch.float64) -> Trial:
        budget = Budget(evaluations=evaluations, steps=evaluations, seconds=60.0)
        return run(variant.subject, problem, place(dtype=dtype), budget)

    return go
