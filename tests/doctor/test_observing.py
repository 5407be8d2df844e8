from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import pytest

from optbench.doctor import Instruments, diagnose, observe, read_setting, real_instruments
from optbench.doctor.observing import Process, Resolution, _others, resolution
from optbench.doctor.setting import Card, Gpus, burdens, look_at, read_gpus
from optbench.runner.machine import Machine, Processors

NOWHERE = Machine(Path("/no/such/root"))


class Kernel:
    """Work by which the clocks move: so many seconds a run, a part of them on the processor."""

    def __init__(self, seconds: float, on_cpu: float = 1.0) -> None:
        self.seconds, self.on_cpu = seconds, on_cpu
        self.runs = 0

    def __call__(self) -> None:
        self.runs += 1

    def instruments(self, machine=NOWHERE, **others) -> Instruments:
        return Instruments(
            work=self,
            machine=machine,
            clock=lambda: self.runs * self.seconds,
            cpu_clock=lambda: self.runs * self.seconds * self.on_cpu,
            own_cpu=lambda: self.runs * self.seconds * self.on_cpu,
            **{"others": dict, "preemptions": lambda: 0, "load": lambda: 1.5} | others,
        )


def watch(instruments, setting, seconds=2.0):
    return observe(instruments, setting, seconds, lambda _: None)


def test_the_kernel_runs_all_the_time_in_slices_of_half_a_second(setting):
    seen = watch(Kernel(0.0625).instruments(), setting)
    assert [len(part) for part in seen.slices] == [8, 8, 8, 8]
    assert {seconds for part in seen.slices for seconds in part} == {0.0625}
    assert seen.seconds == 2.0


def test_a_first_run_is_not_timed(setting):
    kernel = Kernel(0.25)
    seen = watch(kernel.instruments(), setting)
    assert kernel.runs == 1 + sum(map(len, seen.slices))
    assert seen.before.clock == 0.25


def test_a_slice_has_runs_enough_for_a_reading_however_slow_they_are(setting):
    assert [len(part) for part in watch(Kernel(1.0).instruments(), setting).slices] == [5]


def test_processor_time_is_that_of_the_slices(setting):
    seen = watch(Kernel(0.0625, on_cpu=0.75).instruments(), setting)
    assert (seen.running, seen.on_cpu) == (2.0, 1.5)


def test_the_cpu_clock_a_system_call_is_read_at_the_ends_of_a_slice_only(setting):
    calls = []
    kernel = Kernel(0.0625)
    instruments = replace(kernel.instruments(), cpu_clock=lambda: calls.append(kernel.runs) or 0.0)
    watch(instruments, setting)
    assert [runs for runs in calls if runs] == [1, 9, 9, 17, 17, 25, 25, 33]


def test_the_share_of_the_time_that_has_passed_is_told(setting):
    told = []
    observe(Kernel(0.125).instruments(), setting, 2.0, told.append)
    assert told == [0.0, 0.3125, 0.625, 0.9375]


def test_counters_are_read_before_and_after(tree, setting):
    rounds = itertools.count()

    def others():
        """Return another process; from the second reading on the system tells other counts."""
        busy = next(rounds)
        tree({"proc/vmstat": f"pswpin {busy}\npswpout 0", "proc/stat": f"cpu {100 * busy} 0 0 0 0 0 0 0 0 0"})
        return {9: Process("make", float(busy))}

    others()
    machine = Machine(tree({"proc/loadavg": "0 0 0 3/9 9", "proc/meminfo": "MemAvailable: 1 kB"}))
    counts = iter((5, 8))
    seen = watch(Kernel(0.25).instruments(machine, others=others, preemptions=lambda: next(counts)), setting)
    assert (seen.before.others[9].seconds, seen.after.others[9].seconds) == (1.0, 2.0)
    assert (seen.before.preemptions, seen.after.preemptions) == (5, 8)
    assert (seen.before.pages_swapped, seen.after.pages_swapped) == (0, 1)
    assert isinstance(seen.after.processors, Processors)
    assert (seen.load, seen.memory_free, set(seen.runnable)) == (1.5, 1024, {3})


def test_the_frequency_is_that_of_the_fastest_processor(tree, setting):
    folder = "sys/devices/system/cpu/cpu{}/cpufreq"
    machine = Machine(
        tree(
            {f"{folder}/scaling_cur_freq".format(index): str(1000 * (index + 1)) for index in range(2)}
            | {f"{folder}/cpuinfo_max_freq".format(index): "3000" for index in range(2)}
        )
    )
    assert set(watch(Kernel(0.25).instruments(machine), setting).frequencies) == {(2e6, 3e6)}


def test_a_machine_that_tells_nothing_is_judged_by_the_kernel_alone(setting):
    levels = {line.name: line.level for line in diagnose(watch(Kernel(0.125).instruments(), setting)).lines}
    assert {levels[name] for name in ("load", "throttling", "swap", "memory")} == {"unknown"}
    assert (levels["waiting"], levels["reference kernel"]) == ("good", "good")


def test_a_clocks_resolution_is_its_smallest_step_and_its_cost_the_usual_one():
    steps = itertools.chain([0.0, 0.5, 0.5, 9.0], itertools.count(10.0))
    assert resolution(lambda: next(steps)) == Resolution(0.5, 1.0)
    assert resolution(lambda: 1.0) == Resolution(float("inf"), 0.0)


def test_this_process_is_not_among_the_others():
    import os

    others = _others()
    assert os.getpid() not in others
    assert all(process.seconds >= 0 for process in others.values())


ANSWERS = {
    "--query-gpu=name,persistence_mode,utilization.gpu": "NVIDIA A, B, Enabled, 37\nNVIDIA C, Disabled, [N/A]\n",
    "--query-compute-apps=process_name,pid": "/usr/bin/python, 41\n",
}


def test_gpus_are_read_from_the_driver():
    cards = (Card("NVIDIA A, B", True, 0.37), Card("NVIDIA C", False, None))
    assert read_gpus(ANSWERS.get, usable=2) == Gpus(2, cards, ("python (41)",))
    assert read_gpus(lambda *_: None, usable=1) == Gpus(1, (), ())


def test_a_folder_that_is_not_there_yet_is_judged_by_the_one_above(tmp_path):
    place = look_at(tmp_path / "a" / "b", "remedy")
    assert (place.path, place.writable, place.remedy) == (tmp_path / "a" / "b", True, "remedy")
    assert place.free > 0
    assert not (tmp_path / "a").exists()


def test_a_file_in_the_way_of_a_folder_makes_it_not_writable(tmp_path):
    (tmp_path / "a").write_text("")
    assert not look_at(tmp_path / "a" / "b", "").writable


@pytest.mark.parametrize(("value", "told"), [("debug", ("PYTHONMALLOC=debug",)), ("pymalloc", ())])
def test_an_allocator_that_checks_itself_is_a_burden(monkeypatch, value, told):
    monkeypatch.setattr("sys.gettrace", lambda: None)
    assert burdens({"PYTHONMALLOC": value}) == told


def test_a_tracer_is_a_burden(monkeypatch):
    monkeypatch.setattr("sys.gettrace", lambda: print)
    monkeypatch.setattr("tracemalloc.is_tracing", lambda: True)
    assert burdens({}) == ("a trace function (debugger, coverage)", "tracemalloc")


def test_this_machine_can_be_read(tmp_path):
    found = read_setting({tmp_path: ""}, Machine(), {})
    assert 1 <= found.processors <= found.all_processors
    assert found.pools["torch"] >= 1
    assert [place.path for place in found.places] == [tmp_path]
    instruments = real_instruments(Machine())
    assert instruments.work() == instruments.work()
