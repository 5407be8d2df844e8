"""How one block of any differentiable function is lowered, the others fixed.

Shapes: n coordinates, b of them in the block.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import torch
from torch import Tensor

from optbench.numerics.descent import Descent
from optbench.numerics.exact import Exact
from optbench.numerics.line import LineSearch
from optbench.numerics.position import Visit, arrive
from optbench.numerics.progress import Finished, Progress
from optbench.numerics.ray import Ray
from optbench.numerics.scalars import largest, norm, power_below, read
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
    """State of coordinate descent. `point` and the spare buffer change places."""

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
    spare: Tensor  # (n,), for trial points


class Solver(Protocol):
    """Lowers f over one block; on a panel, whose minima are known, `passes` and `tolerance` say how far."""

    passes: int
    tolerance: float
    uses_panels: bool

    def update(self, oracle: Oracle, state: SweepState, here: Visit, block: slice) -> bool:
        """Change the block of the state's point, where `here` tells value and gradient.

        Returns False where the block's gradient was seen to vanish and nothing was asked.
        """
        ...


class NewtonStep:
    """A Newton step, with eigenvalues' signs made positive, as the first trial of a line search.

    The block's Hessian costs a Hessian-vector product for each of its coordinates.
    """

    passes, tolerance, uses_panels = 1, 0.0, True

    def __init__(self) -> None:
        """Take strong Wolfe conditions: along one coordinate a Newton step nearly always meets them."""
        self.search = StrongWolfe()

    def update(self, oracle: Oracle, state: SweepState, here: Visit, block: slice) -> bool:
        """Step along −|H|⁻¹g, or −g where the Hessian tells nothing."""
        if block.stop - block.start == 1:
            self._update_one(oracle, state, here, block)
            return True
        gradient, along = here.gradient[block], state.direction[block]
        along.copy_(_newton_step(_hessian(oracle, state, block), gradient))
        slope, length = read(torch.dot(gradient, along), torch.linalg.vector_norm(along))
        if math.isfinite(slope) and math.isfinite(length):
            move_along(oracle, state, here, block, self.search, Start(1.0, slope, length))
        else:
            move_downhill(oracle, state, here, block, self.search)
        return True

    def _update_one(self, oracle: Oracle, state: SweepState, here: Visit, block: slice) -> None:
        """Do the same in plain numbers for a block of one coordinate: one wait beside those of the search."""
        state.direction[block] = 1
        product = oracle.hessian_vector(state.point, state.direction)
        slope, curvature = read(here.gradient[block][0], product[block][0])
        step = -slope / abs(curvature) if curvature else math.inf
        if 0 < abs(step) < math.inf:
            start = Start(1.0, slope * step, abs(step))
        else:
            step = -math.copysign(1.0, slope)
            start = Start(state.length, -abs(slope), 1.0)
        state.direction[block] = step
        move_along(oracle, state, here, block, self.search, start)


class ExactMinimum:
    """The minimum over the block: of one coordinate by a line search, of more by conjugate gradients."""

    uses_panels = True

    def __init__(self, *, tolerance: float, max_evaluations: int) -> None:
        """Stop where the slope has fallen to `tolerance` of the first, or after `max_evaluations`."""
        self.tolerance, self.passes = tolerance, max_evaluations
        self.search = Exact(tolerance=tolerance, max_evaluations=max_evaluations)
        self.inner = InnerOptimizer(_conjugate(StrongWolfe(c2=0.1)), steps=max_evaluations, tolerance=tolerance)

    def update(self, oracle: Oracle, state: SweepState, here: Visit, block: slice) -> bool:
        """Search along the coordinate, or descend in the block."""
        if block.stop - block.start == 1:
            return move_downhill(oracle, state, here, block, self.search)
        return self.inner.update(oracle, state, here, block)


class InnerOptimizer:
    """Some steps of another optimizer, to which the block is the whole problem."""

    passes, uses_panels = 1, False

    def __init__(self, optimizer: Descent[Any], *, steps: int, tolerance: float = 0.0) -> None:
        """Take at most `steps`; stop where the block's gradient is `tolerance` of the first, or rounding."""
        self.optimizer, self.steps, self.tolerance = optimizer, steps, tolerance

    def update(self, oracle: Oracle, state: SweepState, here: Visit, block: slice) -> bool:
        """Run the optimizer from here; the next visit is where it ends."""
        first = _size(here.gradient[block])
        if not first > 0:
            return False
        inner = BlockOracle(oracle, here, block, state.spare)
        found = self.optimizer.init(inner, here.point[block])
        enough = max(self.tolerance, torch.finfo(here.point.dtype).eps ** 0.75) * first
        inner.begin(found.point)
        for _ in range(self.steps):
            found = self.optimizer.step(inner, found)
            if found.finished is not None or not _size(inner.gradient(found.point)) > enough:
                break
        if found.finished == "unbounded":
            state.finished = "unbounded"
        if not inner.is_start(found.point):
            value, gradient = inner.whole(found.point)
            (height,) = read(value)
            if height <= here.value:
                arrive(state, Visit(inner.point, height, gradient))
        return True


def conjugate_steps(*, steps: int) -> InnerOptimizer:
    """Return steps of conjugate gradients."""
    return InnerOptimizer(_conjugate(StrongWolfe(c2=0.1)), steps=steps)


def steepest_steps(*, steps: int) -> InnerOptimizer:
    """Return steps of steepest descent."""
    return InnerOptimizer(Descent(NegativeGradient(), StrongWolfe()), steps=steps)


class Start(NamedTuple):
    """How a search begins along the state's direction."""

    first: float  # the step to try
    slope: float  # gradient·direction
    length: float  # of the direction


def move_downhill(oracle: Oracle, state: SweepState, here: Visit, block: slice, search: LineSearch) -> bool:
    """Search along the block's negative gradient, from a displacement as long as the last one; False where it is 0."""
    gradient = here.gradient[block]
    size = norm(gradient)
    torch.div(gradient, -size, out=state.direction[block])
    (slope,) = read(-size)
    move_along(oracle, state, here, block, search, Start(state.length, slope, 1.0))
    return slope != 0


def move_along(oracle: Oracle, state: SweepState, here: Visit, block: slice, search: LineSearch, start: Start) -> None:
    """Go where the search ends along the state's direction, which is zero again afterwards."""
    if -math.inf < start.slope < 0:
        ray = Ray(oracle, here, state.direction, state.spare)
        found = search.search(ray.line(start.slope, state.progress.vast), start.first)
        if found.outcome == "unbounded":
            state.finished = "unbounded"
        if found.trial.step > 0:
            arrive(state, ray.take(found.trial.step))
            state.length = found.trial.step * start.length
    state.direction[block] = 0


def _hessian(oracle: Oracle, state: SweepState, block: slice) -> Tensor:
    """Return the block's Hessian, (b, b), from products with its unit vectors."""
    columns = []
    for index in range(block.start, block.stop):
        state.direction[index] = 1
        columns.append(oracle.hessian_vector(state.point, state.direction)[block].clone())
        state.direction[index] = 0
    return torch.stack(columns)


def _newton_step(hessian: Tensor, gradient: Tensor) -> Tensor:
    """Return −|H|⁻¹g, eigenvalues near zero raised to the rounding of the largest; no number where H tells nothing.

    LAPACK rescales small and large matrices itself, but not by a power of two: digits would depend on the unit of f.
    """
    finite = torch.isfinite(hessian).all()
    symmetric = torch.where(finite, 0.5 * (hessian + hessian.T), 0)
    unit = power_below(largest(symmetric))
    eigenvalues, vectors = torch.linalg.eigh(symmetric / unit)
    sizes = eigenvalues.abs()
    sizes = torch.maximum(sizes, len(sizes) * torch.finfo(sizes.dtype).eps * sizes.max())
    step = -(vectors @ ((vectors.T @ gradient) / unit / sizes))
    return torch.where(finite & (sizes.max() > 0), step, math.nan)


def _conjugate(search: LineSearch) -> Descent[Conjugate[None]]:
    return Descent(ConjugateDirections(BETAS["polak-ribiere+"], Every(k=0), Plain()), search)


def _size(gradient: Tensor) -> float:
    return read(largest(gradient))[0]
