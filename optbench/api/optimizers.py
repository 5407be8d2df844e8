"""The counted door to a problem, and who goes through it. Shapes: n = number of parameters, m = number of residuals."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from optbench.api.plugins import Evaluation
    from optbench.api.problems import Layout, Panel, Streams


class Oracle(Protocol):
    """Counts, clocks and budgets every evaluation of a problem.

    Memo of one point: the same storage, offset and version (numpy callers: equal bytes) and the same minibatch are free
    and uncounted. Returned tensors are never overwritten by the oracle; callers must not write into them.
    A method raises UndeclaredEvaluation where the optimizer's record does not declare it, and StopTrial at the budget.
    """

    size: int
    device: torch.device
    dtype: torch.dtype
    streams: Streams
    batch: int  # id of the minibatch in force, from 1 on; set by the loop before each step; 0: all examples
    layout: Layout  # of the flat parameter vector; empty where the problem has none
    offers: frozenset[Evaluation]  # what the problem can give and the optimizer declared
    panels: Mapping[str, Panel]  # the problem's, where f is quadratic in each tensor of the layout; else empty
    coordinate_blocks: Sequence[slice]  # the problem's, where it states any; else empty

    def value(self, x: Tensor) -> Tensor:
        """Return f(x), shape ()."""
        ...

    def gradient(self, x: Tensor) -> Tensor:
        """Return the gradient, shape (n,)."""
        ...

    def value_and_gradient(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return f(x) and the gradient; adds one to each of the two counts."""
        ...

    def gradient_tensors(self, x: Tensor) -> tuple[Tensor, ...]:
        """Return the gradient as one tensor for each of the layout, in its order and shapes; counts as one gradient.

        They are not gathered in a flat vector where the problem can do without.
        """
        ...

    def residuals(self, x: Tensor) -> Tensor:
        """Return the residuals, shape (m,)."""
        ...

    def jacobian(self, x: Tensor) -> Tensor:
        """Return the residuals' Jacobian, shape (m, n)."""
        ...

    def hessian_vector(self, x: Tensor, v: Tensor) -> Tensor:
        """Return the Hessian times v, shape (n,)."""
        ...

    def gauss_newton_vector(self, x: Tensor, v: Tensor) -> Tensor:
        """Return f's Gauss-Newton matrix times v, shape (n,); counts as one Hessian-vector product."""
        ...

    def hessian(self, x: Tensor) -> Tensor:
        """Return the Hessian, shape (n, n)."""
        ...

    def gram(self, x: Tensor, name: str) -> Tensor:
        """Return the curvature of the panel `name` at x, shape (K, K); counts as one Hessian."""
        ...

    def line_minimum(self, x: Tensor, direction: Tensor) -> Tensor:
        """Return the step that minimises f(x + step·direction), shape (); counts as one Hessian-vector product."""
        ...


class State(Protocol):
    """What an optimizer carries from step to step: one record, buffers allocated once inside it."""

    point: Tensor  # (n,) parameters, published at the end of a step
    finished: Literal["converged", "stalled", "unbounded"] | None


@runtime_checkable
class Optimizer(Protocol):
    """A method that the engine's loop drives. Optional: `restart(state, oracle, start) -> State`, for `keep_state`."""

    def init(self, oracle: Oracle, start: Tensor) -> State:
        """Return the first state; must not change `start`."""
        ...

    def step(self, oracle: Oracle, state: State) -> State:
        """Return the next state, which may be the same record updated in place."""
        ...


@runtime_checkable
class Minimizer(Protocol):
    """A solver that owns its loop: calls observe(x) once an iteration (its step) and returns its point.

    Optional attribute: `message`, why `minimize` returned, in the solver's own words; it becomes the trial's reason.
    """

    def minimize(self, oracle: Oracle, start: Tensor, observe: Callable[[Tensor], None]) -> Tensor:
        """Return the solver's point; StopTrial passes through."""
        ...
