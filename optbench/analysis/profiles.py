"""Profiles: how many problems each solver solves at a cost, relative to the best solver or in absolute terms.

Costs have the shape (solvers, problems): `inf` where a solver failed, `nan` where it was not run. Shares are over the
problems that a solver was run on; a solver that was run on none has the share nan.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def cost_ratios(costs: ArrayLike) -> NDArray[np.float64]:
    """Return each cost over the smallest one on its problem: `inf` where unsolved, `nan` where not run."""
    table = np.asarray(costs, dtype=float)
    best = np.fmin.reduce(table, axis=0, initial=np.inf)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratios = np.where(table == best, 1.0, table / best)
    ratios = np.where(np.isinf(table), np.inf, ratios)
    return np.where(np.isnan(table), np.nan, ratios)


def performance_profile(costs: ArrayLike, factors: ArrayLike) -> NDArray[np.float64]:
    """Return the share of problems that each solver solves within `factor` times the best cost on the problem.

    Shape (solvers, factors). E. D. Dolan and J. J. Moré, Benchmarking optimization software with performance profiles,
    2002. The order of solvers other than the best may change when a solver is removed (N. Gould and J. Scott, 2016).
    """
    return _shares(cost_ratios(costs), factors)


def data_profile(costs: ArrayLike, budgets: ArrayLike, sizes: ArrayLike | None = None) -> NDArray[np.float64]:
    """Return the share of problems that each solver solves within each of `budgets`.

    Shape (solvers, budgets). With `sizes`, the number of parameters n of each problem, costs are in units of n + 1
    evaluations, a simplex gradient, as in J. J. Moré and S. M. Wild, Benchmarking derivative-free optimization
    algorithms, 2009; without, they are absolute.
    """
    table = np.asarray(costs, dtype=float)
    if sizes is not None:
        table = table / (np.asarray(sizes, dtype=float) + 1)
    return _shares(table, budgets)


def _shares(costs: NDArray[np.float64], levels: ArrayLike) -> NDArray[np.float64]:
    limits = np.asarray(levels, dtype=float)
    solved = np.isfinite(costs)[:, :, None] & (costs[:, :, None] <= limits * (1 + 1e-12))
    run = np.count_nonzero(~np.isnan(costs), axis=1)[:, None]
    with np.errstate(invalid="ignore"):
        shares: NDArray[np.float64] = np.count_nonzero(solved, axis=1) / np.where(run, run, np.nan)
    return shares
