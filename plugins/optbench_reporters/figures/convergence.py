"""The gap against evaluations on one problem."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from optbench.records import ReportCurve, ReportProblem
from optbench_reporters.convergence import drawn_problems
from optbench_reporters.figures.profiles import MEASURE
from optbench_reporters.figures.style import DIM, TITLE_LENGTH, Canvas, finished, new_axes, plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def convergence_figures(canvas: Canvas) -> Iterator[tuple[str, Figure]]:
    """Yield (name, figure) of each problem that is drawn."""
    for problem in drawn_problems(canvas.model):
        curves = [curve for curve in canvas.model.curves if curve.problem == problem.id]
        yield f"conv-{problem.id}", _figure(problem, curves, canvas)


def _figure(problem: ReportProblem, curves: Sequence[ReportCurve], canvas: Canvas) -> Figure:
    axes = new_axes()
    for curve in curves:
        _draw(axes, curve, canvas)
    axes.axhline(canvas.target, color=DIM, linestyle=":", linewidth=1)
    axes.set(xscale="log", yscale="log", xlabel="evaluations", ylabel="relative gap (f - f*) / (f0 - f*)")
    size = f", n = {problem.size}" if problem.size else ""
    axes.set_title(plain(problem.label + size, TITLE_LENGTH), loc="left")
    return finished(axes, [canvas.look(curve.optimizer) for curve in curves])


def _draw(axes: Axes, curve: ReportCurve, canvas: Canvas) -> None:
    look, measures = canvas.look(curve.optimizer), canvas.model.measures
    across, median, low, high = (
        np.array([np.nan if value is None else value for value in column])
        for column in (curve.costs[MEASURE], curve.median, curve.low, curve.high)
    )
    if not look.grey:
        axes.fill_between(across, low, high, color=look.slot.light, alpha=0.1, linewidth=0)
    axes.plot(across, median, **look.style())
    place = measures.index(MEASURE)
    ends = [(end[place], end[-1]) for end in curve.ends if None not in (end[place], end[-1])]
    if ends:
        axes.plot(*zip(*ends, strict=True), linestyle="none", marker="x", color=look.slot.light)
    begun = [stage[place] for stage in curve.stages]
    heights = [float(np.interp(at, across, median)) for at in begun if at is not None]
    if heights:
        marks = [at for at in begun if at is not None]
        axes.plot(marks, heights, linestyle="none", marker="|", markersize=9, color=look.slot.light)
