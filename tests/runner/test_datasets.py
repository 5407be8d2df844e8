"""Data sets of one plugin in the trials of another; without the data, trials are skipped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from optbench.records import Status

SETS = """
import os
from optbench.api import DataFile, DataSetPlugin, Option, hookimpl

os.environ["OPTBENCH_CACHE"] = os.path.join(os.path.dirname(__file__), "cache")  # the server has its own

def ramp(*, n):
    import numpy

    return {"x_train": numpy.arange(n)}

@hookimpl
def optbench_datasets():
    stated = {"summary": "Numbers.", "licence": "none", "source": "a test"}
    n = Option(default=3, doc="examples", low=1)
    absent = DataFile(name="absent.gz", sha256="0" * 64)
    yield DataSetPlugin(name="ramp", factory=f"{__name__}:ramp", options={"n": n}, **stated)
    yield DataSetPlugin(name="unlike", factory="no_such_module:make", requires={"no_such_module": "unlike"}, **stated)
    yield DataSetPlugin(name="absent", factory="absent:make", files=(absent,), obtain="`apt install absent`", **stated)
"""
PROBLEM = """
from optbench.api import FunctionProblem, Option, ProblemPlugin, hookimpl

def fit(*, device, dtype, streams, data):
    offset = float(data["x_train"].sum())
    return FunctionProblem(size=1, start_point=[0.0], value=lambda x: ((x - offset) ** 2).sum())

@hookimpl
def optbench_problems():
    data = Option(default="ramp", doc="which", plugins="data-sets")
    yield ProblemPlugin(name="fit", factory=f"{__name__}:fit", summary="A fit.", options={"data": data})
"""


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    monkeypatch.setenv("OPTBENCH_CACHE", "none")  # the file changes it here, too
    for name, source in (("sets.py", SETS), ("fits.py", PROBLEM)):
        (tmp_path / name).write_text(source, encoding="utf-8")
    return [tmp_path / "sets.py", tmp_path / "fits.py"]


def test_a_problem_loads_what_another_plugin_states(run: Any, files: list[Path]) -> None:
    (record,) = run("descent", problem='fit(data="ramp(n=4)")', beside=files)
    assert (record.status, record.f0) == (Status.BUDGET, 36.0)
    assert record.spec.problem.options == {"data": "sets/ramp(n=4)"}


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("unlike", "data set unlike needs no_such_module, which is not installed: pip install 'unlike'"),
        (
            "absent",
            (
                "data set absent is not on this machine; "
                "`apt install absent` or `optbench data fetch absent --from FOLDER|URL`"
            ),
        ),
    ],
)
def test_without_the_data_a_trial_is_skipped_with_what_to_do(
    run: Any, files: list[Path], name: str, reason: str
) -> None:
    (record,) = run("descent", problem=f'fit(data="{name}")', beside=files)
    assert (record.status, record.reason) == (Status.SKIPPED, reason)
