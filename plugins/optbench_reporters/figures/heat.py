"""Cost over the best cost, problem by optimizer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from optbench.analysis import cost_ratios
from optbench_reporters.figures.profiles import costs_at
from optbench_reporters.figures.style import Canvas, plain

if TYPE_CHECKING:
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
    import seaborn as sns
    from matplotlib.colors import BoundaryNorm, ListedColormap
    from matplotlib.figure import Figure

    rows, columns = ratios.shape
    figure = Figure(figsize=(2.6 + 0.48 * columns, 1.6 + 0.19 * rows))
    axes = figure.subplots()
    finite = np.isfinite(ratios)
    shown = np.where(finite, ratios, np.nan)
    sns.heatmap(
        shown,
        ax=axes,
        cmap=ListedColormap(SHADES),
        norm=BoundaryNorm([0, *BINS, np.inf], len(SHADES)),
        cbar=False,
        linewidths=0.6,
        annot=np.array([[_number(value) for value in row] for row in ratios]) if ratios.size <= MOST_PRINTED else False,
        fmt="",
        annot_kws={"fontsize": 6.5},
        xticklabels=[look.label for look in canvas.looks],
        yticklabels=[plain(problem.label) for problem in canvas.model.problems],
    )
    for row, column in zip(*np.nonzero(np.isinf(ratios)), strict=True):
        axes.text(column + 0.5, row + 0.5, "·", ha="center", va="center", fontsize=7, color="#7d6b5d")
    axes.tick_params(axis="x", labeltop=True, labelbottom=False, top=False, bottom=False)
    for label in axes.get_xticklabels():
        label.set(rotation=40, ha="left", fontsize=7)
    for label in axes.get_yticklabels():
        label.set(rotation=0, fontsize=7)
    figure.subplots_adjust(
        left=1.9 / figure.get_figwidth(), right=0.94, bottom=0.04, top=1 - 1.2 / figure.get_figheight()
    )
    return figure


def _number(ratio: float) -> str:
    return "" if not np.isfinite(ratio) else f"{ratio:.1f}" if ratio < 10 else f"{ratio:,.0f}"
