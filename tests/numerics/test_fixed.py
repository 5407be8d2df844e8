"""The fixed step: one evaluation, nothing tested."""

from __future__ import annotations

import math

import pytest

from optbench.numerics.fixed import Fixed
from tests.numerics.lines import MORE_THUENTE, Phi, line, wall


@pytest.mark.parametrize("phi", MORE_THUENTE.values(), ids=MORE_THUENTE)
@pytest.mark.parametrize("first", [1e-6, 1.0, 1e6])
def test_it_takes_its_step_wherever_that_leads_by_one_evaluation(phi: Phi, first: float) -> None:
    found = Fixed(step=0.3).search(line(phi), first)
    assert (found.outcome, found.evaluations) == ("accepted", 1)
    assert (found.trial.step, found.trial.value, found.trial.slope) == (0.3, *phi(0.3))


def test_a_step_to_where_f_is_not_a_number_is_taken() -> None:
    found = Fixed(step=2.0).search(line(wall), 0.1)
    assert (found.outcome, found.trial.step, found.trial.value) == ("accepted", 2.0, math.inf)


def test_minus_infinity_is_unbounded() -> None:
    where = line(lambda step: (-math.inf if step else 0.0, -1.0))
    assert Fixed().search(where, 1.0).outcome == "unbounded"
