"""Cost over the best cost, problem by optimizer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from optbench.analysis import cost_ratios
from optbench_reporters.figures.profiles import costs_at
from optbench_reporters.figures.style import Canvas, plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BINS = (1.15, 2.0, 4.0, 10.0, 30.0)  # upper ends, of cost over best cost
SHADES = ("#1d5a9c", "#5b96cb", "#9bc0e2", "#c9def0", "#e2edf7", "#f3f7fb")
MOST_PRINTED = 600  # cells with their number
MOST_ROWS = 400


def heat_figures(canvas: Canvas) -> Iterator[tuple[str, Figure]]:
    """Yield the matrix at the canvas's accuracy; none where nothing is solved."""
    ratios = cost_ratios(costs_at(canvas.model, canvas.model.targets.index(canvas.target))).T
    if np.isfinite(ratios).any() and len(ratios) <= MOST_ROWS:
        yield "heat", _figure(canvas, ratios)


def _figure(canvas: Canvas, ratios: np.ndarray[Any, Any]) -> Figure:
    from matplotlib.colors import BoundaryNorm, ListedColormap
    from matplotlib.figure import Figure

    rows, columns = ratios.shape
    figure = Figure(figsize=(2.6 + 0.48 * columns, 1.6 + 0.19 * rows))
    axes = figure.subplots()
    axes.pcolormesh(
        np.where(np.isfinite(ratios), ratios, np.nan),
        cmap=ListedColormap(SHADES),
        norm=BoundaryNorm([0, *BINS, np.inf], len(SHADES)),
        edgecolors="white",
        linewidth=0.6,
    )
    axes.set(ylim=(rows, 0), xlim=(0, columns))
    axes.set_xticks(np.arange(columns) + 0.5, [plain(look.label) for look in canvas.looks])
    axes.set_yticks(np.arange(rows) + 0.5, [plain(problem.label) for problem in canvas.model.problems])
    _number(axes, ratios)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    axes.tick_params(labeltop=True, labelbottom=False, top=False, bottom=False, left=False)
    for label in axes.get_xticklabels():
        label.set(rotation=40, ha="left", fontsize=7)
    for label in axes.get_yticklabels():
        label.set(rotation=0, fontsize=7)
    figure.subplots_adjust(
        left=1.9 / figure.get_figwidth(), right=0.94, bottom=0.04, top=1 - 1.2 / figure.get_figheight()
    )
    return figure


def _number(axes: Axes, ratios: np.ndarray[Any, Any]) -> None:
    """Print each ratio where they are few enough to be read, and a dot where a problem was not solved."""
    printed = ratios.size <= MOST_PRINTED
    for (row, column), ratio in np.ndenumerate(ratios):
        text = "·" if np.isinf(ratio) else _brief(ratio) if printed and not np.isnan(ratio) else ""
        if text:
            colour = "white" if ratio <= BINS[0] else "#1b2027"
            axes.text(column + 0.5, row + 0.5, text, ha="center", va="center", fontsize=6.5, color=colour)


def _brief(ratio: float) -> str:
    return f"{ratio:.1f}" if ratio < 10 else f"{ratio:,.0f}"
