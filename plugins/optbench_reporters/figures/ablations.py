"""What each factor changes: cost with it over cost without it, as a forest plot."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from optbench.records import AblationEffect
from optbench_reporters.ablation_rows import CLEAR, groups
from optbench_reporters.figures.style import DIM, Canvas, plain, plain_ticks

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BETTER, WORSE = "#1f83d0", "#d9640b"
ROW = 0.24  # inches


def ablation_figures(canvas: Canvas) -> Iterator[tuple[str, Figure]]:
    """Yield a figure for each measure and problem that has effects."""
    for group in groups(canvas.model):
        if any(row.ratio for row in group.rows):
            yield f"ablation-{group.id}", _figure(group.rows, group.title)


def _figure(rows: Sequence[AblationEffect], title: str) -> Figure:
    from matplotlib.figure import Figure

    height = ROW * len(rows) + 1.0
    figure = Figure(figsize=(6.8, height))
    axes = figure.add_axes((0.42, 0.5 / height, 0.55, 1 - 0.85 / height))
    for place, row in enumerate(rows):
        _draw(axes, place, row)
    axes.axvline(1, color=DIM, linewidth=1)
    axes.set(xscale="log", ylim=(len(rows) - 0.4, -0.6), xlabel="cost with it over cost without it")
    axes.set_yticks(range(len(rows)), [plain(f"{row.factor}, {row.beside}", 44) for row in rows])
    axes.set_title(plain(title, 60), loc="left")
    axes.spines[["top", "right", "left"]].set_visible(False)
    plain_ticks(axes)
    return figure


def _draw(axes: Axes, place: int, row: AblationEffect) -> None:
    if not row.ratio:
        return
    colour = DIM if row.verdict not in CLEAR else BETTER if row.ratio < 1 else WORSE
    if row.low and row.high:
        axes.plot([row.low, row.high], [place, place], color=colour, linewidth=2)
    axes.plot([row.ratio], [place], "o", color=colour, markersize=5)
