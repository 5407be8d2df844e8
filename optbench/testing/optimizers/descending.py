"""Checks that a method descends: in many dimensions, in one, and through what is no number."""

from __future__ import annotations

import math
from statistics import fmean
from typing import Any

import torch

from optbench.records import Status
from optbench.testing.blame import described
from optbench.testing.framework import CheckFailed, Subject, require
from optbench.testing.trials import Trial, limited, place, run
from optbench.testing.workloads import Wrapped, workload

_EVALUATIONS = 200
_SEEDS = 5  # of a method that draws random numbers


def check_decreases(subject: Subject) -> None:
    """Run on a quadratic whose eigenvalues lie in [0.1, 1]."""
    require_descent(subject, torch.float64, 10)


def check_one_parameter(subject: Subject) -> None:
    """Run on a parabola."""
    require_descent(subject, torch.float64, 1)


def require_descent(subject: Subject, dtype: torch.dtype, size: int) -> None:
    """Compare f at the start with f at the scored point, its mean over seeds for a method that draws."""
    seeds = _SEEDS if subject.record.depends_on_seed(subject.options) else 1
    first, last = [], []
    for seed in range(seeds):
        where = place(seed=seed, dtype=dtype)
        problem = workload(subject, where, size=size)
        trial = run(subject, problem, where, limited(evaluations=_EVALUATIONS))
        first.append(float(problem.value(problem.start(where.streams).parameters)))
        last.append(float(problem.value(trial.end)))
    averaged = f"f, its mean over {seeds} seeds," if seeds > 1 else "f"
    dimension = "a parabola of one parameter" if size == 1 else f"a quadratic of {size} parameters"
    require(
        fmean(last) < fmean(first),  # also False for what is no number
        f"{averaged} on {dimension} is {fmean(last):.6g} after {trial.ledger.evaluations} evaluations in "
        f"{str(dtype).removeprefix('torch.')}; at the start it was {fmean(first):.6g}; the trial {_ended(trial)}",
    )


class Poisoned(Wrapped):
    """A problem whose every result is `poison` once it was asked `after` times."""

    def __init__(self, problem: Any, poison: float, after: int) -> None:
        """Keep what to return, and when."""
        super().__init__(problem)
        self._poison, self._left = poison, after

    def asked(self, kind: str) -> None:
        """Count down."""
        self._left -= 1

    def returned(self, kind: str, result: Any) -> Any:
        """Spoil the result once the count is down."""
        if self._left >= 0:
            return result
        if isinstance(result, tuple):
            return tuple(self.returned(kind, part) for part in result)
        return torch.full_like(result, self._poison)


def check_survives(subject: Subject) -> None:
    """Let every result become NaN or infinite, at once or after a few."""
    for poison in (math.nan, math.inf):
        for after in (0, 1, 5):
            told = f"where every result is {poison}" + (f" from number {after + 1} on" if after else "")
            where = place()
            problem = Poisoned(workload(subject, where), poison, after)
            try:
                trial = run(subject, problem, where, limited(evaluations=_EVALUATIONS, steps=_EVALUATIONS))
            except Exception as error:
                raise CheckFailed(f"{told} it raised {described(error, subject)}") from error
            _require_honest_end(trial, told, poisoned_at_once=after == 0)


def _require_honest_end(trial: Trial, told: str, *, poisoned_at_once: bool) -> None:
    if trial.outcome.status is Status.DIVERGED:
        return
    require(torch.isfinite(trial.end).all(), f"{told} the trial {_ended(trial)} at a point that is not finite")
    wrong = poisoned_at_once and trial.outcome.reason == "converged"
    require(not wrong, f"{told} the method says that it converged")


def _ended(trial: Trial) -> str:
    return f"ended with {trial.outcome.status} ({trial.outcome.reason})"
