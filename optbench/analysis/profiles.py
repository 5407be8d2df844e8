"""Profiles: how many problems each solver solves at a cost, relative to the best solver or in absolute terms.

Costs have the shape (…, solvers, problems): `inf` where a solver failed, `nan` where it was not run. Shares are over
the problems that a solver was run on; a solver that was run on none has the share nan. Leading axes are tables of
their own: tolerances, as `convergence_costs` gives them, or resamples.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def reference_values(
    histories: Sequence[Sequence[ArrayLike]], declared: ArrayLike | None = None
) -> NDArray[np.float64]:
    """Return the value f_L to measure accuracy by on each problem, shape (problems,).

    It is the declared minimum where `declared`, shape (problems,), is a number, else the smallest value that any of
    the solvers found. The latter is "best in this set" and must be called so: it moves when a solver is added, and
    then nobody's accuracy is known. `inf` where no value is known at all.
    """
    best = np.array([min(map(_smallest, runs), default=np.inf) for runs in zip(*histories, strict=True)], dtype=float)
    if declared is None:
        return best
    known = np.asarray(declared, dtype=float)
    return np.where(np.isnan(known), best, known)


def convergence_costs(
    histories: Sequence[Sequence[ArrayLike]],
    start_values: ArrayLike,
    tolerances: ArrayLike,
    declared: ArrayLike | None = None,
) -> NDArray[np.float64]:
    """Return the evaluations until the convergence test of Moré and Wild, shape (tolerances, solvers, problems).

    A solver passes it at tolerance τ with its first value f such that f(x₀) − f ≥ (1 − τ)(f(x₀) − f_L), where f_L is
    that of `reference_values`: J. J. Moré and S. M. Wild, Benchmarking derivative-free optimization algorithms, 2009,
    (2.2). It is tested as f ≤ f_L + τ(f(x₀) − f_L), which loses no digits at a small τ.

    Args:
        histories: Of each solver, of each problem, the values in the order of evaluation; nan is a failed evaluation.
            An empty history was not run.
        start_values: f(x₀), shape (problems,).
        tolerances: Shape (tolerances,), such as 1e-1, 1e-3, 1e-5, 1e-7.
        declared: Minima, shape (problems,), nan where unknown.

    >>> convergence_costs([[[8, 4, 1, 0]], [[8, 2]]], [8], [0.5, 0.1]).tolist()
    [[[2.0], [2.0]], [[4.0], [inf]]]
    """
    best, start = reference_values(histories, declared), np.asarray(start_values, dtype=float)
    with np.errstate(invalid="ignore"):  # no value known: inf − inf, which no value passes
        targets = best + np.asarray(tolerances, dtype=float)[:, None] * (start - best)
    table = [[_first_at(run, levels) for run, levels in zip(runs, targets.T, strict=True)] for runs in histories]
    return np.moveaxis(np.array(table).reshape(len(histories), start.size, targets.shape[0]), -1, 0)


def cost_ratios(costs: ArrayLike) -> NDArray[np.float64]:
    """Return each cost over the smallest one on its problem: `inf` where unsolved, `nan` where not run."""
    table = np.asarray(costs, dtype=float)
    best = np.fmin.reduce(table, axis=-2, initial=np.inf, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratios = np.where(table == best, 1.0, table / best)
    ratios = np.where(np.isinf(table), np.inf, ratios)
    return np.where(np.isnan(table), np.nan, ratios)


def performance_profile(costs: ArrayLike, factors: ArrayLike) -> NDArray[np.float64]:
    """Return the share of problems that each solver solves within `factor` times the best cost on the problem.

    Shape (…, solvers, factors). E. D. Dolan and J. J. Moré, Benchmarking optimization software with performance
    profiles, 2002. The order of solvers other than the best may change when a solver is removed (N. Gould and
    J. Scott, 2016).

    >>> performance_profile([[10, 40, np.inf], [20, 10, np.inf]], [1, 2, 4]).round(2).tolist()
    [[0.33, 0.33, 0.67], [0.33, 0.67, 0.67]]
    """
    return solved_shares(cost_ratios(costs), factors)


def data_profile(costs: ArrayLike, budgets: ArrayLike, sizes: ArrayLike | None = None) -> NDArray[np.float64]:
    """Return the share of problems that each solver solves within each of `budgets`.

    Shape (…, solvers, budgets). With `sizes`, the number of parameters n of each problem, costs are in units of n + 1
    evaluations, a simplex gradient, as in J. J. Moré and S. M. Wild, Benchmarking derivative-free optimization
    algorithms, 2009; without, they are absolute.
    """
    table = np.asarray(costs, dtype=float)
    if sizes is not None:
        table = table / (np.asarray(sizes, dtype=float) + 1)
    return solved_shares(table, budgets)


def solved_shares(costs: NDArray[np.float64], levels: ArrayLike) -> NDArray[np.float64]:
    """Return the share of the last axis's costs, nan left out, that are at most each level: shape (…, levels)."""
    limits = np.asarray(levels, dtype=float)
    solved = np.isfinite(costs)[..., None] & (costs[..., None] <= limits * (1 + 1e-12))
    run = np.count_nonzero(~np.isnan(costs), axis=-1)[..., None]
    with np.errstate(invalid="ignore"):
        shares: NDArray[np.float64] = np.count_nonzero(solved, axis=-2) / np.where(run, run, np.nan)
    return shares


def _smallest(history: ArrayLike) -> float:
    return float(np.fmin.reduce(np.asarray(history, dtype=float), initial=np.inf))


def _first_at(history: ArrayLike, levels: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return which value of the history, from 1, is the first at most each level; nan if the history is empty."""
    values = np.asarray(history, dtype=float)
    if not values.size:
        return np.full(levels.shape, np.nan)
    passed = values[:, None] <= levels
    return np.where(passed.any(axis=0), passed.argmax(axis=0) + 1.0, np.inf)
