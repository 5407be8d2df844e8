"""A time pass notes what went on around its loop; load, clock and reference kernel are injected."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
import torch

from optbench.measure.calibration import calibrate
from optbench.measure.meters import CpuMeter, make_meter
from optbench.measure.reliability import doubts, kinds
from optbench.measure.surroundings import Surroundings
from optbench.measure.trial import time_pass
from optbench.records import Budget, Component, Job, TrialRecord, TrialSpec
from tests.measure.fakes import Bowl, Descent, Tick


class Recording(Descent):
    """Notes each `init` and `step`, also of the copies that warm up."""

    seen: list[tuple[str, int]] = []  # noqa: RUF012 -- shared on purpose

    def init(self, oracle: Any, start: Any) -> Any:
        self.seen.append(("init", id(self)))
        return super().init(oracle, start)

    def step(self, oracle: Any, state: Any) -> Any:
        self.seen.append(("step", id(self)))
        return super().step(oracle, state)


@pytest.fixture
def plugin() -> Iterator[Any]:
    module: Any = ModuleType("optbench_conditions")
    Recording.seen = []
    module.bowl = lambda device, dtype, streams: Bowl(3)
    module.descent = Recording
    sys.modules[module.__name__] = module
    yield module
    del sys.modules[module.__name__]


def job(*, steps: int = 50, **options: Any) -> Job:
    spec = TrialSpec(
        problem=Component(name="x/bowl"), optimizer=Component(name="x/descent"), budget=Budget(steps=steps)
    )
    return Job(
        spec=spec,
        pass_="time",
        problem_factory="optbench_conditions:bowl",
        optimizer_factory="optbench_conditions:descent",
        **options,
    )


class Around:
    """A reference kernel, load and waiting that change as told between the two looks, ten seconds apart."""

    def __init__(self, *, reference: tuple[float, float] = (1.0, 1.0), load: float = 1.0, waited: float = 0.0) -> None:
        kernel, delays, clock = iter(reference), iter((3.0, 3.0 + waited)), iter((50.0, 60.0))
        self.surroundings = Surroundings(
            reference=lambda: next(kernel),
            load=lambda: load,
            cores=lambda: 2,
            waited=lambda: next(delays),
            clock=lambda: next(clock),
        )


def measure(around: Around, *, busy: float = 1.0, seconds: float = 2.0) -> TrialRecord:
    """Run 50 steps of `seconds` in all on a fake clock, whose CPU share is `busy`; doubts are added as a run does."""
    wall, cpu = Tick(), Tick()

    class Meter(CpuMeter):
        now = staticmethod(lambda: wall.time)

    class Slow(Recording):
        def step(self, oracle: Any, state: Any) -> Any:
            wall.time += seconds / 50
            cpu.time += busy * seconds / 50
            return super().step(oracle, state)

    sys.modules["optbench_conditions"].descent = Slow  # type: ignore[attr-defined]  # a fake module
    return time_pass(job(warm_up=False), meter=Meter(), cpu_clock=lambda: cpu.time, around=around.surroundings)


def judged(record: TrialRecord) -> set[str]:
    conditions = {**record.conditions, "reference_baseline": 1.0, "bias": 1e-6, "harness": 1e-5}
    return kinds(doubts(dataclasses.replace(record, conditions=conditions)))


@pytest.mark.usefixtures("plugin")
class TestInjected:
    def test_a_calm_machine_is_believed(self):
        record = measure(Around())

        assert record.seconds == pytest.approx(2.0)
        assert judged(record) == set()

    def test_load_is_noticed(self):
        assert judged(measure(Around(load=7.0))) == {"load"}

    def test_a_process_that_is_kept_from_running_is_noticed(self):
        assert judged(measure(Around(waited=1.5))) == {"load"}
        assert judged(measure(Around(waited=0.5))) == set()

    def test_one_that_waits_of_its_own_will_is_not(self):
        assert judged(measure(Around(), busy=0.3)) == set()

    def test_a_machine_that_slows_down_during_the_loop_is_noticed(self):
        assert judged(measure(Around(reference=(1.0, 1.2)))) == {"drift"}

    def test_steps_as_short_as_the_harnesss_bias_are_noticed(self):
        assert judged(measure(Around(), seconds=50 * 5e-6)) == {"overhead"}


def test_two_steps_run_beforehand_on_parts_of_their_own(plugin: Any):
    record = time_pass(job(steps=3))

    kinds_seen = [what for what, _ in Recording.seen]
    assert kinds_seen == ["init", "step", "step", "init", "step", "step", "step"]
    assert record.counts["steps"] == 3
    assert record.conditions["warm"] == 1.0


def test_a_warm_up_that_fails_leaves_the_telling_to_the_trial(plugin: Any):
    class Raises(Descent):
        def step(self, oracle: Any, state: Any) -> Any:
            message = "no good"
            raise ValueError(message)

    plugin.descent = Raises

    with pytest.raises(ValueError, match="no good"):
        time_pass(job())


def test_a_job_may_run_cold(plugin: Any):
    record = time_pass(job(steps=3, warm_up=False))

    assert [what for what, _ in Recording.seen] == ["init", "step", "step", "step"]
    assert record.conditions["warm"] == 0.0


def test_a_plugins_meter_is_taken_and_the_engines_own_otherwise(plugin: Any):
    class Own(CpuMeter):
        pass

    plugin.make = lambda device: Own() if device == "cpu" else None
    plugin.not_one = lambda device: object()

    cpu = torch.device("cpu")
    assert isinstance(make_meter(cpu, ["optbench_conditions:make"]), Own)
    assert type(make_meter(cpu)) is CpuMeter
    with pytest.raises(TypeError, match="lacks a method"):
        make_meter(cpu, ["optbench_conditions:not_one"])


def test_the_calibration_tells_what_the_harness_adds_and_what_stays_on_the_clock():
    overhead = calibrate(steps=50, repetitions=2)

    assert 0 <= overhead.bias <= overhead.harness
    assert overhead.bare > 0


def test_the_cuda_meter_waits_for_its_device_and_turns_events_milliseconds_into_seconds(monkeypatch: Any):
    calls: list[Any] = []

    class Event:
        def __init__(self, *, enable_timing: bool) -> None:
            assert enable_timing

        def record(self, stream: str) -> None:
            calls.append(("record", stream))

        def elapsed_time(self, later: Any) -> float:
            return 250.0

    fakes = {
        "synchronize": lambda device: calls.append(("synchronize", device)),
        "current_stream": lambda device: f"stream of {device}",
        "Event": Event,
        "reset_peak_memory_stats": lambda device: calls.append(("reset", device)),
        "memory_allocated": lambda device: 1000,
        "max_memory_allocated": lambda device: 5000,
    }
    for name, fake in fakes.items():
        monkeypatch.setattr(torch.cuda, name, fake)
    device = torch.device("cuda:1")
    meter: Any = make_meter(device)

    meter.sync()
    first, second = meter.mark(), meter.mark()
    meter.reset_peak()

    assert calls == [("synchronize", device), *[("record", "stream of cuda:1")] * 2, ("reset", device)]
    assert meter.between(first, second) == 0.25
    assert meter.peak_bytes() == 4000
