"""The static figures of metrics over examples seen and over seconds, as SVG."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from optbench.records import LearningCurve, ReportModel
from optbench_reporters.figures import Look, plain, plain_ticks, theme
from optbench_reporters.palette import Slot

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH, HEIGHT = 9.4, 2.5  # inches, of the figure and of a metric's row
SIDES = {"left": 0.08, "right": 0.76, "hspace": 0.16, "wspace": 0.08}
MARGIN = 0.45  # inches above and below the rows
AXES = ("examples", "seconds")
WIDE = 20.0  # from this factor on between values, all positive, their axis is logarithmic


def learning_files(model: ReportModel, slots: Sequence[Slot]) -> Iterator[tuple[str, bytes]]:
    """Yield (file name, SVG) for each problem with curves; `slots` are the looks of the report's optimizers."""
    looks = {item.id: Look(plain(item.label), slot) for item, slot in zip(model.optimizers, slots, strict=True)}
    with theme():
        for problem in model.problems:
            curves = [curve for curve in model.learning if curve.problem == problem.id]
            if curves:
                yield f"learning-{problem.id}.svg", _figure(curves, looks, plain(problem.label))


def _figure(curves: Sequence[LearningCurve], looks: dict[str, Look], title: str) -> bytes:
    """Draw a row a metric: over examples on the left, over seconds on the right."""
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    metrics = list(dict.fromkeys(curve.metric for curve in curves))
    height = HEIGHT * len(metrics) + 2 * MARGIN
    figure = Figure(figsize=(WIDTH, height))
    panels = figure.subplots(len(metrics), len(AXES), sharex="col", sharey="row", squeeze=False)
    figure.subplots_adjust(bottom=MARGIN / height, top=1 - MARGIN / height, **SIDES)
    for metric, row in zip(metrics, panels, strict=True):
        own = [curve for curve in curves if curve.metric == metric]
        for axis, axes in zip(AXES, row, strict=True):
            _panel(axes, own, looks, axis)
        row[0].set_ylabel(metric)
    for axis, axes in zip(AXES, panels[-1], strict=True):
        axes.set_xlabel({"examples": "examples seen"}.get(axis, axis))
    shown = [look for name, look in looks.items() if any(curve.optimizer == name for curve in curves)]
    handles = [Line2D([], [], **look.style()) for look in shown]
    names = [look.label for look in shown]
    panels[0][-1].legend(handles, names, loc="upper left", bbox_to_anchor=(1.02, 1), frameon=False, handlelength=3.2)
    panels[0][0].set_title(title, loc="left")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": "optbench"})
    return buffer.getvalue()


def _panel(axes: Axes, curves: Sequence[LearningCurve], looks: dict[str, Look], axis: str) -> None:
    for curve in curves:
        across, median, low, high = (
            np.array([np.nan if value is None else value for value in column])
            for column in (getattr(curve, axis), curve.median, curve.low, curve.high)
        )
        look = looks[curve.optimizer]
        axes.fill_between(across, low, high, color=look.slot.light, alpha=0.1, linewidth=0)
        axes.plot(across, median, **look.style())
    values = np.array([value for curve in curves for value in curve.median if value is not None])
    axes.set_xscale("log")
    if values.size and values.min() > 0 and values.max() >= WIDE * values.min():
        axes.set_yscale("log")
    axes.spines[["top", "right"]].set_visible(False)
    plain_ticks(axes)
