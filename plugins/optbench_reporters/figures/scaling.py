"""Memory or time against size."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from optbench_reporters.figures.style import DIM, Canvas, Look, plain, plain_ticks
from optbench_reporters.scaling_lines import Line, scaling_lines

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

Units = Sequence[tuple[str, float]]

SIZE = (9.4, 4.2)  # inches
LEFT, RIGHT, WHOLE = (0.085, 0.13, 0.32, 0.79), (0.425, 0.13, 0.32, 0.79), (0.085, 0.13, 0.6, 0.79)
TITLES = {
    "peak": "Peak of what came alive",
    "state": "State kept between steps",
    "step": "A step, evaluations left out",
}
DOT = {"marker": "o"}
BYTES = (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3), ("B", 1.0))
TIMES = (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6), ("ns", 1e-9))


def memory_figures(canvas: Canvas) -> Iterator[tuple[str, Figure]]:
    """Yield the figure of bytes, where a suite sweeps them."""
    lines = [line for line in scaling_lines(canvas.model) if line.panel != "step"]
    if lines:
        yield "scaling", _of_memory(lines, canvas.looks)


def time_figures(canvas: Canvas) -> Iterator[tuple[str, Figure]]:
    """Yield the figure of the seconds of a step, where a suite sweeps them."""
    lines = [line for line in scaling_lines(canvas.model) if line.panel == "step"]
    if lines:
        yield "scaling-time", _of_time(lines, canvas.looks)


def _of_memory(lines: Sequence[Line], looks: Sequence[Look]) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure(figsize=SIZE)
    left = figure.add_axes(LEFT)
    right = figure.add_axes(RIGHT, sharex=left, sharey=left)
    for panel, axes in (("peak", left), ("state", right)):
        _panel(axes, [line for line in lines if line.panel == panel], looks, BYTES)
        axes.set(title=TITLES[panel], xlabel="number of parameters n", ylabel="bytes" if axes is left else "")
    right.tick_params(labelleft=False)
    kinds = {"measured": _key(marker="o", linestyle="none")}
    kinds["worked out, not run"] = _key(marker="o", markerfacecolor="white", linestyle=":")
    kinds["growth of the process"] = _key(marker="x", linestyle="none")
    _legend(right, lines, looks, title="slope of the peak (of the state)", kinds=kinds)
    return figure


def _of_time(lines: Sequence[Line], looks: Sequence[Look]) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure(figsize=SIZE)
    axes = figure.add_axes(WHOLE)
    _panel(axes, lines, looks, TIMES)
    axes.set(title=TITLES["step"], xlabel="number of parameters n", ylabel="time")
    doubted = any(line.doubted for line in lines)
    kinds = {"in doubt": _key(marker="o", markerfacecolor="white", linestyle="none")} if doubted else {}
    _legend(axes, lines, looks, title="slope", kinds=kinds)
    return figure


def _panel(axes: Axes, lines: Sequence[Line], looks: Sequence[Look], units: Units) -> None:
    import seaborn as sns
    from matplotlib.ticker import FuncFormatter

    for line in lines:
        style = looks[line.optimizer].style()
        if line.under:  # a halo, which the line on it leaves to see
            axes.plot(line.sizes, line.values, color=style["color"], alpha=0.3, linewidth=6, solid_capstyle="round")
        end = line.measured
        if end:
            marker = {"marker": "x", "markeredgecolor": style["color"], "markeredgewidth": 1.4} if line.process else DOT
            sns.lineplot(x=line.sizes[:end], y=line.values[:end], ax=axes, estimator=None, **marker, **style)
        if end < len(line.sizes):
            start = max(end - 1, 0)
            axes.plot(line.sizes[start:], line.values[start:], color=style["color"], linewidth=1, linestyle=":")
            axes.plot(line.sizes[end:], line.values[end:], "o", markerfacecolor="white", color=style["color"])
        doubted = [(size, value) for size, value in zip(line.sizes, line.values, strict=True) if size in line.doubted]
        if doubted:
            axes.plot(*zip(*doubted, strict=True), "o", markerfacecolor="white", color=style["color"], zorder=3)
        if line.marks:
            across, up = zip(*line.marks, strict=True)
            axes.plot(across, up, linestyle="none", marker="x", markersize=5, color=style["color"])
    axes.set(xscale="log", yscale="log")
    axes.spines[["top", "right"]].set_visible(False)
    plain_ticks(axes)
    axes.tick_params(labelsize="small")
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: _in_units(value, units)))


def _key(**style: Any) -> Line2D:
    from matplotlib.lines import Line2D

    return Line2D([], [], color=DIM, **style)


def _legend(
    axes: Axes, lines: Sequence[Line], looks: Sequence[Look], *, title: str, kinds: Mapping[str, Line2D]
) -> None:
    """Name the lines with their slopes, then what the markers mean."""
    from matplotlib.lines import Line2D

    slopes: dict[str, dict[str, str]] = {}  # by label, by panel
    handles: dict[str, Line2D] = {}
    for line in lines:
        handles.setdefault(line.label, Line2D([], [], **looks[line.optimizer].style()))
        if not line.sizes:
            slopes.setdefault(line.label, {})[line.panel] = "0 B"
        elif line.exponent is not None:
            slopes.setdefault(line.label, {})[line.panel] = f"{line.exponent:.2f}"
    entries = {f"{plain(name)} {_slopes(slopes.get(name, {}))}": handle for name, handle in handles.items()}
    entries.update(kinds)
    axes.legend(
        list(entries.values()),
        list(entries),
        title=title,
        title_fontsize="small",
        alignment="left",
        loc="upper left",
        bbox_to_anchor=(1.02, 1.02),
        frameon=False,
        handlelength=2.6,
    )


def _slopes(slopes: dict[str, str]) -> str:
    """Return the slope of time or of the peak, and the state's where there is one."""
    return slopes.get("step", slopes.get("peak", "")) + (f" ({slopes['state']})" if "state" in slopes else "")


def _in_units(value: float, units: Units) -> str:
    unit, scale = next(((unit, scale) for unit, scale in units if value >= scale * (1 - 1e-9)), units[-1])
    return f"{value / scale:g} {unit}"
