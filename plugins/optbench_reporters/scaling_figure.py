"""The static figure of memory against size, as SVG and PNG."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from optbench_reporters.figures import Look, plain, plain_ticks, theme
from optbench_reporters.scaling import PANELS, Line

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from optbench_reporters.palette import Slot

SIZE = (9.4, 4.2)  # inches
LEFT, RIGHT = (0.085, 0.13, 0.32, 0.79), (0.425, 0.13, 0.32, 0.79)
TITLES = {"peak": "Peak of what came alive", "state": "State kept between steps"}
PIXELS_AN_INCH = 160
DOT = {"marker": "o"}
UNITS = (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3), ("B", 1.0))


def scaling_files(lines: Sequence[Line], slots: Sequence[Slot]) -> Iterator[tuple[str, bytes]]:
    """Yield (file name, content); `slots` are the looks of the report's optimizers, in its order."""
    with theme():
        figure = _figure(lines, slots)
        for kind, about in (("svg", {"Date": None, "Creator": "optbench"}), ("png", None)):
            buffer = io.BytesIO()
            figure.savefig(buffer, format=kind, dpi=PIXELS_AN_INCH, metadata=about)
            yield f"scaling.{kind}", buffer.getvalue()


def _figure(lines: Sequence[Line], slots: Sequence[Slot]) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure(figsize=SIZE)
    left = figure.add_axes(LEFT)
    right = figure.add_axes(RIGHT, sharex=left, sharey=left)
    for panel, axes in zip(PANELS, (left, right), strict=True):
        _panel(axes, [line for line in lines if line.panel == panel], slots)
        axes.set(title=TITLES[panel], xlabel="number of parameters n", ylabel="bytes" if axes is left else "")
    right.tick_params(labelleft=False)
    _legend(right, lines, slots)
    return figure


def _panel(axes: Axes, lines: Sequence[Line], slots: Sequence[Slot]) -> None:
    import seaborn as sns
    from matplotlib.ticker import FuncFormatter

    for line in lines:
        style = Look(line.label, slots[line.optimizer]).style()
        if line.under:  # a halo, which the line on it leaves to see
            axes.plot(line.sizes, line.bytes, color=style["color"], alpha=0.3, linewidth=6, solid_capstyle="round")
        end = line.measured
        if end:
            marker = {"marker": "x", "markeredgecolor": style["color"], "markeredgewidth": 1.4} if line.process else DOT
            sns.lineplot(x=line.sizes[:end], y=line.bytes[:end], ax=axes, estimator=None, **marker, **style)
        if end < len(line.sizes):
            start = max(end - 1, 0)
            axes.plot(line.sizes[start:], line.bytes[start:], color=style["color"], linewidth=1, linestyle=":")
            axes.plot(line.sizes[end:], line.bytes[end:], "o", markerfacecolor="white", color=style["color"])
        if line.marks:
            across, up = zip(*line.marks, strict=True)
            axes.plot(across, up, linestyle="none", marker="x", markersize=5, color=style["color"])
    axes.set(xscale="log", yscale="log")
    axes.spines[["top", "right"]].set_visible(False)
    plain_ticks(axes)
    axes.tick_params(labelsize="small")
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: _bytes(value)))


def _legend(axes: Axes, lines: Sequence[Line], slots: Sequence[Slot]) -> None:
    """Name the lines with their slopes, then what the markers mean."""
    from matplotlib.lines import Line2D

    slopes: dict[str, dict[str, str]] = {}  # by label, by panel
    handles: dict[str, Line2D] = {}
    for line in lines:
        handles.setdefault(line.label, Line2D([], [], **Look(line.label, slots[line.optimizer]).style()))
        if not line.sizes:
            slopes.setdefault(line.label, {})[line.panel] = "0 B"
        elif line.exponent is not None:
            slopes.setdefault(line.label, {})[line.panel] = f"{line.exponent:.2f}"
    entries = {f"{plain(name)} {_slopes(slopes.get(name, {}))}": handle for name, handle in handles.items()}
    entries["measured"] = Line2D([], [], color="#5b6572", marker="o", linestyle="none")
    entries["worked out, not run"] = Line2D([], [], color="#5b6572", marker="o", markerfacecolor="white", linestyle=":")
    entries["growth of the process"] = Line2D([], [], color="#5b6572", marker="x", linestyle="none")
    axes.legend(
        list(entries.values()),
        list(entries),
        title="slope of the peak (of the state)",
        title_fontsize="small",
        alignment="left",
        loc="upper left",
        bbox_to_anchor=(1.02, 1.02),
        frameon=False,
        handlelength=2.6,
    )


def _slopes(slopes: dict[str, str]) -> str:
    """Return the peak's slope, and the state's where there is one."""
    return slopes.get("peak", "") + (f" ({slopes['state']})" if "state" in slopes else "")


def _bytes(value: float) -> str:
    unit, scale = next(((unit, scale) for unit, scale in UNITS if value >= scale), UNITS[-1])
    return f"{value / scale:g} {unit}"
