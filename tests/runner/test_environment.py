from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from optbench.records import Environment
from optbench.runner.environment import Readers, capture, git_commit, git_date
from optbench.runner.machine import Machine

VERSIONS = {"torch": "2.13.0", "numpy": "2.4.6"}
READERS = Readers(
    variables={"OMP_NUM_THREADS": "2", "SECRET_TOKEN": "hunter2"},
    node=lambda: "host",
    system=lambda: "Linux-6",
    architecture=lambda: "x86_64",
    processor=lambda: "A processor",
    load=lambda: None,
    cores=lambda: 8,
    memory=lambda: 2**34,
    python=lambda: "3.11.7",
    version=VERSIONS.__getitem__,
    commit=lambda folder: f"commit of {folder.name}",
    committed=lambda folder: "2026-01-31T10:00:00+00:00",
    affinity=lambda: (0, 1),
    kernel=Machine(Path("/no/such/root")),
)
MODES = {"blas": "mkl 2024.2", "numpy_blas": "openblas 0.3", "threads": 1, "tf32_cudnn": None}
CPUS = "sys/devices/system/cpu"
SYSTEM = {
    "proc/loadavg": "0.26 1.00 2.00 3/93 9691",
    "proc/meminfo": "SwapTotal: 8 kB\nSwapFree: 6 kB",
    f"{CPUS}/cpu0/cpufreq/scaling_governor": "performance",
    f"{CPUS}/cpufreq/boost": "1",
    f"{CPUS}/smt/active": "1",
    f"{CPUS}/isolated": "1",
    "sys/kernel/mm/transparent_hugepage/enabled": "always [madvise] never",
    "sys/fs/cgroup/cpu.max": "50000 100000",
    "sys/fs/cgroup/memory.max": "1048576",
}


@pytest.fixture
def readers(tree):
    return replace(READERS, load=lambda: 0.26, kernel=Machine(tree(SYSTEM)))


def unreadable(*_):
    raise OSError("no such file")


def test_every_fact_comes_from_its_reader(readers):
    captured = capture(("torch", "numpy"), modes=MODES, folder=Path("/some/repo"), readers=readers)
    assert captured == Environment(
        machine="host",
        system="Linux-6",
        architecture="x86_64",
        cpu="A processor",
        cores=8,
        memory=2**34,
        python="3.11.7",
        libraries=VERSIONS,
        commit="commit of repo",
        committed="2026-01-31T10:00:00+00:00",
        load=0.26,
        runnable=3,
        swap_used=2048,
        governor="performance",
        turbo=True,
        smt=True,
        hugepages="madvise",
        isolated=(1,),
        affinity=(0, 1),
        cpu_quota=0.5,
        memory_limit=2**20,
        variables={"OMP_NUM_THREADS": "2"},
        modes=MODES,
    )


def test_the_machine_can_be_named_by_a_variable():
    named = replace(READERS, variables={"OPTBENCH_MACHINE": "bench-7"})
    assert capture((), readers=named).machine == "bench-7"


def test_nothing_of_the_environment_is_kept_but_thread_counts():
    assert "hunter2" not in str(capture((), readers=READERS).to_json())


@pytest.mark.parametrize(
    ("fact", "without"),
    [
        ("node", ("machine", "unknown")),
        ("processor", ("cpu", "unknown")),
        ("cores", ("cores", 0)),
        ("memory", ("memory", 0)),
        ("commit", ("commit", None)),
        ("committed", ("committed", None)),
        ("load", ("load", None)),
        ("affinity", ("affinity", ())),
    ],
)
def test_what_cannot_be_read_is_left_open(fact, without):
    name, value = without
    assert getattr(capture((), readers=replace(READERS, **{fact: unreadable})), name) == value


def test_what_the_system_does_not_tell_is_left_open():
    captured = capture((), readers=READERS)
    assert {captured.load, captured.runnable, captured.swap_used, captured.cpu_quota, captured.memory_limit} == {None}
    assert {captured.governor, captured.turbo, captured.smt, captured.hugepages, captured.isolated} == {None, ()}


def test_the_kernels_name_of_the_processor_comes_first(tree):
    kernel = Machine(tree({"proc/cpuinfo": "model name\t: Its full name"}))
    assert capture((), readers=replace(READERS, kernel=kernel)).cpu == "Its full name"


def test_a_library_that_is_not_installed_is_left_out():
    captured = capture(("numpy", "no-such-distribution"), readers=Readers(variables={}))
    assert list(captured.libraries) == ["numpy"]


def test_capturing_this_machine_round_trips_through_json():
    captured = capture(modes=MODES)
    assert Environment.from_json(captured.to_json()) == captured
    assert captured.cores > 0
    assert captured.memory > 2**20
    assert captured.libraries["torch"]


def test_an_environment_that_was_stored_before_facts_were_added_is_read(readers):
    added = ("runnable", "swap_used", "turbo", "smt", "hugepages", "isolated", "cpu_quota", "memory_limit", "modes")
    captured = capture((), readers=readers)
    old = {name: value for name, value in captured.to_json().items() if name not in added}
    read = Environment.from_json(old)
    assert (read.isolated, read.modes, read.turbo) == ((), {}, None)
    assert read.fingerprint == captured.fingerprint


def test_load_and_set_up_do_not_change_the_fingerprint(readers):
    assert capture((), readers=readers).fingerprint == capture((), readers=READERS).fingerprint


@pytest.mark.parametrize(
    ("mode", "value", "changes"),
    [
        ("blas", "open", True),
        ("numpy_blas", "mkl 2025.0", True),
        ("flush_denormal", True, True),
        ("threads", 8, False),
        ("pools", "openblas 8", False),
    ],
)
def test_modes_that_choose_other_kernels_change_the_fingerprint(mode, value, changes):
    before = capture((), modes=MODES, readers=READERS)
    after = capture((), modes={**MODES, mode: value}, readers=READERS)
    assert (after.fingerprint != before.fingerprint) is changes


def test_an_upgraded_library_changes_the_fingerprint():
    upgraded = replace(READERS, version=lambda name: "9.9")
    assert capture(("torch",), readers=upgraded).fingerprint != capture(("torch",), readers=READERS).fingerprint


def test_versions_are_learnt_without_importing_the_libraries():
    code = (
        "import sys; from optbench.runner.environment import capture; capture();"
        "print(sorted({'torch', 'numpy', 'scipy', 'sklearn'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    done = subprocess.run(["git", "-C", str(folder), *identity, *arguments], check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path):
    git(tmp_path, "init", "--quiet")
    (tmp_path / "file").write_text("one")
    git(tmp_path, "add", "file")
    git(tmp_path, "commit", "--quiet", "-m", "first")
    return tmp_path


def test_the_commit_is_that_of_the_folder(repository):
    assert git_commit(repository) == git(repository, "rev-parse", "HEAD")


def test_the_date_is_that_of_the_commit(repository):
    assert git_date(repository) == git(repository, "show", "-s", "--format=%cI")


def test_a_changed_file_marks_the_commit(repository):
    (repository / "file").write_text("two")
    assert git_commit(repository) == git(repository, "rev-parse", "HEAD") + "+"


def test_there_is_no_commit_outside_a_repository_nor_before_the_first(tmp_path):
    assert git_commit(tmp_path) is None
    git(tmp_path, "init", "--quiet")
    assert git_commit(tmp_path) is None
