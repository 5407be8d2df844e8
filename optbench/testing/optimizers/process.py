"""Checks that a method leaves the process as it found it."""

from __future__ import annotations

from collections.abc import Callable

from optbench.records import Budget
from optbench.testing.framework import Subject
from optbench.testing.process_state import SETTINGS, require_unchanged, require_untouched
from optbench.testing.trials import limited, place, run
from optbench.testing.workloads import workload

_BUDGET = limited(evaluations=60, steps=40)
_SHORT = limited(evaluations=6, steps=3)


def check_random_state(subject: Subject) -> None:
    """Compare the global generators of torch, numpy and Python before and after a trial."""
    require_untouched(subject, _use(subject, _BUDGET), again=_use(subject, _SHORT))


def check_settings(subject: Subject) -> None:
    """Compare settings of the process before and after a trial."""
    told = "it changes a setting of the whole process, {}"
    require_unchanged(subject, SETTINGS, told, _use(subject, _BUDGET), again=_use(subject, _SHORT))


def _use(subject: Subject, budget: Budget) -> Callable[[], object]:
    here = place()
    problem = workload(subject, here)
    return lambda: run(subject, problem, here, budget)
