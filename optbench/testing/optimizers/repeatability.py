"""Checks that a method draws its random numbers from the trial's streams, and leaves the process as it found it."""

from __future__ import annotations

import math
import os
import random
from collections.abc import Callable, Hashable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from optbench.records import TIME_COLUMNS
from optbench.testing.blame import where
from optbench.testing.framework import CheckFailed, Subject
from optbench.testing.needs import needs_quadratic
from optbench.testing.trials import Trial, limited, place, run
from optbench.testing.tripwire import line_of_change
from optbench.testing.workloads import small_net, workload

_BUDGET = limited(evaluations=60, steps=40)
_OF_A_NET = {"value", "gradient", "hessian_vector", "hessian", "line_minimum"}
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
    """Return a run on the workload, and one on minibatches where they offer what is declared."""
    here = place(seed=seed)
    trials = {}
    if not needs_quadratic(subject):
        trials["a quadratic"] = run(subject, workload(subject, here), here, _BUDGET)
    if subject.declared <= _OF_A_NET:
        trials["minibatches"] = run(subject, small_net(here), here, _BUDGET)
    return trials


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


# ---- the process


class Setting(NamedTuple):
    """Something of the whole process that a trial must leave as it is."""

    get: Callable[[], Hashable]
    put: Callable[[Any], object]


def check_random_state(subject: Subject) -> None:
    """Compare the global generators of torch, numpy and Python before and after a trial."""
    for seeded in (torch.manual_seed, np.random.seed, random.seed):  # so that seeding with a round number shows
        seeded(90127)
    changed = "the global random generator of {}: draw from oracle.streams(purpose)"
    _require_unchanged(subject, GENERATORS, changed)


def check_settings(subject: Subject) -> None:
    """Compare settings of the process before and after a trial."""
    _require_unchanged(subject, SETTINGS, "a setting of the whole process: {}")


def _require_unchanged(subject: Subject, settings: Mapping[str, Setting], told: str) -> None:
    before = {name: setting.get() for name, setting in settings.items()}
    here = place()
    problem = workload(subject, here)
    run(subject, problem, here, _BUDGET)
    changed = [name for name, setting in settings.items() if setting.get() != before[name]]
    if not changed:
        return
    setting, usual = settings[changed[0]], before[changed[0]]
    setting.put(usual)
    stack = line_of_change(lambda: run(subject, problem, here, _SHORT), setting.get)
    setting.put(usual)
    raise CheckFailed(f"it changes {told.format(' and '.join(changed))}{where(stack, subject)}")


def _numpy_state() -> Hashable:
    state: Any = np.random.get_state(legacy=True)  # noqa: NPY002 -- the global generator is what is looked at
    name, keys, *rest = state
    return (name, tuple(keys.tolist()), *rest)


GENERATORS: Mapping[str, Setting] = {
    "torch": Setting(
        lambda: torch.get_rng_state().numpy().tobytes(),
        lambda state: torch.set_rng_state(torch.frombuffer(bytearray(state), dtype=torch.uint8)),
    ),
    "numpy": Setting(_numpy_state, np.random.set_state),
    "Python's random": Setting(random.getstate, random.setstate),
}
SETTINGS: Mapping[str, Setting] = {
    "torch's default dtype": Setting(torch.get_default_dtype, torch.set_default_dtype),
    "torch's grad mode": Setting(torch.is_grad_enabled, torch.set_grad_enabled),
    "torch's threads": Setting(torch.get_num_threads, torch.set_num_threads),
    "torch's deterministic algorithms": Setting(
        torch.are_deterministic_algorithms_enabled, torch.use_deterministic_algorithms
    ),
    "torch's matmul precision": Setting(torch.get_float32_matmul_precision, torch.set_float32_matmul_precision),
    "numpy's error handling": Setting(lambda: tuple(np.geterr().items()), lambda items: np.seterr(**dict(items))),
    "the working directory": Setting(Path.cwd, os.chdir),
}
