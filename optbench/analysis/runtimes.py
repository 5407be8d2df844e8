"""Runtimes to many targets, as COCO reads them.

A runtime is what a run has spent when it reaches a target: `inf` where it never does, `nan` where it was not run. All
here follows N. Hansen, A. Auger, D. Brockhoff, D. Tušar and T. Tušar, COCO: performance assessment, 2016,
arXiv:1605.03560.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from optbench.analysis.curves import best_so_far
from optbench.analysis.profiles import solved_shares

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def runtimes_to_targets(costs: ArrayLike, values: ArrayLike, targets: ArrayLike) -> NDArray[np.float64]:
    """Return the cost of the first row of a run whose value is at most each target, shape (targets,).

    Args:
        costs: Shape (rows,), ascending.
        values: Shape (rows,), nan where not evaluated; need not decrease. Without rows the run did not happen: nan.
        targets: Shape (targets,).

    >>> runtimes_to_targets([1, 2, 5], [9, 3, 4], [10, 3, 1]).tolist()
    [1.0, 2.0, inf]
    """
    spent, levels = np.asarray(costs, dtype=float), np.asarray(targets, dtype=float)
    if not spent.size:
        return np.full(levels.shape, np.nan)
    best = best_so_far(values)
    evaluated = ~np.isnan(best)  # all but the first rows
    spent, rising = spent[evaluated], -best[evaluated]  # ascending, as searchsorted wants it
    return np.append(spent, np.inf)[np.searchsorted(rising, -levels, side="left")]


def runtime_ecdf(runtimes: ArrayLike, budgets: ArrayLike) -> NDArray[np.float64]:
    """Return the share of (problem, target) pairs that each solver reaches within each of `budgets`.

    Shape (solvers, budgets). `runtimes` has the shape (solvers, …): problems, targets, runs and whatever else follows
    count alike, as in the empirical distribution functions of COCO. With one target a problem it is the
    data profile.

    >>> runtime_ecdf([[[10, np.inf], [20, 300]]], [10, 100, 1000]).tolist()
    [[0.25, 0.5, 0.75]]
    """
    table = np.asarray(runtimes, dtype=float)
    return solved_shares(table.reshape(len(table), int(np.prod(table.shape[1:]))), budgets)


def expected_running_time(runtimes: ArrayLike, lengths: ArrayLike) -> NDArray[np.float64]:
    """Return ERT, what all runs spent until success or their end over the number of successes.

    It estimates the expected runtime of restarting until a run succeeds: COCO's average runtime. Shape (…): the last
    axis is that of the runs.

    Args:
        runtimes: Shape (…, runs), `inf` where the target was not reached; nan runs are left out.
        lengths: What each run spent until its end, in a shape that broadcasts to that of `runtimes`; read only where
            the target was not reached.

    Returns:
        ERT; `inf` where no run succeeded, nan where there was none.

    >>> expected_running_time([[10, np.inf, 20], [np.inf, np.inf, np.inf]], 100).tolist()
    [65.0, inf]
    """
    table = np.asarray(runtimes, dtype=float)
    spent = np.where(np.isfinite(table), table, np.broadcast_to(np.asarray(lengths, dtype=float), table.shape))
    run = ~np.isnan(table)
    successes = np.count_nonzero(np.isfinite(table), axis=-1)
    total = np.sum(spent, axis=-1, where=run)
    result = np.where(successes > 0, total / np.maximum(successes, 1), np.inf)
    return np.where(run.any(axis=-1), result, np.nan)


def simulated_restarts(
    runtimes: ArrayLike, lengths: ArrayLike, generator: np.random.Generator, draws: int = 1000
) -> NDArray[np.float64]:
    """Return runtimes of an algorithm that restarts until success, simulated from the runs of one that does not.

    Runs are drawn with replacement until a successful one, and what they spent is added. The mean
    tends to `expected_running_time`. Shape (draws,): all `inf` if no run succeeded, all nan if there was none.

    Args:
        runtimes: Shape (runs,), `inf` where the target was not reached; nan runs are left out.
        lengths: What each run spent until its end, shape (runs,) or a number.
        generator: The only source of randomness.
        draws: How many.
    """
    table = np.asarray(runtimes, dtype=float)
    run, failed = ~np.isnan(table), np.isinf(table)
    if not np.any(run & ~failed):
        return np.full(draws, np.inf if run.any() else np.nan)
    spent = np.where(failed, np.broadcast_to(np.asarray(lengths, dtype=float), table.shape), table)[run]
    failed = failed[run]
    total, going = np.zeros(draws), np.arange(draws)
    while going.size:
        drawn = generator.integers(spent.size, size=going.size)
        total[going] += spent[drawn]
        going = going[failed[drawn]]
    return total
