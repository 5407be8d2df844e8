"""How often the host waits for the device in a step: as often as a decision needs a number, and no more.

Records declare no bound (`host_syncs=None`), since a line search decides how often it looks. What can be said is said
here: one wait for each trial of a search, which reads value and slope together, and a number of waits a step besides.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from optbench.testing.audit_oracle import AuditOracle
from optbench.testing.audit_runs import AuditedStep, audit_optimizer

BESIDES = {  # waits a step, beyond one an evaluation
    "gradient-descent": 0,  # value and the gradient's size, at each point
    'gradient-descent(line_search="strong-wolfe")': 1,  # slope and the gradient's size
    "cg": 1,
    'cg(line_search="hager-zhang")': 1,
    "lbfgs": 1,
    "bfgs": 2,  # also the products of the update
}
FIRST = 2  # waits of a run that no later step has: the value at the start, the first update
READS = {"item", "copy"}  # of scalars


@pytest.fixture
def audited(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], tuple[list[AuditedStep], int]]:
    """Return a function that audits a variant: its steps, and the evaluations that it asked for in all of them."""
    real, asked = AuditOracle._audited, [0]

    @contextlib.contextmanager
    def counted(self: AuditOracle) -> Iterator[None]:
        asked[0] += 1
        with real(self):
            yield

    monkeypatch.setattr(AuditOracle, "_audited", counted)

    def audit(variant: Any) -> tuple[list[AuditedStep], int]:
        asked[0] = 0
        audit_optimizer.cache_clear()
        return audit_optimizer(variant.subject), asked[0]

    return audit


@pytest.mark.parametrize("text", BESIDES)
def test_each_trial_waits_once_and_each_step_as_often_as_it_must(text: str, audited: Any, variants: Any) -> None:
    steps, evaluations = audited(variants[text])
    waits = sum(len(step.syncs) for step in steps)
    problems = len({step.problem for step in steps})
    assert waits <= evaluations + BESIDES[text] * len(steps) + FIRST * problems
    assert {sync.operation for step in steps for sync in step.syncs} <= READS
