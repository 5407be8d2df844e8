from __future__ import annotations

from pathlib import Path

import pytest

from optbench.doctor import diagnose, resources, timing
from optbench.doctor.observing import Process, Resolution
from optbench.doctor.setting import Card, Gpus, Place
from optbench.runner.machine import Processors

GIB = 2**30
STEADY = (1e-3,) * 10


def card(persistent=True, busy=0.0):
    return Card("H", persistent, busy)


def used(seconds):
    """Return the counters of processors after others used so many seconds."""
    return {"processors": Processors(busy=60.0 + seconds, idle=530.0 - seconds, stolen=5.0)}


def test_everything_is_good_on_a_good_machine(seen):
    assert {(line.level, line.advice) for line in diagnose(seen()).lines} == {("good", "")}


@pytest.mark.parametrize(
    ("check", "changes", "level", "told"),
    [
        # Others' use of 4 processors: 2.75 is the most that leaves one whole to a trial.
        (timing.load, {"after": used(2.0)}, "warning", "0.20 of 4"),
        (timing.load, {"after": used(27.0)}, "warning", "2.70 of 4"),
        (timing.load, {"after": used(28.0)}, "bad", "2.80 of 4"),
        (timing.load, {"after": used(28.0), "all_processors": 1}, "bad", "2.80 of 1"),
        (timing.load, {"after": {"processors": None}}, "unknown", "0.25"),
        (timing.waiting, {"on_cpu": 1.96}, "warning", "2.0 %"),
        (timing.waiting, {"on_cpu": 1.0}, "bad", "50.0 %"),
        (timing.waiting, {"after": {"processors": Processors(60.0, 529.6, 5.4)}}, "warning", "took 1.0 %"),
        (timing.waiting, {"after": {"processors": Processors(60.0, 528.0, 7.0)}}, "bad", "took 5.0 %"),
        (timing.frequency, {"governors": ("performance", "powersave")}, "warning", "performance and powersave"),
        (timing.frequency, {"turbo": True}, "warning", "turbo on"),
        (timing.frequency, {"frequencies": ((3e9, 3e9), (2e9, 3e9))}, "warning", "2.00–3.00 GHz"),
        (timing.frequency, {"governors": (), "turbo": None, "frequencies": ()}, "unknown", "virtual"),
        (timing.throttling, {"after": {"throttles": 4}}, "bad", "1 meanwhile, 4 since"),
        (timing.throttling, {"before": {"throttles": None}}, "unknown", "virtual"),
        (timing.hyperthreading, {"smt": True}, "warning", "share cores"),
        (timing.hyperthreading, {"smt": None}, "unknown", "not tell"),
        (timing.clocks, {"clock": Resolution(2e-6, 5e-8)}, "warning", "2 µs steps"),
        (timing.clocks, {"clock": Resolution(1e-3, 5e-8)}, "bad", "1 ms steps"),
        (timing.clocks, {"clock": Resolution(5e-8, 2e-6)}, "warning", "2 µs a reading"),
        (timing.clocks, {"cpu_clock": Resolution(float("inf"), 5e-8)}, "bad", "source tsc"),
        (timing.clocks, {"clock_source": "hpet"}, "warning", "hpet"),
        (timing.reference, {"slices": (STEADY, (1.12e-3,) * 10)}, "warning", "slowest half second 12.0 % slower"),
        (timing.reference, {"slices": (STEADY, (1.3e-3,) * 10)}, "bad", "slowest half second 30.0 % slower"),
        (timing.reference, {"slices": ((1e-3, 1.1e-3) * 5,) * 4}, "warning", "spread 9.5 %"),
        (timing.reference, {"slices": ((1e-3, 1.2e-3) * 5,) * 4}, "bad", "spread 18.2 %"),
        (timing.reference, {"slices": (STEADY * 9 + (1.12e-3,) * 10,)}, "warning", "10.0 % of the readings"),
        (timing.reference, {"slices": (STEADY * 3 + (1.5e-3,) * 10,)}, "bad", "25.0 % of the readings"),
        (resources.threads, {"processors": 1}, "warning", "1 of 4"),
        (resources.threads, {"pools": {"torch": 5}}, "warning", "torch 5"),
        (resources.threads, {"cpu_quota": 2.5}, "warning", "more than"),
        (resources.threads, {"variables": {"OMP_PROC_BIND": "true"}}, "warning", "OMP_PROC_BIND"),
        (resources.threads, {"variables": {"OMP_PROC_BIND": "FALSE"}}, "good", "4 of 4"),
        (resources.container, {"cpu_quota": 1.5}, "warning", "1.5 processors"),
        (resources.container, {"cpu_quota": 1.0}, "bad", "1 processors"),
        (resources.container, {"cpu_quota": 2.0, "memory_limit": 3 * GIB}, "good", "3.0 GiB"),
        (resources.container, {"after": {"throttled_periods": 3}}, "bad", "1 times"),
        (resources.swap, {"swap_used": GIB}, "warning", "1.00 GiB"),
        (resources.swap, {"after": {"pages_swapped": 12}}, "bad", "1 pages"),
        (resources.swap, {"swap_used": None}, "unknown", "not tell"),
        (resources.memory, {"memory_free": GIB}, "warning", "1.0 GiB"),
        (resources.memory, {"memory_limit": GIB // 4}, "bad", "0.2 GiB"),
        (resources.memory, {"memory_free": None}, "unknown", "not tell"),
        (resources.memory_counters, {"resets_peak": False}, "warning", "clear_refs"),
        (resources.memory_counters, {"sets_allocator": False}, "warning", "mallopt"),
        (resources.gpu, {"gpus": Gpus(1, (card(),))}, "good", "1 usable of H; busy 0 %"),
        (resources.gpu, {"gpus": Gpus(2)}, "good", "2 usable"),
        (resources.gpu, {"gpus": Gpus(0, (card(),))}, "warning", "0 usable"),
        (resources.gpu, {"gpus": Gpus(1, (card(persistent=False),))}, "warning", "persistence mode off"),
        (resources.gpu, {"gpus": Gpus(1, (card(),), ("job (7)",))}, "warning", "job (7)"),
        (resources.gpu, {"gpus": Gpus(1, (card(busy=0.5), card(busy=None)), ("job (7)",))}, "bad", "busy 50 %"),
        (resources.python, {"burdens": ("tracemalloc",)}, "bad", "tracemalloc"),
        (resources.folders, {"places": (Place(Path("/c"), False, 9 * GIB, "set it"),)}, "bad", "can't write /c"),
        (resources.folders, {"places": (Place(Path("/c"), True, GIB // 2, "set it"),)}, "warning", "0.5 GiB"),
    ],
)
def test_each_line_says_how_bad_what_was_seen_is_and_what_to_do(seen, check, changes, level, told):
    line = check(seen(**changes))
    assert line.level == level
    assert told in line.seen
    assert bool(line.advice) is (level in {"warning", "bad"})


def test_the_others_that_used_most_are_named(seen):
    others = {1: Process("init", 4.2), 8: Process("make", 5.0), 9: Process("cc1plus", 9.5)}
    assert timing.load(seen(after={**used(14.5), "others": others})).seen.endswith("cc1plus (9) 0.95, make (8) 0.50")


def test_threads_of_others_that_want_a_processor_are_counted_without_the_kernels_own(seen):
    assert "2.5 other threads want one" in timing.load(seen(runnable=(3, 4, 3, 4))).seen


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({}, "fit"),
        ({"turbo": True, "smt": None}, "fit"),
        ({"on_cpu": 1.0}, "fit for counts and memory, not for times"),
        ({"burdens": ("a debug build",)}, "fit for counts and memory, not for times"),
        ({"memory_free": 1}, "unfit"),
        ({"places": (Place(Path("/c"), False, 0, ""),), "on_cpu": 1.0}, "unfit"),
        ({"places": (Place(Path("/c"), True, 0, ""),)}, "fit"),
    ],
)
def test_the_verdict_follows_from_what_is_bad(seen, changes, verdict):
    diagnosis = diagnose(seen(**changes))
    assert diagnosis.verdict == verdict
    assert diagnosis.fit is (verdict == "fit")


def test_as_json_a_diagnosis_has_verdict_lines_and_the_references_times(seen):
    data = diagnose(seen(slices=((1e-3, 3e-3, 2e-3, 2e-3, 2e-3),))).to_json()
    assert data["verdict"] == "fit"
    assert data["lines"][0].keys() == {"name", "level", "seen", "advice"}
    reference = data["reference"]
    assert (reference["runs"], reference["least"], reference["median"], reference["worst"]) == (5, 1e-3, 2e-3, 1.5)
    assert reference["slices"] == ({"least": 1e-3, "median": 2e-3, "most": 3e-3},)
