"""The cache of data sets and figures."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from optbench.api import UserError
from optbench.api.data import cache_root, dataset, reference_value

ARRAYS = {"x": np.arange(6.0).reshape(2, 3), "y": np.array([1, 0])}


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("OPTBENCH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def never() -> None:
    pytest.fail("built again")


def test_first_use_builds_and_later_uses_read():
    first = dataset("toy", lambda: ARRAYS)
    again = dataset("toy", never)
    assert set(again) == {"x", "y"}
    assert again["x"].tolist() == ARRAYS["x"].tolist()
    assert again["y"].dtype == ARRAYS["y"].dtype
    assert first.digest == again.digest


def test_arrays_are_mapped_and_read_only():
    array = dataset("toy", lambda: ARRAYS)["x"]
    assert isinstance(array, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        array[0, 0] = 1


def test_another_version_or_content_is_another_data_set():
    first = dataset("toy", lambda: ARRAYS)
    second = dataset("toy", lambda: {"x": ARRAYS["x"] + 1, "y": ARRAYS["y"]}, version="2")
    assert second["x"][0, 0] == 1
    assert first.digest != second.digest


def test_failed_build_leaves_nothing_behind(cache):
    def fail():
        raise RuntimeError("no data")

    with pytest.raises(RuntimeError, match="no data"):
        dataset("toy", fail)
    assert not cache.exists()
    assert len(dataset("toy", lambda: ARRAYS)) == 2


def test_failed_write_leaves_nothing_behind(cache):
    with pytest.raises(ValueError, match="allow_pickle"):
        dataset("toy", lambda: {"x": ARRAYS["x"], "bad": np.array([object()])})
    assert list(cache.iterdir()) == []


@pytest.mark.parametrize("damage", ["change", "remove", "manifest"])
def test_damaged_files_are_reported_with_what_to_delete(cache, damage):
    dataset("toy", lambda: ARRAYS)
    file = next((cache / "toy-1").glob("*.npy"))
    if damage == "change":
        content = bytearray(file.read_bytes())
        content[-1] ^= 1
        file.write_bytes(content)
    elif damage == "remove":
        file.unlink()
    else:
        (cache / "toy-1" / "manifest.json").write_text("[")
    with pytest.raises(UserError, match="delete that folder") as raised:
        dataset("toy", never)
    assert str(cache / "toy-1") in str(raised.value)


def test_names_cannot_leave_the_cache():
    with pytest.raises(UserError, match="letters"):
        dataset("../toy", lambda: ARRAYS)


def _build_with_others(start, built):
    def build():
        start.wait()  # every process is inside its build before one publishes
        return {"x": np.full(1000, os.getpid())}

    built.put(int(dataset("shared", build)["x"][0]))


@pytest.mark.filterwarnings(
    "ignore:This process:DeprecationWarning"
)  # forking beside idle threads, from Python 3.12 on
def test_processes_that_build_at_once_agree(cache):
    context = multiprocessing.get_context("fork")
    start, built = context.Barrier(3), context.Queue()
    processes = [context.Process(target=_build_with_others, args=(start, built)) for _ in range(3)]
    for process in processes:
        process.start()
    results = {built.get(timeout=30) for _ in processes}
    for process in processes:
        process.join(30)
    assert len(results) == 1
    assert [path.name for path in cache.iterdir()] == ["shared-1"]


def test_figures_are_computed_once_and_keep_every_bit():
    assert reference_value({"l2": 0.1}, lambda: 0.1 + 0.2) == 0.1 + 0.2
    assert reference_value({"l2": 0.1}, never) == 0.1 + 0.2
    assert reference_value({"l2": 0.2}, lambda: 3.0) == 3.0


def test_damaged_figure_is_reported_with_what_to_delete(cache):
    reference_value("key", lambda: 1.0)
    file = next((cache / "reference-values").glob("*.json"))
    file.write_text("{}")
    with pytest.raises(UserError, match="delete that file"):
        reference_value("key", never)


def test_default_cache_lies_in_the_home(monkeypatch):
    monkeypatch.delenv("OPTBENCH_CACHE")
    assert cache_root() == Path.home() / ".cache" / "optbench" / "data"


def test_cache_that_cannot_be_written_names_the_variable(cache):
    cache.write_text("a file stands where the folder should be")
    with pytest.raises(UserError, match="OPTBENCH_CACHE"):
        dataset("toy", lambda: ARRAYS)


def test_warm_process_does_not_import_what_built():
    dataset("toy", lambda: ARRAYS)
    script = (
        "import sys; from optbench.api.data import dataset; dataset('toy', None);"
        "print(sorted({'sklearn', 'torch', 'scipy'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
