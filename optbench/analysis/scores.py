"""One number from a profile: the area under it. Exact integrals of the steps, not sums over a grid."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from optbench.analysis.profiles import cost_ratios

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def profile_area(costs: ArrayLike, largest: float, axis: Literal["linear", "log2"] = "linear") -> NDArray[np.float64]:
    """Return the area under each solver's performance profile from factor 1 to `largest`, over the axis's length.

    Shape (…, solvers), for costs of the shape (…, solvers, problems). 1 if a solver is the best on every problem, 0 if
    it solves none within `largest`; nan if it was run on none. On the linear axis it is the score of AlgoPerf
    (G. E. Dahl et al., Benchmarking neural network training algorithms, 2023, with largest = 4); on the
    axis log₂ that of OptiProfiler before it is divided by the best solver's. Like the profile, it depends on which
    solvers are in the set.

    Raises:
        ValueError: `largest` is not above 1.

    >>> profile_area([[1, 2, np.inf], [3, 1, np.inf]], 4).round(4).tolist()
    [0.5556, 0.4444]
    """
    if not largest > 1:
        raise ValueError(f"the largest factor must be above 1, not {largest}")
    ratios = cost_ratios(costs)
    if axis == "log2":
        return _mean_room(np.log2(ratios), 0.0, float(np.log2(largest)))
    return _mean_room(ratios, 1.0, largest)


def ecdf_area(runtimes: ArrayLike, first: float, last: float) -> NDArray[np.float64]:
    """Return the area under each solver's ECDF of runtimes over log budget from `first` to `last`, over its length.

    Shape (solvers,), for runtimes of the shape (solvers, …) as in `runtime_ecdf`. 1 if every target was reached by
    `first`, 0 if none was by `last`. Where all runtimes lie between, it is an affine function of the logarithm of
    their geometric mean: N. Hansen et al., COCO: performance assessment, 2016.

    Raises:
        ValueError: unless 0 < first < last.

    >>> ecdf_area([[10, 100, 1000, np.inf]], 10, 1000).tolist()
    [0.375]
    """
    if not 0 < first < last:
        raise ValueError(f"budgets must be positive and ascending, not {first} and {last}")
    table = np.asarray(runtimes, dtype=float)
    flat = table.reshape(len(table), int(np.prod(table.shape[1:])))
    with np.errstate(divide="ignore"):
        return _mean_room(np.log(flat), float(np.log(first)), float(np.log(last)))


def _mean_room(places: NDArray[np.float64], start: float, end: float) -> NDArray[np.float64]:
    """Return the mean over the last axis, nan left out, of the part of [start, end] that lies right of each place."""
    room = (end - np.clip(places, start, end)) / (end - start)
    run = ~np.isnan(places)
    count = np.count_nonzero(run, axis=-1)
    area: NDArray[np.float64] = np.sum(room, axis=-1, where=run) / np.where(count, count, np.nan)
    return area
