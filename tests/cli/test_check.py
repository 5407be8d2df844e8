"""`optbench check` prints a line a check, and its exit code tells whether the plugin is sound."""

from __future__ import annotations

import json
import re
import textwrap
from pathlib import Path

import pytest

from optbench.api import UserError
from optbench.cli import main
from optbench.testing import ConformanceError, check_optimizer, check_problem

Capture = pytest.CaptureFixture[str]

SOURCE = """
from types import SimpleNamespace
from optbench.api import *

class Mine:
    sign = -1
    def init(self, oracle, start):
        return SimpleNamespace(point=start.clone(), finished=None)
    def step(self, oracle, state):
        state.point = state.point + self.sign * 0.1 * oracle.gradient(state.point)
        return state

class Climbing(Mine):
    sign = 1

@hookimpl
def optbench_optimizers():
    for name, cls in {"mine": "Mine", "climbing": "Climbing"}.items():
        yield OptimizerPlugin(
            name=name, factory=f"{__name__}:{cls}", summary="x", evaluations=frozenset({"gradient"}),
        )
    yield OptimizerPlugin(
        name="excused", factory=f"{__name__}:Climbing", summary="x", evaluations=frozenset({"gradient"}),
        expected_failures={"decreases-a-quadratic": "it climbs"},
    )

@hookimpl
def optbench_problems():
    yield ProblemPlugin(name="same", factory=f"{__name__}:Mine", summary="x")

@hookimpl
def optbench_meta_algorithms():
    yield MetaAlgorithmPlugin(name="same", factory=f"{__name__}:Mine", summary="x")
"""
DESCENDS = ["--only", "decreases-a-quadratic"]


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("OPTBENCH_PLUGINS", "")
    path = tmp_path / "sound_or_not.py"
    path.write_text(SOURCE, encoding="utf-8")
    return str(path)


def test_a_sound_plugin_gives_0_and_a_line_a_check(plugin: str, capsys: Capture) -> None:
    assert main(["check", "mine", "--plugin", plugin, *DESCENDS]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[1] == ["ok", "decreases-a-quadratic"]
    assert " ".join(lines[-1]) == "1 check: 1 passed, 0 failed, 0 not applicable"


def test_a_failed_check_gives_1_and_says_what_was_seen(plugin: str, capsys: Capture) -> None:
    assert main(["check", "sound-or-not/climbing", "--plugin", plugin, *DESCENDS]) == 1
    shown = capsys.readouterr().out
    assert "at the start it was" in shown
    assert re.search(r"sound_or_not.py:\d+ in Climbing\)\n1 check: 0 passed, 1 failed, 0 not applicable\n$", shown)


def test_an_expected_failure_gives_0_and_says_why(plugin: str, capsys: Capture) -> None:
    assert main(["check", "excused", "--plugin", plugin, *DESCENDS]) == 0
    assert "expected failure" in (shown := capsys.readouterr().out)
    assert "it climbs" in shown
    assert shown.endswith("1 check: 0 passed, 0 failed, 1 expected failure, 0 not applicable\n")


def test_a_file_stands_for_all_that_it_provides(plugin: str, capsys: Capture) -> None:
    assert main(["check", plugin, "--json", *DESCENDS]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["passed"] is False
    found = {item["name"]: [check["status"] for check in item["checks"]] for item in told["subjects"]}
    assert found == {
        "sound-or-not/mine": ["ok"],
        "sound-or-not/climbing": ["failed"],
        "sound-or-not/excused": ["expected failure"],
        "sound-or-not/same": [],
    }
    (failed,) = told["subjects"][1]["checks"]
    assert failed["check"] == "decreases-a-quadratic"
    assert failed["message"]


def test_a_check_of_one_kind_passes_over_the_other_kinds(plugin: str, capsys: Capture) -> None:
    assert main(["check", plugin, "--only", "gradient-is-right"]) == 1
    shown = capsys.readouterr().out
    assert "sound-or-not/same" in shown
    assert "sound-or-not/mine" not in shown


def test_what_can_not_be_built_fails_once(plugin: str, capsys: Capture) -> None:
    assert main(["check", "problems/same", "--plugin", plugin]) == 1
    shown = capsys.readouterr().out
    assert "1 failed" in shown
    assert "not run: it can't be built" in shown


def test_a_function_takes_a_file_that_provides_one_of_its_kind(plugin: str) -> None:
    with pytest.raises(ConformanceError, match="sound-or-not/same fails 1 of"):
        check_problem(plugin, only=["builds-with-its-options"])
    with pytest.raises(UserError, match=r"provides 3 optimizers: sound-or-not/mine.*expected one; give a name"):
        check_optimizer(plugin)


def test_a_plugin_or_a_module_stands_for_all_that_it_provides(
    plugin: str, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(Path(plugin).parent))
    for name, arguments in (("sound-or-not", ["--plugin", plugin]), ("sound_or_not", [])):
        assert main(["check", name, "--json", *arguments, *DESCENDS]) == 1
        assert len(json.loads(capsys.readouterr().out)["subjects"]) == 5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["mien"], "nothing to check is called 'mien'; nearest: mine"),
        (["same"], "'same' is a name of problems and of meta-algorithms; write problems/same"),
        (["mine(lr=1)"], "unknown option 'lr'"),
        (["mine", "--only", "decrease-a-quadratic"], "nearest: decreases-a-quadratic"),
        (
            ["mine", "--only", "gradient-is-right"],
            "no check of optimizers is called 'gradient-is-right'; checks: loads-",
        ),
        (["mine + climbing"], "names 2 things"),
        (["json"], "module 'json' yields nothing that can be checked"),
        (["no_such_file.py"], "no plugin file no_such_file.py"),
    ],
)
def test_the_users_mistakes_give_2_and_one_line(
    plugin: str, capsys: Capture, arguments: list[str], message: str
) -> None:
    assert main(["check", *arguments, "--plugin", plugin]) == 2
    told = capsys.readouterr().err
    assert message in told
    assert len(told.splitlines()) == 1


def test_a_broken_record_of_a_file_is_told(tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "half.py"
    path.write_text(
        textwrap.dedent("""
        from optbench.api import OptimizerPlugin, hookimpl

        @hookimpl
        def optbench_optimizers():
            yield OptimizerPlugin(name="fine", factory="json:loads", summary="x")
            yield OptimizerPlugin(name="Not Fine", factory="json:loads", summary="x")
        """)
    )
    assert main(["check", str(path)]) == 2
    assert "Not Fine" in capsys.readouterr().err
