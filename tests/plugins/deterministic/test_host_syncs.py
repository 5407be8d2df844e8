"""How often the host waits for the device in a step: as often as each record declares, and no more.

The conformance kit holds each record to its declaration step by step, and here all variants of its options are; and
the declaration is held to be tight: one wait more in each step breaks it.
"""

from __future__ import annotations

from functools import lru_cache
from types import SimpleNamespace
from typing import Any

import pytest

from optbench.testing.audit_runs import AuditedStep, audit_optimizer
from optbench.testing.devices_behaviour import check_host_syncs
from optbench.testing.framework import CheckFailed

LOOSE = {"coordinate-descent": "only optimizers on blocks wait three times an evaluation; otherwise see below"}
STEPS = 12  # of coordinate descent, which waits alike in all but the last: what happens every ten is among them


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


def test_each_optimizer_declares_how_often_it_waits(method: Any) -> None:
    assert method.subject.record.host_syncs is not None


def test_one_wait_more_a_step_than_declared_is_caught(method: Any) -> None:
    if method.name in LOOSE:
        pytest.skip(f"one more is within the bound: {LOOSE[method.name]}")
    with pytest.raises(CheckFailed, match=r"declares host_syncs=\d.* waited \d times: .*item at"):
        check_host_syncs(Planted(method.subject))


@pytest.mark.slow
def test_it_waits_as_often_as_declared_whatever_the_options(variant: Any) -> None:
    check_host_syncs(variant.subject)


@lru_cache
def audited_descent(blocks: str, order: str, build_variant: Any) -> list[AuditedStep]:
    return audit_optimizer(build_variant(f'coordinate-descent(blocks="{blocks}", order="{order}")').subject, STEPS)


def spare(step: AuditedStep) -> int:
    """Return how many waits a step has left of one a sweep and one an evaluation."""
    return 1 + step.work["evaluation"] - len(step.syncs)


@pytest.mark.parametrize("blocks", ["single", "groups(sizes=[3])", "alternating"])
def test_coordinate_descent_waits_once_a_sweep_and_once_an_evaluation(blocks: str, build_variant: Any) -> None:
    subject = build_variant(f'coordinate-descent(blocks="{blocks}")').subject
    audited = audited_descent(blocks, subject.options["order"], build_variant)
    assert min(map(spare, audited)) == 0
    assert min(map(spare, audit_optimizer(Planted(subject), STEPS))) == -1
    assert {step.problem for step in audited} > {"a Lasso", "a product of factors"}


@pytest.mark.parametrize("order", ["cyclic", "random", "greedy"])
@pytest.mark.parametrize("blocks", ["single", "groups(sizes=[3])", "alternating"])
def test_a_sweep_over_a_panel_waits_once_for_all_of_its_turns(blocks: str, order: str, build_variant: Any) -> None:
    """Besides, a sweep waits once to see whether it is the end, and once for the value where it ends."""
    audited = audited_descent(blocks, order, build_variant)
    for problem, panels in (("a Lasso", 1), ("a product of factors", 2)):
        later = [len(step.syncs) for step in audited if step.problem == problem and step.number > 1]
        assert max(later) == 2 + panels
