"""Performance profile, data profile, and the ECDF of runtimes over problems and accuracies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from optbench.analysis import cost_ratios, data_profile, performance_profile, profile_band
from optbench.records import ReportModel
from optbench_reporters.figures.style import Canvas, Look, finished, new_axes
from optbench_reporters.view import power

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

LARGEST_FACTOR = 1e3
MEASURE = "evaluations"
BAND_POINTS = 80
BAND_RESAMPLES = 500
POINTS = 400


def profile_figures(canvas: Canvas) -> Iterator[tuple[str, Figure]]:
    """Yield (name, figure) over evaluations; none where nothing is solved."""
    model, target = canvas.model, canvas.target
    costs = costs_at(model, model.targets.index(target))
    if np.isfinite(costs).any():
        yield "profile", _performance(costs, canvas)
        yield "dataprofile", _budgets(costs, canvas.looks, f"Data profile at a relative gap of {power(target)}")
    everything = np.hstack([costs_at(model, index) for index in range(len(model.targets))])
    if len(model.targets) > 1 and np.isfinite(everything).any():
        title = f"Runtimes over problems and {len(model.targets)} accuracies"
        yield "ecdf", _budgets(everything, canvas.looks, title, of="problems and accuracies reached, %")


def costs_at(model: ReportModel, target: int) -> NDArray[np.float64]:
    """Return the median costs, shape (optimizers, problems): inf unsolved, nan not run."""
    rows = {item.id: index for index, item in enumerate(model.optimizers)}
    columns = {item.id: index for index, item in enumerate(model.problems)}
    costs = np.full((len(rows), len(columns)), np.nan)
    for cell in model.cells:
        if cell.seeds:
            median = cell.costs[MEASURE][target][1]
            costs[rows[cell.optimizer], columns[cell.problem]] = np.inf if median is None else median
    return costs


def _performance(costs: NDArray[np.float64], canvas: Canvas) -> Figure:
    ratios = cost_ratios(costs)
    last = min(LARGEST_FACTOR, max(10.0, float(ratios[np.isfinite(ratios)].max())))
    factors = np.geomspace(1, last, POINTS)
    axes = _shares((factors, performance_profile(costs, factors)), canvas.looks)
    axes.set(xlabel="cost in evaluations, relative to the best on each problem", ylabel="problems solved, %")
    axes.set_title(f"Performance profile at a relative gap of {power(canvas.target)}")
    _add_bands(axes, costs, last, canvas.looks)
    return finished(axes, canvas.looks)


def _add_bands(axes: Axes, costs: NDArray[np.float64], last: float, looks: Sequence[Look]) -> None:
    """Shade how far the profile would move with other problems of the kind: 95 % of resamples of the problems."""
    factors = np.geomspace(1, last, BAND_POINTS)

    def profile(table: NDArray[np.float64]) -> NDArray[np.float64]:
        return performance_profile(table, factors)

    band = profile_band(costs, profile, np.random.default_rng(0), resamples=BAND_RESAMPLES)
    for look, low, high in zip(looks, band.low, band.high, strict=True):
        if not look.grey:
            axes.fill_between(
                factors, 100 * low, 100 * high, step="post", color=look.slot.light, alpha=0.07, linewidth=0
            )


def _budgets(costs: NDArray[np.float64], looks: Sequence[Look], title: str, of: str = "problems solved, %") -> Figure:
    solved = costs[np.isfinite(costs)]
    budgets = np.geomspace(max(solved.min() / 1.2, 0.5), max(solved.max() * 1.2, 10 * solved.min()), POINTS)
    axes = _shares((budgets, data_profile(costs, budgets)), looks)
    axes.set(xlabel=MEASURE, ylabel=of, title=title)
    return finished(axes, looks)


def _shares(curves: tuple[NDArray[np.float64], NDArray[np.float64]], looks: Sequence[Look]) -> Axes:
    horizontal, shares = curves
    axes = new_axes()
    for look, row in zip(looks, shares, strict=True):
        axes.plot(horizontal, 100 * row, drawstyle="steps-post", **look.style())
    axes.set(xscale="log", xlim=(horizontal[0], horizontal[-1]), ylim=(-1, 101))
    return axes
