"""Continuation: the objective behind less and less blur, each solution the start of the next stage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Literal

from optbench.api import Recipe, Refused, Stage, Streams, UserError
from optbench_meta.blur import Blurred, Draws


@dataclass(frozen=True, kw_only=True)
class Continuation:
    """Minimises J⁽⁰⁾, …, J⁽ⁿ⁾ = J, where J⁽ⁱ⁾(θ) = E J(θ′) over θ′ ~ N(θ, σᵢ² I) with σ falling to 0 (8.40).

    Goodfellow, Bengio and Courville, Deep Learning (2016), section 8.7.6. The last stage of the recipe is the one that
    is led up to.
    """

    sigmas: Sequence[float]
    stages: int
    sigma: float
    schedule: Literal["linear", "geometric"]
    blur: Literal["auto", "closed-form", "sampled"]
    samples: int
    antithetic: bool
    share: float
    gradient_tolerance: float
    keep_state: bool

    def __post_init__(self) -> None:
        """Refuse widths that don't fall, or that are none."""
        falling = all(wider > narrower for wider, narrower in pairwise(self.sigmas))
        if not falling or (self.sigmas and self.sigmas[0] <= 0):
            raise UserError(f"continuation(sigmas={list(self.sigmas)})", "widths that fall, as in [1.0, 0.5, 0.1]")

    def __call__(self, recipe: Recipe, streams: Streams) -> Recipe:
        """Return the recipe with the blurred stages before its last; raises Refused where no closed form is known."""
        *before, last = recipe.stages
        draws = Draws(streams, self.samples, antithetic=self.antithetic)
        widths = self.widths()
        share = last.share * self.share / len(widths)
        led = [
            replace(
                last,
                problem=self._blurred(last.problem, sigma, draws),
                share=share,
                on_curve=False,
                name=f"blur {sigma:g}",
                gradient_tolerance=self.gradient_tolerance or None,
            )
            for sigma in widths
        ]
        exact = replace(last, share=last.share * (1 - self.share))
        first, *others = (*led, exact)
        return replace(recipe, stages=(*before, first, *map(self._following, others)))

    def widths(self) -> tuple[float, ...]:
        """Return σ of each blurred stage."""
        if self.sigmas:
            return tuple(sigma for sigma in self.sigmas if sigma > 0)
        if self.schedule == "linear":
            return tuple(self.sigma * (1 - index / self.stages) for index in range(self.stages))
        return tuple(self.sigma * 0.5**index for index in range(self.stages))

    def _following(self, stage: Stage) -> Stage:
        """Return a stage that begins where the one before it ended."""
        return replace(stage, carry=None, keep_state=self.keep_state)

    def _blurred(self, problem: Any, sigma: float, draws: Draws) -> Any:
        if self.blur != "sampled" and hasattr(problem, "blurred"):
            return problem.blurred(sigma)
        if self.blur == "closed-form":
            message = f"continuation(blur='closed-form'): {type(problem).__name__} does not know its blur; sample it"
            raise Refused(message)
        return Blurred(problem, sigma, draws)
