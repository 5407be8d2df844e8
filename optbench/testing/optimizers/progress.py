"""Checks that a method does its work: it descends, in both precisions, in one dimension, and through what is no number."""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import fmean
from typing import Any

import torch
from torch import Tensor

from optbench.measure.oracle import Place
from optbench.records import Status
from optbench.testing.framework import Check, CheckFailed, Subject, require
from optbench.testing.trials import Trial, limited, place, run
from optbench.testing.workloads import Quadratic, Wrapped, missing_need, needs_quadratic, workload

_EVALUATIONS = 200
_SEEDS = 5  # of a method that draws random numbers


def check_decreases(subject: Subject) -> None:
    """Run on a quadratic whose eigenvalues lie in [0.1, 1]."""
    _require_descent(subject, torch.float64, 10)


def check_one_parameter(subject: Subject) -> None:
    """Run on a parabola."""
    _require_descent(subject, torch.float64, 1)


def _require_descent(subject: Subject, dtype: torch.dtype, size: int) -> None:
    """Compare f at the start with f at the scored point, its mean over seeds for a method that draws."""
    seeds = 1 if subject.record.deterministic else _SEEDS
    first, last = [], []
    for seed in range(seeds):
        where = place(seed=seed, dtype=dtype)
        problem = workload(subject, where, size=size)
        trial = run(subject, problem, where, limited(evaluations=_EVALUATIONS))
        first.append(float(problem.value(problem.start(where.streams).parameters)))
        last.append(float(problem.value(trial.end)))
    fell = fmean(last) < fmean(first) if all(map(math.isfinite, last)) else False
    what = f"{'the mean of f over 5 seeds' if seeds > 1 else 'f'} after {trial.ledger.evaluations} evaluations"
    number = "a parabola of one parameter" if size == 1 else f"a quadratic of {size} parameters"
    ended = f"; the trial ended with {trial.outcome.status} ({trial.outcome.reason})"
    require(fell, f"{what} on {number} is {fmean(last):.6g}, at the start it was {fmean(first):.6g}{ended}")


# ---- what is no number


class _Poisoned(Wrapped):
    """From the evaluation number `after` on, every result is `poison`."""

    def __init__(self, problem: Any, poison: float, after: int) -> None:
        super().__init__(problem)
        self._poison, self._left = poison, after

    def asked(self, kind: str) -> None:
        self._left -= 1

    def returned(self, kind: str, result: Any) -> Any:
        if self._left >= 0:
            return result
        if isinstance(result, tuple):
            return tuple(torch.full_like(part, self._poison) for part in result)
        return torch.full_like(result, self._poison)


def check_survives(subject: Subject) -> None:
    """Let every evaluation become NaN, or infinite, at once or after a few."""
    for poison in (math.nan, math.inf):
        for after in (0, 1, 5):
            where = place()
            clean = workload(subject, where)
            spoilt = f"every evaluation is {poison}" if after == 0 else f"evaluations become {poison} after {after}"
            try:
                trial = run(
                    subject, _Poisoned(clean, poison, after), where, limited(evaluations=_EVALUATIONS, steps=_EVALUATIONS)
                )
            except Exception as error:
                from optbench.testing.blame import described

                raise CheckFailed(f"where {spoilt} it raised {described(error, subject)}") from error
            _require_honest_end(trial, spoilt, started_clean=after > 0)


def _require_honest_end(trial: Trial, spoilt: str, *, started_clean: bool) -> None:
    ended = f"the trial ended with {trial.outcome.status} ({trial.outcome.reason})"
    if trial.outcome.status is Status.DIVERGED:
        return
    require(bool(torch.isfinite(trial.end).all()), f"where {spoilt}, {ended} at a point that is not finite")
    said = trial.outcome.reason == "converged" and not started_clean
    require(not said, f"where {spoilt}, it says that it converged")


# ---- precision


def check_precisions(subject: Subject) -> None:
    """Descend in float32 and float64; look at the published points, the state and the results of every operation."""
    for dtype in (torch.float32, torch.float64):
        _require_descent(subject, dtype, 10)
    from optbench.testing.optimizers.upcasting import first_upcast

    where = place(dtype=torch.float32)
    wide = first_upcast(subject, where)
    require(not wide, f"in a float32 trial {wide}")


def check_published(subject: Subject) -> None:
    """Look at each published point and at the state, in both precisions."""
    for dtype in (torch.float32, torch.float64):
        where = place(dtype=dtype)
        problem = workload(subject, where)
        run(subject, problem, where, limited(evaluations=60), watcher=_Contract(problem.size, where))


class _Contract:
    """Holds each published point and each state to their contract."""

    _WORDS = (None, "converged", "stalled", "unbounded")

    def __init__(self, size: int, where: Place) -> None:
        self.points: list[Tensor] = []
        self._size, self._place = size, where
