"""Memory as a user gets it: measured in a child of its own, at both levels."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from optbench.records import Component, Status, TrialRecord, TrialSpec
from optbench.runner.session import merge
from tests.runner import conftest
from tests.runner.conftest import PLUGIN

HOARDERS = '''

class KeepsTensor(Descent):
    """Keeps 4 million numbers, 32 MB."""

    def init(self, oracle, start):
        state = super().init(oracle, start)
        state.kept = start.new_ones(4_000_000)
        return state


class KeepsArray:
    """The same in numpy, in a loop of its own."""

    def minimize(self, oracle, start, observe):
        import numpy

        kept = numpy.ones(4_000_000)
        point = start.clone()
        for _ in range(4):
            point = point - 0.25 * oracle.gradient(point)
            observe(point)
        return point


@hookimpl(specname="optbench_optimizers")
def more_optimizers():
    for name in ("KeepsTensor", "KeepsArray"):
        yield OptimizerPlugin(name=name.lower(), factory=f"{__name__}:{name}", summary=name, state_memory="O(1)")
'''


@pytest.fixture
def plugin(tmp_path: Path) -> Path:
    """The plugin's file, with the two that hoard."""
    path = tmp_path / "temper.py"
    path.write_text(PLUGIN + HOARDERS, encoding="utf-8")
    return path


def test_the_levels_agree_on_a_tensor_and_the_process_shows_what_no_tensor_does(run: Any) -> None:
    tensor, array = run("keepstensor", "keepsarray")

    assert tensor.state_bytes == 32_000_000
    assert tensor.peak_live_bytes == pytest.approx(32_000_000, rel=1e-4)
    assert tensor.peak_process_bytes == pytest.approx(32_000_000, rel=0.05)
    assert (array.state_bytes, array.peak_live_bytes) == (None, None)
    assert array.peak_process_bytes == pytest.approx(32_000_000, rel=0.05)
    assert array.memory_note == ""


def test_a_memory_pass_that_failed_says_why_and_what_it_measured_before_is_kept() -> None:
    """It takes thirty steps, where the trial may have ended after fewer."""
    trial = TrialRecord(spec=TrialSpec(problem=Component(name="x"), optimizer=Component(name="y")), status=Status.OK)
    failed = replace(trial, status=Status.ERROR, reason="RuntimeError", message="no storage (a.py:3)")
    diverged = replace(trial, status=Status.DIVERGED, reason="not finite", state_bytes=80, peak_live_bytes=800)

    assert merge(trial, failed).memory_note == "the memory pass ended as error: no storage (a.py:3)"
    assert merge(trial, diverged) == replace(
        trial, state_bytes=80, peak_live_bytes=800, memory_note="the memory pass ended as diverged: not finite"
    )
    assert merge(trial, None) == merge(trial, trial) == trial


def test_a_planner_may_ask_for_no_memory(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conftest._Plan, "is_measured", lambda _, spec: spec.optimizer.short != "descent", raising=False)
    measured, unmeasured = run("keepstensor", "descent")
    assert measured.state_bytes == 32_000_000
    assert (unmeasured.state_bytes, unmeasured.memory_note) == (None, "")
