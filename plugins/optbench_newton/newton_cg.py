"""Newton's method with the equations solved by truncated conjugate gradients. Shapes: n = number of parameters."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import torch
from torch import Tensor

from optbench.api import UserError
from optbench.numerics.line import LineSearch
from optbench.numerics.line_searches import build
from optbench.numerics.minibatches import INNER_STEPS, MEMORY, OnMinibatches
from optbench.numerics.position import Visit, arrive, locate
from optbench.numerics.progress import Finished, Progress
from optbench.numerics.scalars import largest, norm, read
from optbench.numerics.steady import Steady
from optbench.numerics.trust import ACCEPTED, Lengths, Trust, gain
from optbench_newton import NEWTON_CG_LINE_SEARCH
from optbench_newton.along import move_along
from optbench_newton.forcing import Forcing, forcing_rule
from optbench_newton.products import PRODUCTS, Product
from optbench_newton.truncated import Limits, TruncatedStep, Workspace, solve

if TYPE_CHECKING:
    from optbench.api import Oracle

_MAX_TRIALS = 60


def newton_cg(
    *,
    max_cg: int,
    forcing: str,
    trust_region: bool,
    line_search: str,
    curvature: str,
    inner_steps: int = INNER_STEPS.default,
    memory: str = MEMORY.default,
) -> OnMinibatches[NewtonCGState]:
    """Return the method that the options describe; raises UserError for a trust region with another line search."""
    search = build(line_search)
    if trust_region and search != build(NEWTON_CG_LINE_SEARCH):
        remedy = "both choose how long a step is: take one of them"
        raise UserError("newton-cg: a trust region and a line search", remedy)
    globalisation = WithinRadius() if trust_region else AlongLine(search)
    method = NewtonCG(globalisation, PRODUCTS[curvature], forcing_rule(forcing), max_cg)
    return OnMinibatches(method, inner_steps=inner_steps, memory=memory)


@dataclass(kw_only=True)
class NewtonCGState:
    """State of the method. `point` and the spare buffer change places; `work` is overwritten in place."""

    # published
    point: Tensor  # (n,)
    finished: Finished | None = None

    # where the last step ended; None before the first
    here: Visit | None = None
    batch: int  # the minibatch of `here`
    progress: Progress

    # how accurately the next equations are solved, and how far their model is trusted
    forcing: Forcing
    trust: Trust = field(default_factory=Trust)
    lengths: Lengths = field(default_factory=Lengths)
    cautious: bool = False  # the last step failed: the next goes along the gradient
    last_step: float = 1.0  # along the line of the last step
    steady: Steady  # whether steps go on like this for ever

    # buffers
    work: Workspace  # three of (n,)
    spare: Tensor  # (n,), that trial points are written to


class Globalisation(Protocol):
    """What makes f fall."""

    def move(self, oracle: Oracle, state: NewtonCGState, here: Visit, model: TruncatedStep) -> None:
        """Publish the next point, or the word of the end."""
        ...


class NewtonCG:
    """Moves by an approximate solution of H·d = −g, found by conjugate gradients from products H·v: O(n) memory.

    Nocedal & Wright (2006), algorithms 7.1 and 7.2; Martens, ICML (2010) for learning. All of a step is asked on one
    minibatch. Negative curvature is followed, so that saddles are left.
    """

    def __init__(
        self,
        globalisation: Globalisation,
        products: Callable[[Oracle, Visit], Product],
        forcing: Callable[[], Forcing],
        max_cg: int,
    ) -> None:
        """Compose the method; of conjugate gradients there are at most `max_cg` iterations (0: 2n)."""
        self.globalisation, self.products, self.forcing, self.max_cg = globalisation, products, forcing, max_cg

    def init(self, oracle: Oracle, start: Tensor) -> NewtonCGState:
        """Copy the start and allocate; nothing is evaluated yet."""
        return self._begin(start.clone(), oracle.batch, Workspace.like(start), torch.empty_like(start))

    def restart(self, state: NewtonCGState, oracle: Oracle, start: Tensor) -> NewtonCGState:
        """Go on from another point (or problem); the radius alone is kept, unless the method had finished."""
        begun = self._begin(state.point.copy_(start), oracle.batch, state.work, state.spare)
        if not state.finished:
            begun.trust = state.trust
        return begun

    def reset(self, state: NewtonCGState) -> NewtonCGState:
        """Forget all but the point; what is returned takes over the buffers."""
        return self._begin(state.point, state.batch, state.work, state.spare)

    def _begin(self, point: Tensor, batch: int, work: Workspace, spare: Tensor) -> NewtonCGState:
        eps = torch.finfo(point.dtype).eps
        return NewtonCGState(
            point=point,
            batch=batch,
            progress=Progress(eps),
            forcing=self.forcing(),
            steady=Steady(eps),
            work=work,
            spare=spare,
        )

    def step(self, oracle: Oracle, state: NewtonCGState) -> NewtonCGState:
        """Solve for a step and take as much of it as f accepts; ends where the gradient vanishes or is no number."""
        if state.here is None or state.batch != oracle.batch:
            state.forcing.begin()
            state.steady.forget()
        here = locate(oracle, state)
        size, steepness, distance = read(largest(here.gradient), norm(here.gradient), norm(here.point))
        if state.progress.ends(here.value, size, distance) or not math.isfinite(steepness):
            state.finished = state.progress.verdict
            return state
        model = self._solve(oracle, state, here, steepness, distance)
        if 0 < model.length < math.inf and math.isfinite(model.slope):
            self.globalisation.move(oracle, state, here, model)
        else:
            state.finished = state.progress.verdict
        return state

    def _solve(
        self, oracle: Oracle, state: NewtonCGState, here: Visit, steepness: float, distance: float
    ) -> TruncatedStep:
        limits = Limits(
            residual=state.forcing.relative(steepness) * steepness,
            products=1 if state.cautious else self.max_cg or 2 * here.point.numel(),
            radius=state.trust.radius,
            reach=distance or 1.0,
        )
        return solve(self.products(oracle, here), here.gradient, steepness, limits, state.work)


class WithinRadius:
    """Takes the step where f falls as the model says, else less of it; so does the next radius.

    A shorter step lies on the same line: it costs an evaluation, but no products. Where nothing was accepted, another
    minibatch or point begins with trust in full.
    """

    def move(self, oracle: Oracle, state: NewtonCGState, here: Visit, model: TruncatedStep) -> None:
        """Try shares of the step until f accepts one; stalls where none is."""
        share = 1.0
        for _ in range(_MAX_TRIALS):
            torch.add(state.point, model.step, alpha=share, out=state.spare)
            value, gradient = oracle.value_and_gradient(state.spare)
            (height,) = read(value)
            gained = gain(here.value, height, expected=model.decrease(share), noise=here.noise)
            if gained > 1 and model.end == "negative curvature" and math.isinf(state.trust.radius):
                state.trust.radius = model.length  # a line that bends ever more
            state.trust.judge(share * model.length, gained)
            if gained > ACCEPTED:
                arrive(state, Visit(state.spare, height, gradient))
                cut = model.end in ("boundary", "negative curvature")
                if state.lengths.is_endless(height, share * model.length, cut=cut, vast=state.progress.vast):
                    state.finished = "unbounded"
                return
            share = state.trust.radius / model.length
        state.finished = state.progress.verdict
        state.trust, state.lengths = Trust(), Lengths()


class AlongLine:
    """Searches along the step; where that fails along the gradient, and where that fails, too, finishes."""

    def __init__(self, search: LineSearch) -> None:
        """Keep the search."""
        self.search = search

    def move(self, oracle: Oracle, state: NewtonCGState, here: Visit, model: TruncatedStep) -> None:
        """Search, the whole step first, or more where nothing has bent f upwards."""
        if move_along(oracle, state, here, model.step, model.slope, self.search):
            state.cautious = False
        else:
            self._fail(state, model)

    @staticmethod
    def _fail(state: NewtonCGState, model: TruncatedStep) -> None:
        if model.products == 1:
            state.finished = state.finished or state.progress.verdict
        state.progress.fails()
        state.cautious = True
