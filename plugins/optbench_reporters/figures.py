"""The static figures: SVG for papers and for readers without JavaScript. The only module here that needs seaborn."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from optbench.analysis import cost_ratios, data_profile, performance_profile, profile_band
from optbench.records import ReportCurve, ReportModel, ReportProblem
from optbench_reporters.palette import GREY, Slot
from optbench_reporters.view import left_out, power

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

SIZE = (6.4, 3.9)  # inches
FRAME = (0.105, 0.135, 0.565, 0.79)  # of the axes in the figure: fixed, since finding the best one takes twice as long
LABEL_LENGTH = 30  # what fits beside the axes
LARGEST_FACTOR = 1e3
MEASURE = "evaluations"
BAND_POINTS = 80
BAND_RESAMPLES = 500
STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "optbench",
    "axes.titlesize": 10,
    "legend.fontsize": 7.5,
}


@dataclass(frozen=True)
class Look:
    """How one optimizer is drawn."""

    label: str
    slot: Slot

    def style(self) -> dict[str, Any]:
        """Return matplotlib's keywords for a line."""
        width = 0.8 if self.slot is GREY else 1.6
        pattern = tuple(part / width / 1.3 for part in self.slot.dash)
        return {"color": self.slot.light, "linewidth": width, "linestyle": (0, pattern) if pattern else "-"}


def figure_files(model: ReportModel, target: float, slots: Sequence[Slot]) -> Iterator[tuple[str, bytes]]:
    """Yield (file name, SVG) of the profiles at `target` and of the convergence on each problem, over evaluations.

    Sections that the page leaves out have none.
    """
    absent = left_out(model)
    looks = [Look(plain(item.label), slot) for item, slot in zip(model.optimizers, slots, strict=True)]
    costs = _costs(model, target)
    with theme():
        if "Profiles" not in absent and np.isfinite(costs).any():
            yield "profile.svg", _performance(costs, looks, target)
            yield "dataprofile.svg", _data(costs, looks, target)
        for problem in () if "Convergence" in absent else model.problems:
            curves = [curve for curve in model.curves if curve.problem == problem.id]
            if curves:
                by_id = {item.id: look for item, look in zip(model.optimizers, looks, strict=True)}
                yield f"conv-{problem.id}.svg", _convergence(problem, [(by_id[c.optimizer], c) for c in curves], target)


@contextmanager
def theme() -> Iterator[None]:
    """Set seaborn's style for the figures inside, and leave matplotlib's settings as they were."""
    import matplotlib as mpl
    import seaborn as sns

    with mpl.rc_context(), sns.axes_style("ticks", {"axes.grid": True, "grid.color": "#e1e5ea"}):
        sns.set_context("paper")
        for key, value in STYLE.items():
            mpl.rcParams[key] = value
        yield


def _costs(model: ReportModel, target: float) -> NDArray[np.float64]:
    """Return the median costs, shape (optimizers, problems): inf unsolved, nan not run."""
    rows = {item.id: index for index, item in enumerate(model.optimizers)}
    columns = {item.id: index for index, item in enumerate(model.problems)}
    costs = np.full((len(rows), len(columns)), np.nan)
    for cell in model.cells:
        if cell.seeds:
            median = cell.costs[MEASURE][model.targets.index(target)][1]
            costs[rows[cell.optimizer], columns[cell.problem]] = np.inf if median is None else median
    return costs


def _performance(costs: NDArray[np.float64], looks: Sequence[Look], target: float) -> bytes:
    ratios = cost_ratios(costs)
    last = min(LARGEST_FACTOR, max(10.0, float(ratios[np.isfinite(ratios)].max())))
    factors = np.geomspace(1, last, 400)
    axis = "cost in evaluations, relative to the best on each problem"
    curves = factors, performance_profile(costs, factors)
    axes = _shares(curves, looks, axis, _title("Performance profile", target))
    _add_bands(axes, costs, last, looks)
    return _svg(axes, looks)


def _add_bands(axes: Axes, costs: NDArray[np.float64], last: float, looks: Sequence[Look]) -> None:
    """Shade how far the profile would move with other problems of the kind: 95 % of resamples of the problems."""
    factors = np.geomspace(1, last, BAND_POINTS)

    def profile(table: NDArray[np.float64]) -> NDArray[np.float64]:
        return performance_profile(table, factors)

    band = profile_band(costs, profile, np.random.default_rng(0), resamples=BAND_RESAMPLES)
    for look, low, high in zip(looks, band.low, band.high, strict=True):
        axes.fill_between(factors, 100 * low, 100 * high, step="post", color=look.slot.light, alpha=0.07, linewidth=0)


def _data(costs: NDArray[np.float64], looks: Sequence[Look], target: float) -> bytes:
    solved = costs[np.isfinite(costs)]
    budgets = np.geomspace(max(solved.min() / 1.2, 0.5), max(solved.max() * 1.2, 10 * solved.min()), 400)
    curves = budgets, data_profile(costs, budgets)
    return _svg(_shares(curves, looks, "evaluations", _title("Data profile", target)), looks)


def _shares(
    curves: tuple[NDArray[np.float64], NDArray[np.float64]], looks: Sequence[Look], axis: str, title: str
) -> Axes:
    import seaborn as sns

    horizontal, shares = curves
    axes = _axes()
    for look, row in zip(looks, shares, strict=True):
        sns.lineplot(x=horizontal, y=100 * row, ax=axes, estimator=None, drawstyle="steps-post", **look.style())
    axes.set(xscale="log", xlim=(horizontal[0], horizontal[-1]), ylim=(-1, 101), ylabel="problems solved, %")
    axes.set(xlabel=axis, title=title)
    return axes


def _convergence(problem: ReportProblem, curves: Sequence[tuple[Look, ReportCurve]], target: float) -> bytes:
    import seaborn as sns

    axes = _axes()
    for look, curve in curves:
        across, median, low, high = (
            np.array([np.nan if value is None else value for value in column])
            for column in (curve.costs[MEASURE], curve.median, curve.low, curve.high)
        )
        axes.fill_between(across, low, high, color=look.slot.light, alpha=0.1, linewidth=0)
        sns.lineplot(x=across, y=median, ax=axes, estimator=None, **look.style())
        ends = [(end[0], end[-1]) for end in curve.ends if None not in end]
        if ends:
            axes.plot(*zip(*ends, strict=True), linestyle="none", marker="x", color=look.slot.light)
    axes.axhline(target, color="#5b6572", linestyle=":", linewidth=1)
    axes.set(xscale="log", yscale="log", xlabel="evaluations", ylabel="relative gap (f - f*) / (f0 - f*)")
    axes.set(title=plain(problem.label) + (f", n = {problem.size}" if problem.size else ""))
    return _svg(axes, [look for look, _ in curves])


def _axes() -> Axes:
    """Return the axes of a figure of its own, so that pyplot's global state is left alone."""
    from matplotlib.figure import Figure

    return Figure(figsize=SIZE).add_axes(FRAME)


def _svg(axes: Axes, looks: Sequence[Look]) -> bytes:
    from matplotlib.lines import Line2D

    handles = [Line2D([], [], **look.style()) for look in looks]
    names = [look.label for look in looks]
    axes.legend(handles, names, loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False, handlelength=3.2)
    axes.spines[["top", "right"]].set_visible(False)
    plain_ticks(axes)
    figure, buffer = axes.figure, io.BytesIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": "optbench"})  # type: ignore[union-attr]
    return buffer.getvalue()


def plain_ticks(axes: Axes) -> None:
    """Write powers of ten as plain text, which takes a tenth of the time of formulas and can be edited."""
    from matplotlib.ticker import FuncFormatter, NullFormatter

    for axis, (low, high) in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim())):
        if axis.get_scale() == "log":
            wide = high >= 20 * low
            axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}" if 1 <= value < 1e3 else power(value)))
            axis.set_minor_formatter(NullFormatter() if wide else FuncFormatter(lambda value, _: f"{value:g}"))


def _title(name: str, target: float) -> str:
    return f"{name} at a relative gap of {power(target)}"


def plain(text: str) -> str:
    """Shorten, and keep matplotlib from reading dollar signs as formulas."""
    brief = text if len(text) <= LABEL_LENGTH else text[: LABEL_LENGTH - 1] + "…"
    return brief.replace("$", r"\$")
