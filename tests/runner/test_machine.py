from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

from optbench.runner.container import Container
from optbench.runner.machine import Machine, Processors, _torch_blas, torch_modes

CPUS = "sys/devices/system/cpu"
NOWHERE = Machine(Path("/no/such/root"))


@pytest.fixture
def machine(tree):
    return lambda files: Machine(tree(files))


@pytest.mark.parametrize(
    ("fact", "files", "expected", "unreadable"),
    [
        (
            "governors",
            {
                f"{CPUS}/cpu{i}/cpufreq/scaling_governor": name
                for i, name in enumerate(("powersave", "performance") * 2)
            },
            ("performance", "powersave"),
            (),
        ),
        (
            "frequencies",
            {f"{CPUS}/cpu3/cpufreq/scaling_cur_freq": "800000", f"{CPUS}/cpu3/cpufreq/cpuinfo_max_freq": "3000000"},
            ((8e8, 3e9),),
            (),
        ),
        ("turbo", {f"{CPUS}/intel_pstate/no_turbo": "1"}, False, None),
        ("turbo", {f"{CPUS}/cpufreq/boost": "1"}, True, None),
        ("smt", {f"{CPUS}/smt/active": "0"}, False, None),
        ("hugepages", {"sys/kernel/mm/transparent_hugepage/enabled": "[always] madvise never"}, "always", None),
        ("isolated", {f"{CPUS}/isolated": "1-3,7"}, (1, 2, 3, 7), ()),
        (
            "throttles",
            {f"{CPUS}/cpu{i}/thermal_throttle/core_throttle_count": str(i) for i in range(4)},
            6,
            None,
        ),
        ("cpu", {"proc/cpuinfo": "processor : 0\nmodel name\t: A: B\n\nprocessor : 1\nmodel name : C"}, "A: B", None),
        ("runnable", {"proc/loadavg": "1.25 0.07 0.95 4/93 9691"}, 4, None),
        ("memory_free", {"proc/meminfo": "MemFree: 1 kB\nMemAvailable:   7 kB"}, 7168, None),
        ("swap_used", {"proc/meminfo": "SwapTotal: 9 kB\nSwapFree: 4 kB"}, 5120, None),
        ("swappiness", {"proc/sys/vm/swappiness": "60"}, 60, None),
        ("pages_swapped", {"proc/vmstat": "nr_free 3\npswpin 5\npswpout 6"}, 11, None),
        ("clock_source", {"sys/devices/system/clocksource/clocksource0/current_clocksource": "tsc"}, "tsc", None),
    ],
)
def test_each_fact_is_read_or_left_open(machine, fact, files, expected, unreadable):
    assert getattr(machine(files), fact)() == expected
    assert getattr(NOWHERE, fact)() == unreadable


def test_what_processors_did_is_told_in_seconds(machine):
    ticks = os.sysconf("SC_CLK_TCK")
    words = [count * ticks for count in (1, 2, 3, 10, 20, 4, 5, 6, 0, 0)]
    found = machine({"proc/stat": f"cpu  {' '.join(map(str, words))}\ncpu0 0"}).processors()
    assert found == Processors(busy=15.0, idle=30.0, stolen=6.0)
    assert NOWHERE.processors() is None


def test_a_frequency_that_the_kernel_does_not_know_is_left_open(machine):
    known = {f"{CPUS}/cpu0/cpufreq/cpuinfo_max_freq": "1000"}
    assert machine({**known, f"{CPUS}/cpu0/cpufreq/scaling_cur_freq": "<unknown>"}).frequencies() == ()


GROUPS = "sys/fs/cgroup"


@pytest.mark.parametrize(
    ("files", "quota", "limit", "throttled"),
    [
        ({}, None, None, None),
        # Version 2 as a container sees it: its own group is the root.
        (
            {
                f"{GROUPS}/cpu.max": "150000 100000",
                f"{GROUPS}/memory.max": "4096",
                f"{GROUPS}/cpu.stat": "nr_periods 9\nnr_throttled 3",
            },
            1.5,
            4096,
            3,
        ),
        # Version 2 on the host: a limit of any group above counts, the tightest most.
        (
            {
                "proc/self/cgroup": "0::/a/b",
                f"{GROUPS}/a/b/cpu.max": "max 100000",
                f"{GROUPS}/a/cpu.max": "50000 100000",
                f"{GROUPS}/a/b/memory.max": "8192",
                f"{GROUPS}/a/memory.max": "4096",
            },
            0.5,
            4096,
            None,
        ),
        # Version 1: "no limit" is -1 and the largest multiple of a page.
        (
            {
                "proc/self/cgroup": "4:memory:/job\n1:cpu,cpuacct:/job\n0::/",
                f"{GROUPS}/cpu/job/cpu.cfs_quota_us": "25000",
                f"{GROUPS}/cpu/job/cpu.cfs_period_us": "50000",
                f"{GROUPS}/cpu/cpu.cfs_quota_us": "-1",
                f"{GROUPS}/cpu/cpu.cfs_period_us": "100000",
                f"{GROUPS}/memory/job/memory.limit_in_bytes": "9223372036854771712",
                f"{GROUPS}/cpu/job/cpu.stat": "nr_throttled 7",
            },
            0.5,
            None,
            7,
        ),
        ({"proc/self/cgroup": "0::/gone", f"{GROUPS}/memory.max": "max"}, None, None, None),
    ],
)
def test_the_tightest_limit_of_the_control_groups_counts(tree, files, quota, limit, throttled):
    container = Container(tree(files))
    assert (container.cpu_quota(), container.memory_limit(), container.throttled_periods()) == (quota, limit, throttled)


def test_the_modes_are_those_of_this_process():
    deterministic = torch.are_deterministic_algorithms_enabled()
    before = torch_modes()
    torch.set_flush_denormal(True)
    torch.use_deterministic_algorithms(not deterministic, warn_only=True)
    try:
        after = torch_modes()
    finally:
        torch.set_flush_denormal(False)
        torch.use_deterministic_algorithms(deterministic, warn_only=True)
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"flush_denormal", "deterministic_algorithms"}
    assert before["threads"] == torch.get_num_threads()
    assert before["float32_matmul_precision"] == torch.get_float32_matmul_precision()


def test_a_mode_that_torch_refuses_to_tell_is_left_open(monkeypatch):
    def refuse():
        raise RuntimeError("mix of the legacy and new APIs")

    monkeypatch.setattr(torch, "get_float32_matmul_precision", refuse)
    assert torch_modes()["float32_matmul_precision"] is None


@pytest.mark.parametrize(
    ("told", "blas"),
    [
        (
            "Math Kernel Library Version 2024.2-Product\n  - Build settings: BLAS_INFO=mkl, BUILD_TYPE",
            "mkl 2024.2",
        ),
        ("Build settings: BLAS_INFO=open, BUILD_TYPE=Release", "open"),
        ("nothing", None),
    ],
)
def test_torchs_blas_is_named_with_its_version_where_torch_tells_it(told, blas):
    assert _torch_blas(told) == blas
