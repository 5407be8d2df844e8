"""What a suite asks of stored results is worked out anew, without running anything."""

from __future__ import annotations

from typing import Any

import pytest

from optbench.runner.scoring import Asked, rescored


def test_a_stored_result_answers_targets_that_it_was_not_measured_for(run: Any) -> None:
    run("descent", asked=Asked(("relative:1e-01",)))
    (record,) = run("descent", asked=Asked(("relative:1e-01", "relative:1e-02", "relative:1e-09")))

    assert run.session.ran == 0
    assert record.evaluations_to_target == {"relative:1e-01": 3.0, "relative:1e-02": 5.0, "relative:1e-09": None}
    assert record.seconds_to_target["relative:1e-02"] > record.seconds_to_target["relative:1e-01"] > 0.0


def test_costs_have_the_weights_of_the_suite_that_asks(run: Any) -> None:
    (plain,) = run("descent")
    (weighted,) = run("descent", asked=Asked(("relative:1e-01",), {"gradient": 2.5, "value": 1.0}))

    assert (plain.weighted_cost, plain.weighted_cost_to_target) == (None, None)
    assert weighted.weighted_cost == pytest.approx(6 * 2.5)
    assert weighted.weighted_cost_to_target == {"relative:1e-01": pytest.approx(3 * 2.5)}


def test_what_was_never_run_lists_every_target_without_a_cost(run: Any) -> None:
    (record,) = run("descent", device="cuda:7", asked=Asked(("relative:1e-01",), {"value": 1.0}))

    assert record.evaluations_to_target == record.weighted_cost_to_target == {"relative:1e-01": None}
    assert record.weighted_cost is None


def test_what_never_began_has_every_target_unreached(run: Any) -> None:
    (record,) = run("raises", asked=Asked(("relative:1e-01", "f<=1"), {"value": 1.0}))

    assert record.evaluations_to_target == {"relative:1e-01": None, "f<=1": None}
    assert record.weighted_cost_to_target == {"relative:1e-01": None, "f<=1": None}


def test_a_record_without_a_trace_reaches_nothing(run: Any) -> None:
    (record,) = run("descent")
    asked = Asked(("relative:1e-02",))

    assert rescored(record, asked).evaluations_to_target == {"relative:1e-02": None}
    assert rescored(record, asked).f_best == record.f_best is not None
    assert rescored(record, Asked(("relative:1e-01",))) is record
