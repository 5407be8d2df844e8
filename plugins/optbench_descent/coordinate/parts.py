"""What `coordinate-descent` takes as blocks and as solver. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from optbench.api import Option, Part
from optbench_descent.coordinate.blocks import Alternating, Given, Groups, Single

BLOCKS: Mapping[str, Part] = {
    "single": Part(factory=Single, summary="Each coordinate by itself; rows of a panel, whose entries don't interact."),
    "groups": Part(
        factory=Groups,
        summary="Groups of neighbours, of coordinates or of a panel's rows.",
        options={"sizes": Option(default=[10], doc="lengths of the groups, repeated to the end", low=1)},
    ),
    "given": Part(factory=Given, summary="The groups that the problem gives, its `coordinate_blocks`."),
    "alternating": Part(factory=Alternating, summary="Each tensor of the problem's layout in turn, such as H and W."),
}


def _newton() -> Any:
    from optbench_descent.coordinate.solvers import NewtonStep

    return NewtonStep()


def _exact(**options: Any) -> Any:
    from optbench_descent.coordinate.solvers import ExactMinimum

    return ExactMinimum(**options)


def _cg(**options: Any) -> Any:
    from optbench_descent.coordinate.solvers import conjugate_steps

    return conjugate_steps(**options)


def _gradient_descent(**options: Any) -> Any:
    from optbench_descent.coordinate.solvers import steepest_steps

    return steepest_steps(**options)


_STEPS = {"steps": Option(default=10, doc="of the inner optimizer on a block", low=1)}

SOLVERS: Mapping[str, Part] = {
    "newton": Part(factory=_newton, summary="One Newton step, shortened or lengthened by a line search."),
    "exact": Part(
        factory=_exact,
        summary="The minimum: analytic where f is known to be quadratic, else searched for.",
        options={
            "tolerance": Option(
                default=1e-8,
                doc="slope at the minimum, relative to the first, where it is searched",
                low=0.0,
                high=1.0,
                bounds="()",
            ),
            "max_evaluations": Option(default=60, doc="evaluations, or passes over a panel's rows, at most", low=1),
        },
    ),
    "cg": Part(factory=_cg, summary="Some steps of conjugate gradients.", options=_STEPS),
    "gradient-descent": Part(factory=_gradient_descent, summary="Some steps of steepest descent.", options=_STEPS),
}
