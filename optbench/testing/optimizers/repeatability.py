"""Checks that a method draws its random numbers from the trial's streams."""

from __future__ import annotations

import math
from contextlib import suppress

from torch import Tensor

from optbench.api import Refused
from optbench.records import TIME_COLUMNS
from optbench.testing.framework import CheckFailed, Subject
from optbench.testing.needs import needs_quadratic
from optbench.testing.trials import Trial, limited, place, run
from optbench.testing.workloads import small_net, workload

_BUDGET = limited(evaluations=60, steps=40)
_OF_A_NET = {"value", "gradient", "hessian_vector", "hessian", "line_minimum", "gauss_newton_vector"}


def check_repeats(subject: Subject) -> None:
    """Run twice under one seed, on the workload and on minibatches."""
    first, second = _trials(subject, seed=3), _trials(subject, seed=3)
    for name, trial in first.items():
        difference = first_difference(trial, second[name])
        if difference:
            raise CheckFailed(f"two runs under one seed on {name} differ: {difference}; draw from oracle.streams alone")


def check_seeds(subject: Subject) -> None:
    """Run under two seeds on a problem that has no randomness of its own."""
    one, other = (run(subject, workload(subject, here), here, _BUDGET) for here in (place(seed=1), place(seed=2)))
    difference = first_difference(one, other)
    drawn = subject.record.depends_on_seed(subject.options)
    if not drawn and difference:
        raise CheckFailed(f"declared deterministic, and yet seeds 1 and 2 differ: {difference}")
    if drawn and not difference:
        raise CheckFailed("declared with deterministic=False, and yet seeds 1 and 2 give the same run, bit for bit")


def _trials(subject: Subject, seed: int) -> dict[str, Trial]:
    """Return a run on the workload, and one on minibatches where they offer what is declared."""
    here = place(seed=seed)
    trials = {}
    if not needs_quadratic(subject):
        trials["a quadratic"] = run(subject, workload(subject, here), here, _BUDGET)
    if subject.declared - subject.record.optional <= _OF_A_NET:
        with suppress(*_refusals(subject)):
            trials["minibatches"] = run(subject, small_net(here), here, _BUDGET)
    return trials


def _refusals(subject: Subject) -> tuple[type[Refused], ...]:
    """Return what may be raised on the net: an option may want an optional evaluation, which the net doesn't offer."""
    return () if subject.declared <= _OF_A_NET else (Refused,)


def first_difference(one: Trial, other: Trial) -> str:
    """Return where two trials part, in words; empty where event logs (but for times) and points are equal bitwise."""
    for name in one.trace.columns:
        if name not in TIME_COLUMNS:
            a, b = one.trace[name], other.trace[name]
            row = next((row for row, pair in enumerate(zip(a, b, strict=False)) if _differ(*pair)), None)
            if row is not None:
                return f"at evaluation {row + 1} the {name.replace('_', ' ')} is {a[row]!r} and {b[row]!r}"
    for step, (first, second) in enumerate(zip(one.points, other.points, strict=False)):
        if _bytes(first) != _bytes(second):
            return f"the points after step {step + 1} differ by {float((first - second).abs().max()):.3g}"
    if len(one.points) != len(other.points):
        return f"one takes {len(one.points)} steps, the other {len(other.points)}"
    return ""


def _differ(a: float, b: float) -> bool:
    return a != b and not (math.isnan(a) and math.isnan(b))


def _bytes(tensor: Tensor) -> bytes:
    content: bytes = tensor.numpy().tobytes()
    return content
