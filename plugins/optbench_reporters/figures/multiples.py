"""A small panel for each optimizer: a thin line a problem, a thick one their median."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from optbench_reporters.figures.style import Canvas, plain, plain_ticks
from optbench_reporters.multiples import Panel, panels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS = 4
MOST_PANELS = 40


def multiples_figures(canvas: Canvas) -> Iterator[tuple[str, Figure]]:
    """Yield the panels of all optimizers that have curves; none where no problem has."""
    found = [panel for panel in panels(canvas.model) if panel.lines][:MOST_PANELS]
    if found:
        yield "multiples", _figure(found, canvas)


def _figure(found: list[Panel], canvas: Canvas) -> Figure:
    from matplotlib.figure import Figure

    columns = min(COLUMNS, len(found))
    rows = math.ceil(len(found) / columns)
    figure = Figure(figsize=(2.35 * columns + 0.3, 1.6 * rows + 0.5))
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for axes, panel in zip(grid.flat, found, strict=False):
        _draw(axes, panel, canvas)
    for axes in list(grid.flat)[len(found) :]:
        axes.set_visible(False)
    plain_ticks(grid[0][0])
    figure.supxlabel("evaluations", fontsize=8)
    figure.supylabel("relative gap", fontsize=8)
    height = figure.get_figheight()
    figure.subplots_adjust(left=0.1, right=0.985, top=1 - 0.3 / height, bottom=0.5 / height, hspace=0.35, wspace=0.08)
    return figure


def _draw(axes: Axes, panel: Panel, canvas: Canvas) -> None:
    look = canvas.looks[panel.optimizer]
    for line in panel.lines:
        axes.plot(panel.grid[: len(line.gaps)], line.gaps, color=look.slot.light, linewidth=0.5, alpha=0.45)
    axes.plot(panel.grid[: len(panel.median)], panel.median, color=look.slot.light, linewidth=1.8)
    axes.set(xscale="log", yscale="log")
    axes.set_title(plain(look.label), fontsize=8, loc="left")
    axes.tick_params(labelsize=7)
    axes.spines[["top", "right"]].set_visible(False)
