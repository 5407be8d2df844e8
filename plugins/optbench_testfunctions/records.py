"""How this family writes its records; imports no torch."""

from __future__ import annotations

from collections.abc import Mapping

from optbench.api import Evaluation, Option, ProblemPlugin

SMOOTH: frozenset[Evaluation] = frozenset({"value", "gradient", "hessian_vector", "hessian"})
RESIDUALS: frozenset[Evaluation] = SMOOTH | {"residuals", "jacobian"}
LINE: frozenset[Evaluation] = SMOOTH | {"line_minimum"}


def least_squares(
    name: str, factory: str, summary: str, options: Mapping[str, Option] | None = None, *, cite: str
) -> ProblemPlugin:
    """Return the record of a sum of squares; `factory` is "module:function" within this package."""
    return ProblemPlugin(
        name=name,
        factory=f"optbench_testfunctions.{factory}",
        summary=summary,
        options=options or {},
        cite=cite,
        evaluations=RESIDUALS,
        kind="least-squares",
        random=False,
    )


def size(default: int, rule: str = "", *, low: int = 1, high: int | None = None) -> dict[str, Option]:
    """Return the option n."""
    doc = "number of parameters" + (f", {rule}" if rule else "")
    return {"n": Option(default=default, doc=doc, low=low, high=high)}


def points(default: int, *, low: int, high: int | None = None) -> dict[str, Option]:
    """Return the option m of a function that is fitted at m points."""
    return {"m": Option(default=default, doc="number of residuals", low=low, high=high)}


def residuals(usual: str) -> dict[str, Option]:
    """Return the option m of a function with any number of residuals from n on."""
    return {"m": Option(default=0, doc=f"number of residuals, at least n; 0: {usual}", low=0)}
