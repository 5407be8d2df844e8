"""The three passes of a trial through factories, as a child runs them, and what makes a trace repeatable."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

from optbench.api import FunctionProblem, Point, Recipe, Refused
from optbench.api.streams import SeededStreams
from optbench.measure.event_log import EventLog, read_heartbeat, read_log
from optbench.measure.snapshots import SnapshotSpool, read_points, read_rows
from optbench.measure.trial import metrics_pass, time_pass
from optbench.records import (
    EVENT_COLUMNS,
    SNAPSHOT_COLUMNS,
    TIME_COLUMNS,
    Budget,
    Component,
    Job,
    Status,
    TrialSpec,
)
from tests.measure.fakes import Bowl, Descent, NoisyBowl


@pytest.fixture
def fakes() -> Iterator[str]:
    """A module with factories, as a plugin would have."""
    module = ModuleType("optbench_fakes")
    made: Any = module
    made.bowl = lambda device, dtype, streams, n=3: Bowl(n)
    made.noisy = lambda device, dtype, streams: NoisyBowl()
    made.rosenbrock = lambda device, dtype, streams: FunctionProblem(
        size=2,
        start_point=[-1.2, 1.0],
        value=lambda x: 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2,
        gradient=lambda x: [-400 * x[0] * (x[1] - x[0] ** 2) - 2 * (1 - x[0]), 200 * (x[1] - x[0] ** 2)],
        f_star=0.0,
        f_star_source="exact",
        numpy=True,
    )
    made.descent = Descent
    made.norm = lambda: lambda problem, point: float(point.parameters.norm())
    made.halves = lambda: (
        lambda problem, point: {
            "first": float(point.parameters[0]),
            "rest": float(point.parameters[1:].norm()),
        }
    )
    made.refusing = lambda: refuse
    sys.modules[module.__name__] = module
    yield module.__name__
    del sys.modules[module.__name__]


def refuse(problem: Any, point: Any) -> float:
    message = "it does not apply"
    raise Refused(message)


def job(fakes: str, problem: str, optimizer: str, folder: Path | str = "", **changes: Any) -> Job:
    budget = changes.pop("budget", Budget(evaluations=20))
    options = changes.pop("options", {})
    spec = TrialSpec(
        problem=Component(name=f"fakes/{problem}"), optimizer=Component(name="fakes/x", options=options), budget=budget
    )
    factory = optimizer if ":" in optimizer else f"{fakes}:{optimizer}"
    return Job(
        spec=dataclasses.replace(spec, **changes.pop("spec", {})),
        pass_="time",
        problem_factory=f"{fakes}:{problem}",
        optimizer_factory=factory,
        folder=str(folder),
        **changes,
    )


def test_a_torch_optimizer_needs_no_adapter_and_takes_the_same_steps_as_torch(fakes: str, tmp_path: Path) -> None:
    record = time_pass(job(fakes, "bowl", "torch.optim:SGD", tmp_path, options={"lr": 0.25, "momentum": 0.5}))

    x = torch.arange(1.0, 4.0, dtype=torch.float64, requires_grad=True)
    plain = torch.optim.SGD([x], lr=0.25, momentum=0.5)
    values = []
    for _ in range(20):
        plain.zero_grad()
        loss = 0.5 * (x * x).sum()
        loss.backward()
        values.append(float(loss.detach()))
        plain.step()

    assert list(read_log(tmp_path / "events")["value"]) == values
    assert (record.status, record.counts["gradient"], record.counts["value"]) == (Status.BUDGET, 20, 0)


def test_torch_lbfgs_runs_through_its_closure(fakes: str, tmp_path: Path) -> None:
    record = time_pass(
        job(fakes, "rosenbrock", "torch.optim:LBFGS", tmp_path, options={"line_search_fn": "strong_wolfe"})
    )

    assert min(read_log(tmp_path / "events")["value"]) < 24.2
    assert record.f0 == pytest.approx(24.2)


def test_the_same_seed_gives_bitwise_the_same_trace_but_for_the_time_columns(fakes: str, tmp_path: Path) -> None:
    traces = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        time_pass(job(fakes, "noisy", "descent", tmp_path / name))
        traces.append(read_log(tmp_path / name / "events"))

    kept = [column for column in traces[0].columns if column not in TIME_COLUMNS]
    assert len(traces[0]) == 20
    assert all(traces[0][column].tobytes() == traces[1][column].tobytes() for column in kept)


def test_another_seed_draws_other_minibatches(fakes: str, tmp_path: Path) -> None:
    values = []
    for seed in (0, 1):
        (tmp_path / str(seed)).mkdir()
        time_pass(job(fakes, "noisy", "descent", tmp_path / str(seed), spec={"seed": seed}))
        values.append(list(read_log(tmp_path / str(seed) / "events")["value"]))

    assert values[0] != values[1]


def test_metrics_are_evaluated_at_the_snapshots_of_the_scored_point(fakes: str, tmp_path: Path) -> None:
    running = job(
        fakes, "bowl", "descent", tmp_path, metric_factories={"norm": (f"{fakes}:norm", {})}, budget=Budget(steps=8)
    )
    time_pass(running)

    record, trace = metrics_pass(running)

    expected = [14.0**0.5 * 0.5 ** max(step - 1, 0) for step in trace["step"]]
    assert list(trace["norm"]) == pytest.approx(expected)
    assert record.metrics["f"] == pytest.approx(7.0 * 0.25**7)


def test_a_metric_by_part_has_a_column_for_each_and_one_that_is_refused_has_none(fakes: str, tmp_path: Path) -> None:
    factories = {name: (f"{fakes}:{name}", {}) for name in ("halves", "refusing")}
    running = job(fakes, "bowl", "descent", tmp_path, metric_factories=factories, budget=Budget(steps=8))
    time_pass(running)

    record, trace = metrics_pass(running)

    assert [name for name in trace.columns if "halves" in name or "refusing" in name] == ["halves.first", "halves.rest"]
    total = [first**2 + rest**2 for first, rest in zip(trace["halves.first"], trace["halves.rest"], strict=True)]
    assert total == pytest.approx([2 * value for value in trace["f"]])
    assert record.metrics["halves.first"] == trace["halves.first"][-1]


def test_a_log_that_is_full_keeps_improvements_and_says_that_it_is_not_complete(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "events", capacity=10)

    for event in range(500):
        log.append((0.0,) * 9 + (-1.0 if event == 321 else float(event), 0.0, 0.0, 0.0, 0.0))
    log.beat(0.0, 0.0)
    trace = read_log(tmp_path / "events")

    assert not trace.complete
    assert -1.0 in trace["value"]
    assert len(trace) < 500


def test_the_parent_reads_the_heartbeat_while_the_child_runs(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "events", capacity=10)
    log.append((0.0,) * len(EVENT_COLUMNS))
    log.beat(3.5, 17.0)

    beat = read_heartbeat(tmp_path / "events")

    assert beat is not None
    assert (beat.rows, beat.seconds, beat.resumed_at) == (1, 3.5, 17.0)
    assert read_heartbeat(tmp_path / "nothing") is None


def test_a_full_spool_thins_and_keeps_the_first_and_the_last_point(tmp_path: Path) -> None:
    spool = SnapshotSpool(tmp_path / "snapshots", 8, most=4)

    for step in range(9):
        spool.take(
            (0.0, float(step), *([0.0] * (len(SNAPSHOT_COLUMNS) - 2))),
            Point(parameters=torch.tensor([float(step)], dtype=torch.float64)),
            last=step == 8,
        )
    rows = read_rows(tmp_path / "snapshots")
    points = read_points(tmp_path / "snapshots", device=torch.device("cpu"), dtype=torch.float64, layouts={})
    kept = [float(point.parameters[0]) for point in points if point is not None]

    assert kept == list(rows["step"])
    assert (kept[0], kept[-1]) == (0.0, 8.0)
    assert len(kept) <= 4


def test_streams_are_keyed_by_purpose_and_name() -> None:
    streams = SeededStreams(7)

    def draw(*key: str) -> list[float]:
        return torch.rand(3, generator=streams(*key)).tolist()

    assert draw("weights", "a") == draw("weights", "a")
    assert draw("weights", "a") != draw("weights", "b")
    assert draw("weights", "a") != draw("batches", "a")


def test_a_meta_algorithm_changes_the_recipe_before_anything_runs(fakes: str, tmp_path: Path) -> None:
    class Halving:
        def __call__(self, recipe: Recipe, streams: Any) -> Recipe:
            stage = dataclasses.replace(recipe.stages[0], share=0.5)
            return Recipe(stages=(stage, stage))

    sys.modules[fakes].halving = Halving  # type: ignore[attr-defined]  # a fake module
    running = job(fakes, "bowl", "descent", tmp_path, meta_factories=(f"{fakes}:halving",))
    running = dataclasses.replace(
        running, spec=dataclasses.replace(running.spec, meta_algorithms=(Component(name="fakes/halving"),))
    )

    record = time_pass(running)

    assert [counts["gradient"] for counts in record.stage_counts] == [10, 10]
