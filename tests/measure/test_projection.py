"""Projected bytes are those of a real run, or there are none."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from optbench.api import Refused
from optbench.measure.factories import build
from optbench.measure.memory_pass import exact_level
from optbench.measure.projection import BUDGET, project
from optbench.records import Component, Job, TrialSpec
from tests.measure.fakes import Bowl, Descent


class Backtracking(Descent):
    """Halves its step, which the host decides, until f does not rise; keeps a matrix once f is below 1e8."""

    def init(self, oracle: Any, start: Tensor) -> Any:
        return SimpleNamespace(point=start.clone(), finished=None, matrix=None)

    def step(self, oracle: Any, state: Any) -> Any:
        value, gradient = oracle.value_and_gradient(state.point)
        step = 8.0
        while not oracle.value(state.point - step * gradient) <= value:
            step /= 2
        if state.matrix is None and value.item() < 1e8:
            state.matrix = state.point.new_ones(oracle.size, oracle.size)
        state.point = state.point - step * gradient
        return state


class CountsParameters(Descent):
    """Reads more numbers, the more parameters there are."""

    def step(self, oracle: Any, state: Any) -> Any:
        for block in state.point.split(64):
            float(block.sum())
        return super().step(oracle, state)


class ReadsAll(Descent):
    def step(self, oracle: Any, state: Any) -> Any:
        state.point.tolist()
        return super().step(oracle, state)


class PicksByValue(Descent):
    """Its memory depends on numbers, by a mask."""

    def step(self, oracle: Any, state: Any) -> Any:
        state.positive = state.point[state.point > 1.5]
        return super().step(oracle, state)


class Sparse(Descent):
    def init(self, oracle: Any, start: Tensor) -> Any:
        return SimpleNamespace(point=start.clone(), finished=None, diagonal=torch.diag(start).to_sparse())


class CountsByValue(Descent):
    """Keeps a row for each entry of the gradient above half of the largest: what it reads lines up at every size."""

    def step(self, oracle: Any, state: Any) -> Any:
        large = state.point.abs() > 0.5 * state.point.abs().max()
        state.rows = state.point.new_ones(int(large.sum()), 50)
        return super().step(oracle, state)


@pytest.fixture
def job(monkeypatch: pytest.MonkeyPatch) -> Callable[[type, int], Job]:
    """Return the job of an optimizer at a size, with rehearsals at 100 and 150."""
    fakes: Any = ModuleType("optbench_projection_fakes")
    fakes.bowl = lambda device, dtype, streams, n: Bowl(n)
    monkeypatch.setitem(sys.modules, fakes.__name__, fakes)

    def make(optimizer: type, n: int) -> Job:
        fakes.optimizer = optimizer
        problem = Component(name="fakes/bowl", options={"n": n})
        return Job(
            spec=TrialSpec(problem=problem, optimizer=Component(name="fakes/x")),
            pass_="projection",
            problem_factory="optbench_projection_fakes:bowl",
            optimizer_factory="optbench_projection_fakes:optimizer",
            rehearsals=({"n": 100}, {"n": 150}),
        )

    return make


@pytest.mark.parametrize("optimizer", [Descent, Backtracking])
def test_a_projection_equals_the_real_run_to_the_byte(job: Any, optimizer: type) -> None:
    small = job(optimizer, 300)

    projected, real = project(small), exact_level(small, build(small), BUDGET)

    assert real.peak_live_bytes
    figures = ("problem_bytes", "state_bytes", "peak_live_bytes", "transient_bytes")
    assert [getattr(projected, name) for name in figures] == [getattr(real, name) for name in figures]
    assert projected.size == 300


def test_a_matrix_that_no_machine_holds_is_counted(job: Any) -> None:
    record = project(job(Backtracking, 10**6))

    assert record.state_bytes == 8 * 10**12
    assert record.peak_live_bytes is not None
    assert record.peak_live_bytes > 8 * 10**12


@pytest.mark.parametrize(
    ("optimizer", "reason"),
    [
        (CountsParameters, "reads more of its tensors|of its tensors is __float__"),
        (ReadsAll, "is tolist, not tolist as at the small size|tolist"),
        (PicksByValue, "DynamicOutputShapeException"),
        (Sparse, "sparse tensors"),
    ],
)
def test_where_the_control_flow_depends_on_numbers_there_is_a_reason_and_no_figure(
    job: Any, optimizer: type, reason: str
) -> None:
    with pytest.raises(Refused, match=f"not projectable: .*({reason})"):
        project(job(optimizer, 10_000))


def test_bytes_that_follow_from_values_rather_than_the_size_are_not_projected(job: Any) -> None:
    with pytest.raises(Refused, match="state_bytes follows from values"):
        project(job(CountsByValue, 1200))


def test_a_small_run_that_fails_gives_no_figure(job: Any) -> None:
    class Diverges(Descent):
        def step(self, oracle: Any, state: Any) -> Any:
            state.point = oracle.gradient(state.point) * float("nan")
            return state

    with pytest.raises(Refused, match="the small run ended as diverged"):
        project(job(Diverges, 10_000))


def test_a_small_run_that_can_not_be_built_is_the_plugin_s_own_error(job: Any) -> None:
    with pytest.raises(TypeError, match="unexpected keyword"):
        project(replace(job(Descent, 1000), rehearsals=({"m": 1},)))


def test_modes_are_left_behind(job: Any) -> None:
    with pytest.raises(Refused):
        project(job(ReadsAll, 1000))

    assert float(torch.ones(3).sum()) == 3.0
