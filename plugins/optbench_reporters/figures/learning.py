"""Metrics over examples seen and over seconds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from optbench.records import LearningCurve
from optbench_reporters.figures.style import TITLE_LENGTH, Canvas, Look, legend, plain, plain_ticks

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH, HEIGHT = 9.4, 2.5  # inches, of the figure and of a metric's row
SIDES = {"left": 0.08, "right": 0.76, "hspace": 0.16, "wspace": 0.08}
MARGIN = 0.45  # inches above and below the rows
AXES = ("examples", "seconds")
WIDE = 20.0  # from this factor on between values, all positive, their axis is logarithmic


def learning_figures(canvas: Canvas) -> Iterator[tuple[str, Figure]]:
    """Yield (name, figure) for each problem with curves."""
    looks = {item.id: look for item, look in zip(canvas.model.optimizers, canvas.looks, strict=True)}
    for problem in canvas.model.problems:
        curves = [curve for curve in canvas.model.learning if curve.problem == problem.id]
        if curves:
            yield f"learning-{problem.id}", _figure(curves, looks, plain(problem.label, TITLE_LENGTH))


def _figure(curves: Sequence[LearningCurve], looks: dict[str, Look], title: str) -> Figure:
    """Draw a row a metric: over examples on the left, over seconds on the right."""
    from matplotlib.figure import Figure

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
    legend(panels[0][-1], shown)
    panels[0][0].set_title(title, loc="left")
    return figure


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
