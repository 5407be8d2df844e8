"""How often the host waits for the device in a step: as often as each record declares, and no more.

A record is held to its declaration step by step, with all variants of its options; and the declaration is held to be
tight: one wait more in each step breaks it.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from optbench.testing.audit_runs import AuditedStep, audit_optimizer
from optbench.testing.devices_behaviour import check_host_syncs
from optbench.testing.framework import CheckFailed

BOUNDLESS = {"coordinate-descent": "an evaluation and one a sweep, where the problem states no panels"}


class Planted:
    """A subject whose optimizer waits once more a step, the last thing that it does."""

    def __init__(self, subject: Any) -> None:
        self._subject = subject

    def __getattr__(self, name: str) -> Any:
        return getattr(self._subject, name)

    def optimizer(self) -> Any:
        inner = self._subject.optimizer()

        def step(oracle: Any, state: Any) -> Any:
            state = inner.step(oracle, state)
            state.point.sum().item()
            return state

        return SimpleNamespace(init=inner.init, step=step)


def test_each_optimizer_declares_how_often_it_waits_or_stands_in_the_list_of_those_that_can_not(method: Any) -> None:
    assert (method.subject.record.host_syncs is None) == (method.name in BOUNDLESS)


def test_it_waits_as_often_as_declared_and_one_wait_more_a_step_is_caught(method: Any) -> None:
    if method.name in BOUNDLESS:
        pytest.skip(f"it declares no bound: {BOUNDLESS[method.name]}")
    check_host_syncs(method.subject)
    with pytest.raises(CheckFailed, match=r"declares host_syncs=\d.* waited \d times: .*item at"):
        check_host_syncs(Planted(method.subject))


@pytest.mark.slow
def test_it_waits_as_often_as_declared_whatever_the_options(variant: Any) -> None:
    if variant.name in BOUNDLESS:
        pytest.skip(f"it declares no bound: {BOUNDLESS[variant.name]}")
    check_host_syncs(variant.subject)


def spare(step: AuditedStep) -> int:
    """Return how many waits a step has left of one a sweep and one an evaluation."""
    return 1 + step.work["evaluation"] - len(step.syncs)


@pytest.mark.parametrize("text", ["coordinate-descent", 'coordinate-descent(blocks="groups(sizes=[3])")'])
def test_coordinate_descent_waits_once_an_evaluation_where_there_are_no_panels(text: str, build_variant: Any) -> None:
    subject = build_variant(text).subject
    assert min(map(spare, audit_optimizer(subject))) == 0
    assert min(map(spare, audit_optimizer(Planted(subject)))) == -1
