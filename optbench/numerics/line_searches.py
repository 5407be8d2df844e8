"""The table of line searches that any optimizer takes as an option. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeVar

from optbench.api import Option, Part, UserError
from optbench.numerics.armijo import Armijo
from optbench.numerics.exact import Exact
from optbench.numerics.fixed import Fixed
from optbench.numerics.hager_zhang import HagerZhang
from optbench.numerics.line import LineSearch
from optbench.numerics.parts import build_part
from optbench.numerics.strong_wolfe import StrongWolfe

_WolfeSearch = TypeVar("_WolfeSearch", StrongWolfe, HagerZhang)

TABLE = "optbench.numerics.line_searches:LINE_SEARCHES"  # for Option.components


def _strong_wolfe(**options: Any) -> StrongWolfe:
    return _checked("strong-wolfe", StrongWolfe(**options))


def _hager_zhang(**options: Any) -> HagerZhang:
    return _checked("hager-zhang", HagerZhang(**options))


def _checked(name: str, search: _WolfeSearch) -> _WolfeSearch:
    """Return the search; raises UserError unless c1 < c2, without which no step need fit both conditions."""
    if search.c1 >= search.c2:
        remedy = "give c1, too, or take 'exact' for slopes near zero"
        raise UserError(f"{name}: c1={search.c1:g}, c2={search.c2:g}", "allowed: c1 below c2", remedy)
    return search


_C1 = Option(
    default=1e-4, doc="sufficient decrease, as a share of what the slope promises", low=0.0, high=0.5, bounds="(]"
)

LINE_SEARCHES: Mapping[str, Part] = {
    "exact": Part(
        factory=Exact,
        summary="The minimum along the direction: analytic where the problem knows it, else searched for.",
        options={
            "tolerance": Option(
                default=1e-8,
                doc="slope at the minimum, relative to the first, where it is searched for",
                low=0.0,
                high=1.0,
                bounds="()",
            ),
            "max_evaluations": Option(default=60, doc="evaluations before the search gives up", low=1),
        },
    ),
    "armijo": Part(
        factory=Armijo,
        summary="Backtracking until the value decreases sufficiently.",
        options={
            "c1": _C1,
            "shrink": Option(
                default=0.1, doc="a step falls at most to this share of the one before", low=0.01, high=0.5
            ),
            "max_evaluations": Option(default=40, doc="evaluations before the search gives up", low=1),
        },
    ),
    "strong-wolfe": Part(
        factory=_strong_wolfe,
        summary="Sufficient decrease and a slope that has fallen, by bracketing and cubic interpolation.",
        options={
            "c1": _C1,
            "c2": Option(
                default=0.9, doc="what may remain of the slope; small is accurate", low=0.0, high=1.0, bounds="()"
            ),
            "max_evaluations": Option(default=25, doc="evaluations before the search gives up", low=1),
            "bits": Option(default=0, doc="binary digits that steps are rounded to; 0: all", low=0, high=53),
        },
    ),
    "hager-zhang": Part(
        factory=_hager_zhang,
        summary="The Wolfe conditions, approximate ones where f hardly changes, by bracketing and double secant steps.",
        options={
            "c1": replace(_C1, default=0.1, bounds="()"),
            "c2": Option(default=0.9, doc="what may remain of a negative slope", low=0.0, high=1.0, bounds="()"),
            "epsilon": Option(default=1e-6, doc="f may rise by this share of |f| where slopes decide", low=0.0),
            "omega": Option(
                default=1e-3, doc="slopes may decide where f changes by less than this share of |f|", low=0.0, high=1.0
            ),
            "theta": Option(default=0.5, doc="where an interval is cut, from its left end", low=0.01, high=0.99),
            "gamma": Option(default=0.66, doc="a bracket that keeps a larger share is cut, too", low=0.01, high=0.99),
            "rho": Option(default=5.0, doc="how a step grows until it brackets a minimum", low=1.1),
            "max_evaluations": Option(default=50, doc="evaluations before the search gives up", low=1),
        },
    ),
    "fixed": Part(
        factory=Fixed,
        summary="The same step along every direction; f is evaluated there and nothing is tested.",
        options={"step": Option(default=1.0, doc="the step, times the direction", low=0.0, bounds="(]", search="log")},
    ),
}


def build(expression: str) -> LineSearch:
    """Return the line search that `expression` describes, such as "strong-wolfe(c2=0.1)"; raises UserError."""
    search: LineSearch = build_part(expression, LINE_SEARCHES, "line search")
    return search
