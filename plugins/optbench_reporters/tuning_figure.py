"""The static figure of the score against the tuning's budget, as SVG."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from optbench.records import ReportModel
from optbench_reporters.figures import FRAME, SIZE, Look, plain, plain_ticks, theme
from optbench_reporters.palette import Slot
from optbench_reporters.tuning import BudgetLine, budget_lines

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDE = 20.0  # from this factor on between scores, all positive, their axis is logarithmic


def tuning_files(model: ReportModel, slots: Sequence[Slot]) -> Iterator[tuple[str, bytes]]:
    """Yield (file name, SVG) for each problem with a curve; `slots` are the looks of the report's optimizers."""
    with theme():
        for problem in model.problems:
            lines = budget_lines(model, problem.id)
            if lines:
                measure = next(cell.measure for cell in model.tuned if cell.problem == problem.id)
                yield f"tuning-{problem.id}.svg", _figure(lines, slots, problem.label, measure)


def _figure(lines: Sequence[BudgetLine], slots: Sequence[Slot], title: str, measure: str) -> bytes:
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    axes = Figure(figsize=SIZE).add_axes(FRAME)
    looks = [Look(plain(line.label), slots[line.optimizer]) for line in lines]
    for line, look in zip(lines, looks, strict=True):
        _draw(axes, line, look)
    scores = np.concatenate([line.median for line in lines])
    if scores.min() > 0 and scores.max() >= WIDE * scores.min():
        axes.set_yscale("log")
    axes.set(xlabel="trials of tuning; 0: untuned", ylabel=measure, title=plain(title))
    axes.set_xlim(left=-0.02 * max(line.trials[-1] for line in lines))
    axes.spines[["top", "right"]].set_visible(False)
    plain_ticks(axes)
    handles = [Line2D([], [], **look.style()) for look in looks]
    names = [look.label for look in looks]
    axes.legend(handles, names, loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False, handlelength=3.2)
    buffer = io.BytesIO()
    axes.figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": "optbench"})  # type: ignore[union-attr]
    return buffer.getvalue()


def _draw(axes: Axes, line: BudgetLine, look: Look) -> None:
    import seaborn as sns

    tuned = [index for index, at in enumerate(line.trials) if at > 0]
    begin = tuned[0]
    across, median = np.array(line.trials), np.array(line.median)
    axes.fill_between(
        across[begin:], line.low[begin:], line.high[begin:], color=look.slot.light, alpha=0.1, linewidth=0
    )
    sns.lineplot(x=across[begin:], y=median[begin:], ax=axes, estimator=None, marker="o", markersize=3, **look.style())
    if begin:  # the untuned optimizer is no setting among others
        axes.plot(across[:1], median[:1], marker="D", markerfacecolor="white", color=look.slot.light)
        axes.plot(across[: begin + 1], median[: begin + 1], color=look.slot.light, linewidth=0.8, linestyle=":")
