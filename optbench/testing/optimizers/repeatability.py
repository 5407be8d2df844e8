"""Checks that a method draws its random numbers from the trial's streams, and leaves the process as it found it."""

from __future__ import annotations

import os
import random
import warnings
from collections.abc import Hashable
from itertools import count
from typing import Any

import numpy as np
import torch

from optbench.measure.oracle import Place
from optbench.records import TIME_COLUMNS
from optbench.testing.blame import where
from optbench.testing.framework import CheckFailed, Subject
from optbench.testing.trials import Trial, limited, place, run
from optbench.testing.tripwire import line_of_change
from optbench.testing.workloads import needs_quadratic, small_net, workload

_BUDGET = limited(evaluations=60, steps=40)
_SHORT = limited(evaluations=6, steps=3)


def check_repeats(subject: Subject) -> None:
    """Run twice under one seed, on the workload and on minibatches."""
    for name, trial in _trials(subject, seed=3).items():
        difference = first_difference(trial, _trials(subject, seed=3)[name])
        if difference:
            raise CheckFailed(f"two runs under one seed on {name} differ: {difference}; draw from oracle.streams alone")


def check_seeds(subject: Subject) -> None:
    """Run under two seeds on a problem that has no randomness of its own."""
    one, other = (run(subject, workload(subject, here), here, _BUDGET) for here in (place(seed=1), place(seed=2)))
    difference = first_difference(one, other)
    if subject.record.deterministic and difference:
        raise CheckFailed(f"declared deterministic, and yet seeds 1 and 2 differ: {difference}")
    if not subject.record.deterministic and not difference:
        raise CheckFailed("declared with deterministic=False, and yet seeds 1 and 2 give the same run, bit for bit")


def _trials(subject: Subject, seed: int) -> dict[str, Trial]:
    here = place(seed=seed)
    trials = {"a quadratic": run(subject, workload(subject, here), here, _BUDGET)} if not needs_quadratic(subject) else {}
    if not subject.declared - {"value", "gradient", "hessian_vector", "hessian", "line_minimum"}:
        trials["minibatches"] = run(subject, small_net(here), here, _BUDGET)
    return trials


def first_difference(one: Trial, other: Trial) -> str:
    """Return where two trials part, in words; empty where event logs (but for times) and points are equal bitwise."""
    columns = [name for name in one.trace.columns if name not in TIME_COLUMNS]
    for row, pair in enumerate(zip(*(zip(*(trial.trace[name] for name in columns)) for trial in (one, other)))):
        for name, a, b in zip(columns, *pair, strict=True):
            if a != b and not (a != a and b != b):
                return f"at evaluation {row + 1} the {name.replace('_', ' ')} is {a!r} and {b!r}"
    for step, (a, b) in enumerate(zip(one.points, other.points, strict=False)):
        if not torch.equal(a, b):
            return f"the points after step {step + 1} differ by {float((a - b).abs().max()):.3g}"
    if len(one.points) != len(other.points):
        return f"one takes {len(one.points)} steps, the other {len(other.points)}"
    return ""


# ---- the process


def check_random_state(subject: Subject) -> None:
    """Compare the global generators of torch, numpy and Python before and after a trial."""
    _require_unchanged(subject, _generators, "the global random generator of {}: draw from oracle.streams(purpose)")


def check_settings(subject: Subject) -> None:
    """Compare settings of the process before and after a trial."""
    _require_unchanged(subject, _settings, "a setting of the whole process: {}")


def _require_unchanged(subject: Subject, look: Any, told: str) -> None:
    before = look()
    here = place()
    problem = workload(subject, here)
    run(subject, problem, here, _BUDGET)
    after = look()
    changed = [name for name in before if before[name] != after[name]]
    if changed:
        again = lambda: run(subject, problem, here, _SHORT)  # noqa: E731
        stack = line_of_change(again, lambda: tuple(look().values()))
        raise CheckFailed(f"it changes {told.format(' and '.join(changed))}{where(stack, subject)}")


def _generators() -> dict[str, Hashable]:
    name, keys, position, *_ = np.random.get_state(legacy=True)  # noqa: NPY002 -- the global one is looked at
    return {
        "torch": torch.get_rng_state().numpy().tobytes(),
        "numpy": (keys.tobytes(), position),
        "Python's random": random.getstate(),
    }


def _settings() -> dict[str, Hashable]:
    return {
        "torch's default dtype": torch.get_default_dtype(),
        "torch's grad mode": torch.is_grad_enabled(),
        "torch's threads": torch.get_num_threads(),
        "torch's deterministic algorithms": torch.are_deterministic_algorithms_enabled(),
        "torch's matmul precision": torch.get_float32_matmul_precision(),
        "numpy's error handling": tuple(np.geterr().items()),
        "the working directory": os.getcwd(),
        "the environment": tuple(os.environ.items()),
        "warnings' filters": len(warnings.filters),
    }
