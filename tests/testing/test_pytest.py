"""The kit inside pytest: one test a plugin and check, strict expected failures, fixtures without discovery."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from optbench.api import UserError
from optbench.testing import parametrize_with_checks
from tests.testing.plants import planted

ROOT = Path(__file__).parents[2]
PLUGIN = """
from types import SimpleNamespace
from optbench.api import OptimizerPlugin, hookimpl

class Mine:
    def init(self, oracle, start):
        return SimpleNamespace(point=start.clone(), finished=None)
    def step(self, oracle, state):
        state.point = state.point - 0.1 * oracle.gradient(state.point)
        return state

class Climbing(Mine):
    def step(self, oracle, state):
        state.point = state.point + 0.1 * oracle.gradient(state.point)
        return state

@hookimpl
def optbench_optimizers():
    yield OptimizerPlugin(name="mine", factory=f"{__name__}:Mine", summary="x", evaluations=frozenset({"gradient"}))
    yield OptimizerPlugin(
        name="climbing", factory=f"{__name__}:Climbing", summary="x", evaluations=frozenset({"gradient"}),
        expected_failures={"decreases-a-quadratic": "it climbs", "one-parameter": "it should not pass"},
    )
"""
TESTS = """
from optbench.testing import parametrize_with_checks

@parametrize_with_checks([PLUGIN_FILE], expected_failures={"mine": {"survives-nan": "hoped for"}})
def test_mine(check):
    check()

def test_a_plugin_alone(optbench_plugin):
    catalogue = optbench_plugin(SOURCE)
    assert catalogue.names("optimizers") == ("climbing", "mine")

def test_no_discovery(optbench_catalogue, optbench_no_plugins):
    from optbench.registry import load_catalogue

    assert optbench_catalogue().names("optimizers") == load_catalogue().names("optimizers") == ()
"""


def ids(mark: pytest.MarkDecorator) -> list[str]:
    return [case.id for case in mark.args[1]]


def test_each_check_that_applies_is_a_test_with_a_telling_id() -> None:
    found = ids(parametrize_with_checks([planted.record(planted.Sound, needs=frozenset({"minibatches"}))]))
    assert {"sound-decreases-a-quadratic", "sound-survives-nan"} <= set(found)
    assert not {"sound-peak-memory-as-declared", "sound-options-hold"} & set(found)


@pytest.mark.parametrize(
    ("expected", "message"),
    [
        ({"sond": {"survives-nan": "x"}}, "expected failures of sond"),
        ({"sound": {"survive-nan": "x"}}, "nearest: survives-nan"),
        ({"sound": {"options-hold": "x"}}, "does not apply: it has no options"),
    ],
)
def test_an_expected_failure_of_nothing_is_refused(expected, message: str) -> None:
    with pytest.raises(UserError, match=message):
        parametrize_with_checks([planted.record(planted.Sound)], expected)


@pytest.mark.slow
def test_a_suite_of_tests_for_a_plugin_file(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(PLUGIN)
    prelude = f"SOURCE = {PLUGIN!r}\nPLUGIN_FILE = {str(tmp_path / 'mine.py')!r}\n"
    (tmp_path / "test_mine.py").write_text(prelude + TESTS)
    arguments = ["-q", "-p", "optbench.testing.pytest_plugin", "-p", "no:cacheprovider", "-rA", "-W", "error"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *arguments, "test_mine.py"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={
            **os.environ,
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path]),
        },
        check=False,
    )
    lines = done.stdout.splitlines()
    assert "PASSED test_mine.py::test_mine[mine-decreases-a-quadratic]" in lines, done.stdout + done.stderr
    assert any(line.startswith("FAILED test_mine.py::test_mine[mine-survives-nan]") for line in lines)
    expected = [line for line in lines if line.startswith("XFAIL")]
    assert len(expected) == 2
    assert "it climbs" in expected[0]
    for name in ("test_a_plugin_alone", "test_no_discovery"):
        assert f"PASSED test_mine.py::{name}" in lines
    assert lines[-1].startswith("2 failed")  # the other: climbing in float32 is not excused


def test_nothing_but_the_decorator_needs_pytest_and_the_tables_need_no_torch() -> None:
    code = (
        "import sys; sys.modules['pytest'] = None\n"
        "import optbench.testing, optbench.cli.check, optbench.testing.conformance, optbench.testing.isolation\n"
        "from optbench.testing.collection import CHECKED, checks_for\n"
        "print(sum(len(checks_for(kind)) for kind in CHECKED), 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    number, torch_is_there = done.stdout.split()
    assert (int(number) > 30, torch_is_there) == (True, "False")


def test_the_pytest_plugin_imports_nothing_heavy() -> None:
    code = (
        "import sys, optbench.testing.pytest_plugin\n"
        "print([name for name in ('torch', 'numpy', 'optbench.registry') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.stdout.strip() == "[]", done.stderr
