"""The score against the tuning's budget."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from optbench_reporters.figures.style import TITLE_LENGTH, Canvas, Look, finished, new_axes, plain
from optbench_reporters.tuning_rows import BudgetLine, budget_lines

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDE = 20.0  # from this factor on between scores, all positive, their axis is logarithmic


def tuning_figures(canvas: Canvas) -> Iterator[tuple[str, Figure]]:
    """Yield (name, figure) for each problem with a curve."""
    model = canvas.model
    for problem in model.problems:
        lines = budget_lines(model, problem.id)
        if lines:
            measure = next(cell.measure for cell in model.tuned if cell.problem == problem.id)
            yield f"tuning-{problem.id}", _figure(lines, canvas.looks, problem.label, measure)


def _figure(lines: Sequence[BudgetLine], every: Sequence[Look], title: str, measure: str) -> Figure:
    axes = new_axes()
    looks = [every[line.optimizer] for line in lines]
    for line, look in zip(lines, looks, strict=True):
        _draw(axes, line, look)
    scores = np.concatenate([line.median for line in lines])
    if scores.min() > 0 and scores.max() >= WIDE * scores.min():
        axes.set_yscale("log")
    axes.set(xlabel="trials of tuning; 0: untuned", ylabel=measure)
    axes.set_title(plain(title, TITLE_LENGTH), loc="left")
    axes.set_xlim(left=-0.02 * max(line.trials[-1] for line in lines))
    return finished(axes, looks)


def _draw(axes: Axes, line: BudgetLine, look: Look) -> None:
    import seaborn as sns

    tuned = [index for index, at in enumerate(line.trials) if at > 0]
    begin = tuned[0]
    across, median = np.array(line.trials), np.array(line.median)
    axes.fill_between(
        across[begin:], line.low[begin:], line.high[begin:], color=look.slot.light, alpha=0.1, linewidth=0
    )
    sns.lineplot(x=across[begin:], y=median[begin:], ax=axes, estimator=None, marker="o", markersize=3, **look.style())
    if line.edges:
        axes.plot(across[-1:], median[-1:], marker="x", markersize=7, color=look.slot.light)
    if begin:  # the untuned optimizer is no setting among others
        axes.plot(across[:1], median[:1], marker="D", markerfacecolor="white", color=look.slot.light)
        axes.plot(across[: begin + 1], median[: begin + 1], color=look.slot.light, linewidth=0.8, linestyle=":")
