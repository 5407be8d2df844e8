"""Newton's method: how far it is damped, and what bounds its step. Each combination picks its parts."""

from __future__ import annotations

from typing import Any

from optbench.api import UserError
from optbench.numerics.line import LineSearch
from optbench.numerics.minibatches import PerMinibatch
from optbench.numerics.parts import build_part
from optbench_newton.amounts import amount
from optbench_newton.fixed import FixedNewton
from optbench_newton.hessians import HESSIANS, Hessian
from optbench_newton.marquardt import Marquardt
from optbench_newton.parts import LENGTHS, FullStep
from optbench_newton.region import Radius
from optbench_newton.searching import Constant, Factored, SearchingNewton
from optbench_newton.trials import TrialNewton

Newton = FixedNewton | SearchingNewton | TrialNewton


def newton(
    *, damping: str, trust_region: str = "auto", line_search: str = "none", hessian: str = "auto"
) -> PerMinibatch[Any]:
    """Return the method that the options describe; raises UserError where they contradict each other."""
    return PerMinibatch(_composed(damping, trust_region, line_search, hessian))


def _composed(damping: str, trust_region: str, line_search: str, hessian: str) -> Newton:
    """Return the method without what minibatches need.

    `trust_region` "auto" is true for the damping "auto" without a line search, else false.
    """
    search: LineSearch = build_part(line_search, LENGTHS, "line search")
    full = isinstance(search, FullStep)
    bounded = trust_region == "true" or (trust_region == "auto" and damping == "auto" and full)
    if bounded and not full:
        raise UserError("newton: a trust region and a line search", "both choose how long a step is: take one of them")
    if damping == "levenberg-marquardt":
        return _marquardt(bounded, full, HESSIANS[hessian])
    fixed = None if damping == "auto" else amount(damping, "newton: damping", ("auto", "levenberg-marquardt"))
    if bounded:
        return TrialNewton(Radius, HESSIANS[hessian], fixed or 0.0)
    if fixed is not None and full:
        return FixedNewton(fixed, HESSIANS[hessian])
    return SearchingNewton(Factored() if fixed is None else Constant(fixed), search, HESSIANS[hessian])


def _marquardt(bounded: bool, full: bool, hessian: Hessian) -> TrialNewton:
    if bounded or not full:
        given = "a trust region" if bounded else "a line search"
        raise UserError(
            f"newton: damping 'levenberg-marquardt' with {given}",
            "its damping alone bounds the step",
            "leave it out, or take damping 'auto'",
        )
    return TrialNewton(Marquardt, hessian)
