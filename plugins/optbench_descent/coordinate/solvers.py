"""How one block of any differentiable function is lowered, the others fixed.

Shapes: n coordinates, b of them in the block.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import torch
from torch import Tensor

from optbench.numerics.descent import Descent
from optbench.numerics.exact import Exact
from optbench.numerics.line import LineSearch
from optbench.numerics.position import Visit
from optbench.numerics.progress import Finished, Progress
from optbench.numerics.ray import Ray
from optbench.numerics.scalars import largest, read
from optbench.numerics.strong_wolfe import StrongWolfe
from optbench_descent.betas import BETAS
from optbench_descent.cg import Conjugate, ConjugateDirections
from optbench_descent.coordinate.block_oracle import BlockOracle
from optbench_descent.metrics import Plain
from optbench_descent.restarts import Every
from optbench_descent.steepest import NegativeGradient

if TYPE_CHECKING:
    from optbench.api import Oracle


@dataclass
class SweepState:
    """State of coordinate descent. `point` and the spare buffers change places."""

    # published
    point: Tensor  # (n,)
    finished: Finished | None

    # where the last update ended; None before the first
    here: Visit | None
    batch: int  # the minibatch of `here`
    progress: Progress

    # what is swept over
    blocks: list[slice]
    generator: torch.Generator  # of random orders
    length: float  # of the last displacement: where no curvature tells, the next is tried with it

    # buffers
    direction: Tensor  # (n,), zero outside of the block at work, and all zero between updates
    spare: list[Tensor]  # two of (n,), for trial points

    def arrive(self, visit: Visit) -> None:
        """Go to a point that lies in a spare buffer."""
        self.spare = [buffer for buffer in (*self.spare, self.point) if buffer is not visit.point]
        self.point, self.here = visit.point, visit


class Solver(Protocol):
    """Lowers f over one block; on a panel, whose minima are known, `passes` and `tolerance` say how far."""

    passes: int
    tolerance: float
    uses_panels: bool

    def update(self, oracle: Oracle, state: SweepState, here: Visit, block: slice) -> None:
        """Change the block of the state's point, where `here` tells value and gradient."""
        ...


class NewtonStep:
    """A Newton step, with eigenvalues' signs made positive, as the first trial of a line search.

    The block's Hessian costs a Hessian-vector product for each of its coordinates.
    """

    passes, tolerance, uses_panels = 1, 0.0, True

    def __init__(self) -> None:
        """Take strong Wolfe conditions: along one coordinate a Newton step nearly always meets them."""
        self.search = StrongWolfe()

    def update(self, oracle: Oracle, state: SweepState, here: Visit, block: slice) -> None:
        """Step along −|H|⁻¹g, or −g where the Hessian tells nothing."""
        gradient = here.gradient[block]
        if gradient.numel() == 1:
            step: float | Tensor | None = _parabola(oracle, state, gradient, block)
        else:
            step = _newton_step(_hessian(oracle, state, block), gradient)
        if step is None:
            move_downhill(oracle, state, here, block, self.search)
        else:
            state.direction[block] = step
            move_along(oracle, state, here, block, self.search, 1.0)


class ExactMinimum:
    """The minimum over the block: of one coordinate by a line search, of more by conjugate gradients."""

    uses_panels = True

    def __init__(self, *, tolerance: float, max_evaluations: int) -> None:
        """Stop where the slope has fallen to `tolerance` of the first, or after `max_evaluations`."""
        self.tolerance, self.passes = tolerance, max_evaluations
        self.search = Exact(tolerance=tolerance, max_evaluations=max_evaluations)
        self.inner = InnerOptimizer(_conjugate(StrongWolfe(c2=0.1)), steps=max_evaluations, tolerance=tolerance)

    def update(self, oracle: Oracle, state: SweepState, here: Visit, block: slice) -> None:
        """Search along the coordinate, or descend in the block."""
        if block.stop - block.start == 1:
            move_downhill(oracle, state, here, block, self.search)
        else:
            self.inner.update(oracle, state, here, block)


class InnerOptimizer:
    """Some steps of another optimizer, to which the block is the whole problem."""

    passes, uses_panels = 1, False

    def __init__(self, optimizer: Descent[Any], *, steps: int, tolerance: float = 0.0) -> None:
        """Take at most `steps`, fewer where the block's gradient has fallen to `tolerance` of the first."""
        self.optimizer, self.steps, self.tolerance = optimizer, steps, tolerance

    def update(self, oracle: Oracle, state: SweepState, here: Visit, block: slice) -> None:
        """Run the optimizer from here; the next visit is where it ends."""
        inner = BlockOracle(oracle, here, block, state.spare[0])
        first = _size(here.gradient[block])
        if not first > 0:
            return
        found = self.optimizer.init(inner, here.point[block])
        for _ in range(self.steps):
            found = self.optimizer.step(inner, found)
            if found.finished is not None or not _size(inner.gradient(found.point)) > self.tolerance * first:
                break
        if found.finished == "unbounded":
            state.finished = "unbounded"
        value, gradient = inner.whole(found.point)
        (height,) = read(value)
        if height <= here.value:
            state.arrive(Visit(inner.point, height, gradient))


def conjugate_steps(*, steps: int) -> InnerOptimizer:
    """Return steps of conjugate gradients."""
    return InnerOptimizer(_conjugate(StrongWolfe(c2=0.1)), steps=steps)


def steepest_steps(*, steps: int) -> InnerOptimizer:
    """Return steps of steepest descent."""
    return InnerOptimizer(Descent(NegativeGradient(), StrongWolfe()), steps=steps)


def move_downhill(oracle: Oracle, state: SweepState, here: Visit, block: slice, search: LineSearch) -> None:
    """Search along the block's negative gradient, from a displacement as long as the last one."""
    gradient = here.gradient[block]
    torch.div(gradient, -torch.linalg.vector_norm(gradient), out=state.direction[block])
    move_along(oracle, state, here, block, search, state.length)


def move_along(oracle: Oracle, state: SweepState, here: Visit, block: slice, search: LineSearch, first: float) -> None:
    """Go where the search ends along the state's direction, which is zero again afterwards."""
    along = state.direction[block]
    slope, length = read(torch.dot(here.gradient[block], along), torch.linalg.vector_norm(along))
    if slope < 0:
        ray = Ray(oracle, here, state.direction, (state.spare[0], state.spare[1]))
        found = search.search(ray.line(slope), first)
        if found.outcome == "unbounded":
            state.finished = "unbounded"
        if found.trial.step > 0:
            state.arrive(ray.take(found.trial.step))
            state.length = found.trial.step * length
    state.direction[block] = 0


def _parabola(oracle: Oracle, state: SweepState, gradient: Tensor, block: slice) -> float | None:
    """Return the Newton step along one coordinate, made to lead down; None where the curvature tells nothing."""
    state.direction[block] = 1
    product = oracle.hessian_vector(state.point, state.direction)
    slope, curvature = read(gradient[0], product[block][0])
    state.direction[block] = 0
    step = -slope / abs(curvature) if curvature else math.inf
    return step if math.isfinite(step) else None


def _hessian(oracle: Oracle, state: SweepState, block: slice) -> Tensor:
    """Return the block's Hessian, (b, b), from products with its unit vectors."""
    columns = []
    for index in range(block.start, block.stop):
        state.direction[index] = 1
        columns.append(oracle.hessian_vector(state.point, state.direction)[block].clone())
        state.direction[index] = 0
    return torch.stack(columns)


def _newton_step(hessian: Tensor, gradient: Tensor) -> Tensor | None:
    """Return −|H|⁻¹g, eigenvalues near zero raised to the rounding of the largest; None where H tells nothing."""
    (finite,) = read(torch.isfinite(hessian).all())
    if not finite:
        return None
    eigenvalues, vectors = torch.linalg.eigh(0.5 * (hessian + hessian.T))
    sizes = eigenvalues.abs()
    top = sizes.max()
    (largest_size,) = read(top)
    if not largest_size > 0:
        return None
    sizes = torch.maximum(sizes, len(sizes) * torch.finfo(sizes.dtype).eps * top)
    return -(vectors @ ((vectors.T @ gradient) / sizes))


def _conjugate(search: LineSearch) -> Descent[Conjugate[None]]:
    return Descent(ConjugateDirections(BETAS["polak-ribiere+"], Every(k=0), Plain()), search)


def _size(gradient: Tensor) -> float:
    return read(largest(gradient))[0]
